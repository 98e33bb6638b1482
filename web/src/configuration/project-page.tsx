/** A project: its environments, the variables and secrets that all of them share, and the rules by which they start and stop. */
import { useEffect, useMemo } from 'preact/hooks';
import { Link } from 'wouter-preact';
import { Problem } from '../components/problem';
import * as calls from './calls';
import { Draft } from './draft';
import { DraftFrame, tellApplied } from './draft-frame';
import { FormProvider } from './form/form';
import { ListField } from './form/list-field';
import { TextsField } from './form/texts-field';
import { ValueField } from './form/value-field';
import { VariablesField } from './form/variables-field';
import type { SchemaReader } from './schema';
import { SecretsTable } from './secrets-table';
import { useLoaded } from './use-loaded';

export function ProjectPage({ project }: { project: string }) {
  const draft = useMemo(() => projectDraft(project), [project]);
  useEffect(() => {
    document.title = `${project} · Slipway`;
    void draft.open();
    return () => {
      document.title = 'Slipway';
    };
  }, [draft]);
  const version = draft.stored.value?.version;
  if (draft.unread.value !== null) return <Problem problem={draft.unread.value} />;
  return (
    <>
      <h1>Project {project}</h1>
      <Environments project={project} />
      <SecretsTable
        key={`secrets ${version}`}
        secrets={calls.secretsOfProject(project)}
        empty="The project declares none. Add a name under “Secrets” below, apply it, and set its value here."
      />
      {version !== undefined && (
        <DraftFrame draft={draft} applied={tellApplied} tools={<h2>Variables, secrets, schedules and previews</h2>}>
          {(schema) => <Fields draft={draft} schema={schema} />}
        </DraftFrame>
      )}
    </>
  );
}

function Environments({ project }: { project: string }) {
  const view = useLoaded(() => calls.readProject(project), [project]);
  if (view.problem !== null) return <Problem problem={view.problem} />;
  const names = view.value?.environments ?? [];
  if (view.value !== null && names.length === 0) {
    return (
      <p class="quiet">
        It has no environment yet: <Link href="/new">make one</Link> that names the project.
      </p>
    );
  }
  return (
    <p>
      All environments share what stands here:{' '}
      {names.map((name, index) => (
        <span key={name}>
          {index > 0 && ', '}
          <Link href={`/environments/${project}/${name}`}>{name}</Link>
        </span>
      ))}
    </p>
  );
}

function Fields({ draft, schema }: { draft: Draft; schema: SchemaReader }) {
  const secrets = schema.whole.properties?.secrets ?? {};
  const previewLimit = schema.whole.$defs?.project?.properties?.previewLimit ?? {};
  return (
    <FormProvider value={{ draft, schema, fixed: [], known: {} }}>
      <div class="form-fields">
        <VariablesField
          path={['variables']}
          property={{
            title: 'Of the project',
            description:
              'All services of all its environments see them. A variable of an environment or of a service takes their place.',
          }}
          shape={schema.whole.$defs?.variable ?? {}}
        />
        <TextsField
          path={['secrets']}
          property={{ ...secrets, description: 'Names alone. Their values are set above.' }}
          required={false}
        />
        <ListField
          path={['schedules']}
          property={{
            ...schema.whole.$defs?.project?.properties?.schedules,
            description:
              'When environments without schedules of their own start and stop. `*` stands for any text, `?` for one character. Of each the first rule counts that is for it; a rule with neither time keeps the rules below away.',
          }}
          shape={schema.whole.$defs?.scheduleRule ?? {}}
        />
        <ValueField path={['previewLimit']} property={previewLimit} field={schema.field(previewLimit)} required={false} />
      </div>
    </FormProvider>
  );
}

function projectDraft(project: string): Draft {
  const view = ({ name, version, changes }: { name: string; version: number; changes: string[] }) => ({
    project: name,
    name,
    version,
    changes,
    removed: [],
  });
  return new Draft(
    {
      read: () => calls.readProjectFile(project),
      validate: async (text, signal) => view(await calls.validateProject(text, signal)),
      apply: async (text, version) => view(await calls.applyProject(text, version === 'new' ? 0 : version)),
    },
    '',
    { name: project },
  );
}
