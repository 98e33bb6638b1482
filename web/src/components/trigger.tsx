import type { Wire } from '../api/client';

/** Who asked, by which way; with a link to what brought it about, if there is one. */
export function TriggerText({ trigger: { actor, source, link } }: { trigger: Wire<'TriggerView'> }) {
  return (
    <>
      {link === undefined ? (
        actor
      ) : (
        <a href={link} target="_blank" rel="noreferrer">
          {actor}
        </a>
      )}{' '}
      <span class="quiet">through {source}</span>
    </>
  );
}
