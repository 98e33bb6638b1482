import type { Choosing } from './asking';

/** The services of an environment, of which some are meant. */
export function ServiceChoice({ request }: { request: Choosing }) {
  return (
    <fieldset class="service-choice">
      <legend>
        Services{' '}
        <button type="button" class="small plain" onClick={() => request.chooseAll()}>
          All
        </button>
        <button type="button" class="small plain" onClick={() => request.chooseNone()}>
          None
        </button>
      </legend>
      {request.services.map(({ name, skipped }) => (
        <label key={name}>
          <input
            type="checkbox"
            checked={request.chosen.value.has(name)}
            onInput={(event) => request.choose(name, event.currentTarget.checked)}
          />{' '}
          {name} {skipped && <span class="quiet">skipped</span>}
        </label>
      ))}
    </fieldset>
  );
}
