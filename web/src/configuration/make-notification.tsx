/** The form that makes a notification, and its secret, which is shown once. */
import { type Signal, useSignal } from '@preact/signals';
import { type ProblemDetails, Refusal } from '../api/request';
import { CopyButton } from '../components/copy-button';
import { ChoiceField } from '../components/fields';
import { Problem } from '../components/problem';
import * as calls from './calls';
import { FormText } from './form-text';
import type { MadeNotificationView } from './wire';

const KINDS: [string, string][] = [
  ['webhook', 'a webhook, by signed JSON'],
  ['slack', 'a channel of Slack, by text'],
];
const EVENTS = ['started', 'succeeded', 'failed', 'canceled'];
const MODES = ['production', 'staging', 'development', 'preview'];

export function MakeNotification({ done }: { done: () => Promise<void> }) {
  const [kind, name, url, projects] = [useSignal('webhook'), useSignal(''), useSignal(''), useSignal('')];
  const [events, modes] = [useSignal<string[]>([]), useSignal<string[]>([])];
  const made = useSignal<MadeNotificationView | null>(null);
  const problem = useSignal<ProblemDetails | null>(null);
  const make = async (event: SubmitEvent) => {
    event.preventDefault();
    try {
      made.value = await calls.makeNotification({
        kind: kind.value,
        name: name.value.trim(),
        url: url.value.trim(),
        projects: projects.value.split(/[\s,]+/).filter((pattern) => pattern !== ''),
        modes: modes.value,
        events: events.value,
      });
      problem.value = null;
      url.value = '';
      await done();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      problem.value = error.problem;
    }
  };
  return (
    <form class="settings-form" onSubmit={make} aria-label="Make a notification">
      <h3>Make a notification</h3>
      <ChoiceField label="Who is told" value={kind} choices={KINDS} />
      <FormText value={name} label="Name" required />
      <FormText value={url} label="URL" required help="Slack’s is a secret: of it the host alone is shown." />
      <FormText value={projects} label="Projects" help="Such as shop-*, with commas between. Absent: all." />
      <Choices label="Events" words={EVENTS} chosen={events} />
      <Choices label="Modes" words={MODES} chosen={modes} />
      {problem.value !== null && <Problem problem={problem.value} />}
      <button type="submit" class="primary">
        Make
      </button>
      {made.value !== null && <Made made={made.value} />}
    </form>
  );
}

/** Words of which some are chosen. */
function Choices({ label, words, chosen }: { label: string; words: string[]; chosen: Signal<string[]> }) {
  const toggle = (word: string) => {
    const without = chosen.value.filter((other) => other !== word);
    chosen.value = without.length === chosen.value.length ? [...without, word] : without;
  };
  return (
    <fieldset>
      <legend>{label}</legend>
      {words.map((word) => (
        <label key={word}>
          <input type="checkbox" checked={chosen.value.includes(word)} onInput={() => toggle(word)} /> {word}{' '}
        </label>
      ))}
      <p class="form-help quiet">None: all.</p>
    </fieldset>
  );
}

function Made({ made: { name, secret } }: { made: MadeNotificationView }) {
  if (secret === undefined) return <p role="status">{name} is made. Open it above to test it.</p>;
  return (
    <div role="status">
      <p>{name} is made. Enter the secret where messages are received; it is not shown again.</p>
      <p class="command">
        <code>{secret}</code>
        <CopyButton text={secret} what="the secret" />
      </p>
    </div>
  );
}
