import { useId, useLayoutEffect, useRef } from 'preact/hooks';

/** A text that is changed where it stands: Enter saves, Escape leaves it. */
export function InlineField(props: {
  label: string;
  text: string;
  isRequired?: boolean;
  hint?: string | undefined;
  save: (text: string) => void;
  cancel: () => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  const hint = useId();
  useLayoutEffect(() => {
    input.current?.focus();
    input.current?.select();
  }, []);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const text = (input.current?.value ?? '').trim();
    if (text === props.text) props.cancel();
    else if (text !== '' || props.isRequired !== true) props.save(text);
  };
  return (
    <form class="inline-field" onSubmit={submit}>
      <input
        ref={input}
        aria-label={props.label}
        aria-describedby={props.hint === undefined ? undefined : hint}
        defaultValue={props.text}
        required={props.isRequired}
        maxLength={props.isRequired ? 64 : 1000}
        onKeyDown={(event) => {
          if (event.key === 'Escape') props.cancel();
        }}
      />
      <button type="submit" class="small primary">
        Save
      </button>
      <button type="button" class="small" onClick={props.cancel}>
        Cancel
      </button>
      {props.hint !== undefined && (
        <p id={hint} class="quiet">
          {props.hint}
        </p>
      )}
    </form>
  );
}
