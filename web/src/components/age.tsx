import { age, duration, quarter, second } from '../environment/clock';

/** How long ago something was; the exact time is its title. */
export function Age({ at }: { at: string }) {
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()}>
      {age(quarter.value - Date.parse(at))}
    </time>
  );
}

/** How long something takes, growing until it has ended. */
export function Elapsed({ since, until }: { since: string; until?: string | undefined }) {
  const end = until === undefined ? second.value : Date.parse(until);
  return <span class="elapsed">{duration(end - Date.parse(since))}</span>;
}
