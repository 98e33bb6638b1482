/** One service: what runs of it, what can be done to it, and its part of the file as a form. */
import { useSignal } from '@preact/signals';
import { Link, useParams } from 'wouter-preact';
import { Refusal } from '../api/request';
import { Age } from '../components/age';
import { EmptyState } from '../components/empty-state';
import { KindIcon } from '../components/kind-icon';
import { Problem } from '../components/problem';
import { StateMark } from '../components/state-mark';
import { tell } from '../components/toasts';
import { ActionDialog } from '../environment/action-dialog';
import { useEnvironment } from '../environment/store';
import type { EnvironmentServiceView } from '../environment/wire';
import * as calls from './calls';
import type { Draft } from './draft';
import { DraftFrame, tellApplied } from './draft-frame';
import { FileForm } from './file-form';
import { useStoredDraft } from './file-page';
import { placeOf } from './place-of';
import type { SchemaReader } from './schema';
import { useLoaded } from './use-loaded';
import { serviceNames } from './variables';
import type { RunningServiceView } from './wire';

/** What can be done to one service alone. */
type ServiceAction = 'deploy' | 'restart' | 'stop';

export function ServicePage() {
  const store = useEnvironment();
  const { service: name = '' } = useParams();
  const draft = useStoredDraft();
  const environment = store.environment.value;
  if (environment === null) return <p class="quiet">Reading the service…</p>;
  const service = environment.services.find((one) => one.name === name);
  if (service === undefined) {
    return (
      <EmptyState
        title={`There is no service ${name}`}
        next={store.link()}
        nextText={`Board of ${store.project}/${store.name}`}
      />
    );
  }
  return (
    <>
      <ServiceHead service={service} />
      <Running service={service} />
      {draft.unread.value !== null && <Problem problem={draft.unread.value} />}
      {draft.stored.value !== null && (
        <DraftFrame draft={draft} tools={<h2>Configuration</h2>} applied={tellApplied}>
          {(schema) => <ServiceForm draft={draft} schema={schema} name={name} />}
        </DraftFrame>
      )}
    </>
  );
}

function ServiceForm({ draft, schema, name }: { draft: Draft; schema: SchemaReader; name: string }) {
  // A new name counts when it is applied; until then the place stays.
  const index = serviceNames(draft.document.value).indexOf(name);
  const place = useSignal(index);
  if (index >= 0 && place.peek() !== index) place.value = index;
  if (place.value < 0) return <p class="quiet">The file has no service {name}.</p>;
  const shape = schema.whole.$defs?.service ?? {};
  return <FileForm draft={draft} schema={schema} fixed={[]} part={{ path: ['services', place.value], shape }} />;
}

function ServiceHead({ service }: { service: EnvironmentServiceView }) {
  const store = useEnvironment();
  const asked = useSignal<ServiceAction | null>(null);
  const run = async () => {
    try {
      await calls.runJob(placeOf(store), service.name);
      tell(`${service.name} runs`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      tell(error.problem.detail);
    }
  };
  const actions: [ServiceAction, string][] = [
    ['deploy', 'Deploy this…'],
    ['restart', 'Restart…'],
    ['stop', 'Stop…'],
  ];
  return (
    <header class="environment-head">
      <h2>
        <KindIcon kind={service.kind} /> {service.name}
      </h2>
      <ServicePlace service={service} />
      <div class="actions">
        {actions.map(([action, text]) => (
          <button
            type="button"
            key={action}
            onClick={() => {
              asked.value = action;
            }}
          >
            {text}
          </button>
        ))}
        {service.kind === 'job' && (
          <button type="button" onClick={run} title="Runs a cron job now; others run with a deployment">
            Run now
          </button>
        )}
        <Link class="button" href={store.link(`/services/${service.name}/logs`)}>
          Logs
        </Link>
      </div>
      {asked.value !== null && (
        <ActionDialog
          action={asked.value}
          services={[service.name]}
          close={() => {
            asked.value = null;
          }}
        />
      )}
    </header>
  );
}

/** Where it stands, and where the outside reaches it. */
function ServicePlace({ service }: { service: EnvironmentServiceView }) {
  return (
    <p class="quiet">
      in {service.stage}
      {service.skipped && ', skipped'}
      {service.urls?.map((url) => (
        <span key={url}>
          {' · '}
          <a href={url}>{url}</a>
        </span>
      ))}
    </p>
  );
}

/** What runs of it: read anew whenever the stream of the environment tells that something of it is different. */
function Running({ service }: { service: EnvironmentServiceView }) {
  const store = useEnvironment();
  const card = store.board.card(service.name);
  const changed = card.running.value;
  const running = useLoaded(() => calls.readRunning(placeOf(store)), [store, service.name, changed]);
  const found = running.value?.services.find((one) => one.name === service.name);
  const last = card.facts.value.last;
  return (
    <section class="settings-section" aria-label="What runs">
      <h2>What runs</h2>
      {running.problem !== null && (
        <p class="warn">
          {running.problem.detail} {running.problem.hint}
        </p>
      )}
      {running.value === null && running.problem === null && <p class="quiet">Looking…</p>}
      {running.value !== null && found === undefined && <p class="quiet">Nothing runs of it.</p>}
      {found !== undefined && <Pods running={found} />}
      {last !== null && (
        <p>
          Last deployment <Link href={`/deployments/${last.id}`}>#{last.number}</Link> <StateMark state={last.state} of="run" />{' '}
          <Age at={last.at} />
        </p>
      )}
    </section>
  );
}

function Pods({ running }: { running: RunningServiceView }) {
  return (
    <>
      <p>
        <StateMark state={running.status} of="running" /> {running.ready} of {running.wanted} ready
        {running.restarts > 0 && `, ${running.restarts} restarts`}
        {running.reason !== undefined && `: ${running.reason}`}
      </p>
      {running.addresses !== undefined && running.addresses.length > 0 && <p>Reached at {running.addresses.join(', ')}</p>}
      {running.lastRun !== undefined && (
        <p>
          Last run <code>{running.lastRun.name}</code> {running.lastRun.state}
          {running.lastRun.reason !== undefined && `: ${running.lastRun.reason}`}
        </p>
      )}
      {running.pods.length > 0 && (
        <div class="table-scroll">
          <table class="plain-table">
            <thead>
              <tr>
                <th scope="col">Pod</th>
                <th scope="col">State</th>
                <th scope="col">Node</th>
                <th scope="col">Restarts</th>
                <th scope="col">Since</th>
              </tr>
            </thead>
            <tbody>
              {running.pods.map((pod) => (
                <tr key={pod.name}>
                  <th scope="row">
                    <code>{pod.name}</code>
                  </th>
                  <td>
                    {pod.phase}
                    {pod.ready ? ', ready' : ''}
                    {pod.reason !== undefined && `: ${pod.reason}`}
                  </td>
                  <td>{pod.node}</td>
                  <td>{pod.restarts}</td>
                  <td>{pod.started !== undefined && <Age at={pod.started} />}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
