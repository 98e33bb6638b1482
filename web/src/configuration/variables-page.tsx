/** The tab *Variables*: what the environment and each service set, where what a service sees comes from, and the secrets. */
import { useMemo } from 'preact/hooks';
import { Link, useSearchParams } from 'wouter-preact';
import { Problem } from '../components/problem';
import { useEnvironment } from '../environment/store';
import { readProjectFile, secretsOf } from './calls';
import type { Draft } from './draft';
import { DraftFrame, tellApplied } from './draft-frame';
import { FileDocument } from './file-document';
import { useStoredDraft } from './file-page';
import { FormProvider } from './form/form';
import { VariablesField } from './form/variables-field';
import { placeOf } from './place-of';
import type { SchemaReader } from './schema';
import { SecretsTable } from './secrets-table';
import { useLoaded } from './use-loaded';
import { type Effective, ofService, placeOfService, serviceNames } from './variables';

export function VariablesPage() {
  const store = useEnvironment();
  const draft = useStoredDraft();
  if (draft.unread.value !== null) return <Problem problem={draft.unread.value} />;
  if (draft.stored.value === null) return <p class="quiet">Reading the variables…</p>;
  return (
    <>
      <SecretsTable
        key={store.link()}
        secrets={secretsOf(placeOf(store))}
        version={store.environment.value?.version}
        empty="The environment declares none. Add a name to “secrets” in the tab File, apply it, and set its value here."
      />
      <DraftFrame draft={draft} applied={tellApplied} tools={<h2>Variables</h2>}>
        {(schema) => <Variables draft={draft} schema={schema} />}
      </DraftFrame>
    </>
  );
}

function Variables({ draft, schema }: { draft: Draft; schema: SchemaReader }) {
  const [search, setSearch] = useSearchParams();
  const { project } = useEnvironment();
  const given = useGiven(project);
  const document = draft.document.value;
  const services = serviceNames(document);
  const chosen = search.get('service') ?? '';
  const place = placeOfService(document, chosen);
  const property = (title: string, description: string) => ({ title, description });
  return (
    <FormProvider value={{ draft, schema, fixed: [], known: { secret: secretsIn(given) } }}>
      <div class="form-fields">
        <GivenByProject project={project} given={given} />
        <VariablesField
          path={['variables']}
          property={property('Of the environment', 'All services see them.')}
          shape={schema.whole.$defs?.variable ?? {}}
        />
        <label class="inline-form">
          Service
          <select
            value={chosen}
            onInput={(event) =>
              setSearch(event.currentTarget.value === '' ? {} : { service: event.currentTarget.value }, { replace: true })
            }
          >
            <option value="">choose one to see what it sees</option>
            {services.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        {place !== null && (
          <>
            <VariablesField
              path={place}
              property={property(
                `Of ${chosen}`,
                'It alone sees them; they take the place of those of the environment of the same name.',
              )}
              shape={schema.whole.$defs?.variable ?? {}}
            />
            <EffectiveTable service={chosen} variables={ofService(document, chosen, given)} />
          </>
        )}
        {chosen !== '' && place === null && <p class="quiet">There is no service {chosen}.</p>}
      </div>
    </FormProvider>
  );
}

/** The file of the project; what it gives is edited on its own page. */
function useGiven(project: string): FileDocument | null {
  const file = useLoaded(() => readProjectFile(project), [project]);
  const text = file.value?.text;
  return useMemo(() => (text === undefined ? null : new FileDocument(text)), [text]);
}

function secretsIn(given: FileDocument | null): string[] {
  const declared = given?.get(['secrets']);
  return Array.isArray(declared) ? declared.map(String) : [];
}

function GivenByProject({ project, given }: { project: string; given: FileDocument | null }) {
  const names = given?.keys(['variables']) ?? [];
  return (
    <p>
      <Link href={`/projects/${project}`}>Of the project {project}</Link>:{' '}
      {names.length === 0 ? (
        <span class="quiet">nothing that its environments share</span>
      ) : (
        names.map((name, index) => (
          <span key={name}>
            {index > 0 && ', '}
            <code>{name}</code>
          </span>
        ))
      )}
    </p>
  );
}

function EffectiveTable({ service, variables }: { service: string; variables: readonly Effective[] }) {
  return (
    <div class="table-scroll">
      <table class="plain-table">
        <caption>What {service} sees</caption>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Value</th>
            <th scope="col">Comes from</th>
          </tr>
        </thead>
        <tbody>
          {variables.map((variable) => (
            <tr key={variable.name}>
              <th scope="row">
                <code>{variable.name}</code>
              </th>
              <td>
                <Value variable={variable} />
              </td>
              <td>
                {origin(variable)}
                {variable.needs.length > 0 && <span class="quiet"> · stands on {variable.needs.join(', ')}</span>}
              </td>
            </tr>
          ))}
          <tr>
            <th scope="row">
              <code>SLIPWAY_…</code>
            </th>
            <td class="quiet">known at the release</td>
            <td>built in: names, hosts, ports and URLs of the services, and what jobs leave</td>
          </tr>
        </tbody>
      </table>
    </div>
  );
}

function Value({ variable }: { variable: Effective }) {
  if (variable.kind === 'secret') return <span class="quiet">secret, never shown</span>;
  if (variable.kind === 'file') {
    return (
      <>
        <code>{variable.mount}</code> <span class="quiet">with {variable.text.length} characters</span>
      </>
    );
  }
  return <code>{variable.kind === 'alias' ? `{{${variable.text}}}` : variable.text}</code>;
}

/** In words: where a variable comes from, and what it takes the place of. */
function origin({ scope, kind, text, replaces }: Effective): string {
  const from = kind === 'secret' ? `the ${scope}, by the secret ${text}` : `the ${scope}`;
  return replaces === undefined ? from : `${from}, in the place of that of the ${replaces.scope}`;
}
