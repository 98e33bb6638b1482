/** Who is told of deployments: made, tried, listed with what came of it, deleted. */
import { useSignal } from '@preact/signals';
import { Link } from 'wouter-preact';
import { type ProblemDetails, Refusal } from '../api/request';
import { Age } from '../components/age';
import { ConfirmedButton } from '../components/confirmed-button';
import { Problem } from '../components/problem';
import { tell } from '../components/toasts';
import { runLink } from '../run/links';
import * as calls from './calls';
import { MakeNotification } from './make-notification';
import { useLoaded } from './use-loaded';
import type { MessageView, NotificationView } from './wire';

export function Notifications() {
  const notifications = useLoaded(calls.listNotifications, []);
  const problem = useSignal<ProblemDetails | null>(null);
  const remove = async (id: string) => {
    try {
      await calls.deleteNotification(id);
      tell('The notification is deleted');
      problem.value = null;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      problem.value = error.problem;
    }
    await notifications.again();
  };
  return (
    <section class="settings-section" aria-label="Notifications">
      <h2>Notifications</h2>
      <p class="quiet">Webhooks and channels of Slack are told of deployments that start, succeed, fail or are canceled.</p>
      {notifications.problem !== null && <Problem problem={notifications.problem} />}
      {notifications.value?.length === 0 && <p class="quiet">Nobody is told.</p>}
      {notifications.value?.map((notification) => (
        <Notification
          key={notification.id}
          notification={notification}
          changed={notifications.again}
          remove={() => remove(notification.id)}
        />
      ))}
      {problem.value !== null && <Problem problem={problem.value} />}
      <MakeNotification done={notifications.again} />
    </section>
  );
}

/** Of what it is told, in words. */
function covers({ events, projects, modes }: NotificationView): string {
  const some = (what: string, all: string[]) => (all.length === 0 ? '' : ` ${what} ${all.join(', ')}`);
  return `${events.length === 0 ? 'all events' : events.join(', ')}${some('of', projects)}${some('in', modes)}`;
}

function Standing({ notification: { goneAt, failingSince } }: { notification: NotificationView }) {
  if (goneAt !== undefined) {
    return (
      <p class="bad">
        It wants to be told nothing any more (410), since <Age at={goneAt} />. A test that arrives takes that back.
      </p>
    );
  }
  if (failingSince === undefined) return null;
  return (
    <p class="bad">
      Nothing arrives since <Age at={failingSince} />.
    </p>
  );
}

function Notification(props: { notification: NotificationView; changed: () => Promise<void>; remove: () => Promise<void> }) {
  const { notification, changed, remove } = props;
  const { id, kind, url, environment } = notification;
  const name = notification.name ?? `of ${environment}`;
  const isOpen = useSignal(false);
  const isBad = notification.goneAt !== undefined || notification.failingSince !== undefined;
  return (
    <details
      class="webhook"
      onToggle={(event) => {
        isOpen.value = event.currentTarget.open;
      }}
    >
      <summary>
        {name}: {kind === 'slack' ? 'Slack' : 'webhook'}, {covers(notification)} {isBad && <strong class="bad">failing</strong>}
      </summary>
      <p class="command">
        <code>{url}</code>
      </p>
      <Standing notification={notification} />
      {isOpen.value && <Messages notification={id} changed={changed} />}
      {environment === undefined ? (
        <p>
          <ConfirmedButton text="Delete" about={`notification ${name}`} run={remove} />
        </p>
      ) : (
        <p class="quiet">It stands in the configuration of {environment}.</p>
      )}
    </details>
  );
}

function Messages({ notification, changed }: { notification: string; changed: () => Promise<void> }) {
  const messages = useLoaded(() => calls.listMessages(notification), [notification]);
  const problem = useSignal<ProblemDetails | null>(null);
  const test = async () => {
    try {
      await calls.pingNotification(notification);
      problem.value = null;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      problem.value = error.problem;
    }
    await Promise.all([messages.again(), changed()]);
  };
  if (messages.problem !== null) return <Problem problem={messages.problem} />;
  if (messages.value === null) return <p class="quiet">Reading what it was told…</p>;
  return (
    <>
      {messages.value.length === 0 && <p class="quiet">It was told nothing yet.</p>}
      <ul class="deliveries" aria-label="Messages">
        {messages.value.map((message) => (
          <Message key={message.id} message={message} />
        ))}
      </ul>
      {problem.value !== null && <Problem problem={problem.value} />}
      <button type="button" class="small" onClick={() => void test()}>
        Test
      </button>{' '}
      <button type="button" class="small" onClick={() => void messages.again()}>
        Read again
      </button>
    </>
  );
}

function Message({ message }: { message: MessageView }) {
  const { tells, deployment, at, attempts, state, status, answer } = message;
  return (
    <li>
      {deployment === undefined ? tells : <Link href={runLink(deployment)}>{tells}</Link>}{' '}
      <span class="quiet">{<Age at={at} />}</span>
      <ul>
        <li>
          <strong class={state === 'failed' ? 'bad' : ''}>{state}</strong> {attempts > 1 && `after ${attempts} attempts`}{' '}
          {status} {answer}
        </li>
      </ul>
    </li>
  );
}
