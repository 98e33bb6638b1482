/** By what git hosts, pipelines and registries tell the server of pushes: made, listed with what they told, deleted. */
import { useSignal } from '@preact/signals';
import { Link } from 'wouter-preact';
import { type ProblemDetails, Refusal } from '../api/request';
import { Age } from '../components/age';
import { ConfirmedButton } from '../components/confirmed-button';
import { CopyButton } from '../components/copy-button';
import { ChoiceField } from '../components/fields';
import { Problem } from '../components/problem';
import { tell } from '../components/toasts';
import { runLink } from '../run/links';
import * as calls from './calls';
import { FormText } from './form-text';
import { useLoaded } from './use-loaded';
import type { DeliveryView, MadeWebhookView, WebhookView } from './wire';

/** Who may tell, as the API has it, and for a person. */
const HOSTS: [string, string][] = [
  ['github', 'GitHub'],
  ['gitlab', 'GitLab'],
  ['gitea', 'Gitea, Forgejo'],
  ['bitbucket-cloud', 'Bitbucket Cloud'],
  ['bitbucket-data-center', 'Bitbucket Data Center'],
  ['pipeline', 'a pipeline, of images'],
  ['registry', 'a registry, of images'],
];

export function Webhooks() {
  const webhooks = useLoaded(calls.listWebhooks, []);
  const problem = useSignal<ProblemDetails | null>(null);
  const remove = async (id: string) => {
    try {
      await calls.deleteWebhook(id);
      tell('The webhook is deleted: what its host posts is refused');
      problem.value = null;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      problem.value = error.problem;
    }
    await webhooks.again();
  };
  return (
    <section class="settings-section" aria-label="Webhooks">
      <h2>Webhooks</h2>
      <p class="quiet">
        What a git host tells of a push, or a pipeline or registry of an image, deploys the services with auto-deploy that it
        concerns. What it tells of pull requests makes and deletes previews.
      </p>
      {webhooks.problem !== null && <Problem problem={webhooks.problem} />}
      {webhooks.value?.length === 0 && (
        <p class="quiet">There is none: pushes are found by a look at the hosts now and then.</p>
      )}
      {webhooks.value?.map((webhook) => (
        <Webhook key={webhook.id} webhook={webhook} remove={() => remove(webhook.id)} />
      ))}
      {problem.value !== null && <Problem problem={problem.value} />}
      <MakeWebhook done={webhooks.again} />
    </section>
  );
}

function nameOf(host: string): string {
  return HOSTS.find(([word]) => word === host)?.[1] ?? host;
}

function Webhook({ webhook, remove }: { webhook: WebhookView; remove: () => Promise<void> }) {
  const isOpen = useSignal(false);
  const { host, project, url, id } = webhook;
  return (
    <details
      class="webhook"
      onToggle={(event) => {
        isOpen.value = event.currentTarget.open;
      }}
    >
      <summary>
        {nameOf(host)}, for {project === undefined ? 'all projects' : `project ${project}`}
      </summary>
      <p class="command">
        <code>{url}</code>
        <CopyButton text={url} />
      </p>
      {isOpen.value && <Deliveries webhook={id} />}
      <p>
        <ConfirmedButton text="Delete" about={`webhook of ${nameOf(host)}`} run={remove} />
      </p>
    </details>
  );
}

function Deliveries({ webhook }: { webhook: string }) {
  const deliveries = useLoaded(() => calls.listDeliveries(webhook), [webhook]);
  if (deliveries.problem !== null) return <Problem problem={deliveries.problem} />;
  if (deliveries.value === null) return <p class="quiet">Reading what it told…</p>;
  if (deliveries.value.length === 0) return <p class="quiet">Nothing was delivered yet.</p>;
  return (
    <>
      <ul class="deliveries" aria-label="Deliveries">
        {deliveries.value.map((delivery) => (
          <Delivery key={delivery.number} delivery={delivery} />
        ))}
      </ul>
      <button type="button" class="small" onClick={() => void deliveries.again()}>
        Read again
      </button>
    </>
  );
}

function Delivery({ delivery }: { delivery: DeliveryView }) {
  const { tells, event, at, settledAt, effects } = delivery;
  return (
    <li>
      {tells.length === 0 ? event : tells.join('; ')} <span class="quiet">{<Age at={at} />}</span>
      <ul>
        {settledAt === undefined && <li class="quiet">is worked on</li>}
        {effects.map((effect) => (
          <li key={`${effect.environment} ${effect.why}`}>
            <strong class={effect.kind === 'failed' ? 'bad' : ''}>{effect.kind}</strong> {effect.environment}{' '}
            {effect.deployment !== undefined && <Link href={runLink(effect.deployment)}>#{effect.number}</Link>} {effect.why}
          </li>
        ))}
      </ul>
    </li>
  );
}

function MakeWebhook({ done }: { done: () => Promise<void> }) {
  const host = useSignal('github');
  const project = useSignal('');
  const made = useSignal<MadeWebhookView | null>(null);
  const problem = useSignal<ProblemDetails | null>(null);
  const make = async (event: SubmitEvent) => {
    event.preventDefault();
    try {
      made.value = await calls.makeWebhook(host.value, project.value.trim() === '' ? undefined : project.value.trim());
      problem.value = null;
      await done();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      problem.value = error.problem;
    }
  };
  return (
    <form class="settings-form" onSubmit={make} aria-label="Make a webhook">
      <h3>Make a webhook</h3>
      <ChoiceField label="Who tells" value={host} choices={HOSTS} />
      <FormText value={project} label="Project" help="Its environments alone follow. Absent: those of all projects." />
      {problem.value !== null && <Problem problem={problem.value} />}
      <button type="submit" class="primary">
        Make
      </button>
      {made.value !== null && <Secret made={made.value} />}
    </form>
  );
}

/** What is done with a URL and its secret. */
function whatNext(host: string): string {
  switch (host) {
    case 'pipeline':
      return 'After a push the pipeline posts {"image": "registry/path:tag"} to it, with the header Authorization: Bearer and the secret.';
    case 'registry':
      return 'Enter them as an endpoint of the registry’s notifications: the URL, and the header Authorization: Bearer with the secret.';
    default:
      return 'Enter both where the webhook is set up, with the content type application/json.';
  }
}

/** What is entered at the host. It is shown this once. */
function Secret({ made: { url, secret, host } }: { made: MadeWebhookView }) {
  return (
    <div role="status">
      <p>{whatNext(host)} The secret is not shown again.</p>
      <p class="command">
        <code>{url}</code>
        <CopyButton text={url} />
      </p>
      <p class="command">
        <code>{secret}</code>
        <CopyButton text={secret} what="the secret" />
      </p>
    </div>
  );
}
