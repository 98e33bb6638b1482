/** The tab *Settings*: what an environment is for, where it runs, and how its pipeline goes. Stages are the board's, services have pages. */
import { Link } from 'wouter-preact';
import { Problem } from '../components/problem';
import { useEnvironment } from '../environment/store';
import { listTargets } from './calls';
import type { Draft } from './draft';
import { DraftFrame, tellApplied } from './draft-frame';
import { useStoredDraft } from './file-page';
import { FormProvider } from './form/form';
import { ShapeFields } from './form/shape-fields';
import type { SchemaReader } from './schema';
import { useLoaded } from './use-loaded';

/** The keys at the top of the file that are settings; those of the pipeline are all but its stages. */
const SETTINGS: readonly string[] = ['mode', 'target', 'previews', 'schedules', 'notifications'];

export function EnvironmentSettingsPage() {
  const draft = useStoredDraft();
  if (draft.unread.value !== null) return <Problem problem={draft.unread.value} />;
  if (draft.stored.value === null) return <p class="quiet">Reading the settings…</p>;
  return (
    <DraftFrame draft={draft} applied={tellApplied} tools={<h2>Settings</h2>}>
      {(schema) => <Settings draft={draft} schema={schema} />}
    </DraftFrame>
  );
}

function Settings({ draft, schema }: { draft: Draft; schema: SchemaReader }) {
  const store = useEnvironment();
  const targets = useLoaded(listTargets, []);
  const others = Object.keys(schema.whole.properties ?? {}).filter((key) => !SETTINGS.includes(key));
  const known = { target: (targets.value ?? []).map((target) => target.name) };
  return (
    <FormProvider value={{ draft, schema, fixed: [], known }}>
      <ShapeFields path={[]} shape={schema.whole} without={others} />
      <fieldset class="form-group">
        <legend>Pipeline</legend>
        <ShapeFields path={['pipeline']} shape={schema.whole.$defs?.pipeline ?? {}} without={['stages']} />
      </fieldset>
      <p class="quiet">
        Stages are edited on the <Link href={store.link()}>board</Link>, variables and secrets under{' '}
        <Link href={store.link('/variables')}>Variables</Link>, and everything at once in the{' '}
        <Link href={store.link('/file')}>file</Link>. A change of the target counts from the next deployment; what runs at the
        old one stays there until it is deleted: do that first.
      </p>
    </FormProvider>
  );
}
