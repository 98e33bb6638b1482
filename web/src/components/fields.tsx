/** Fields of dialogs, each the view of a signal. */
import type { Signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';

export function CheckField({ text, value }: { text: string; value: Signal<boolean> }) {
  return (
    <label>
      <input
        type="checkbox"
        checked={value.value}
        onInput={(event) => {
          value.value = event.currentTarget.checked;
        }}
      />{' '}
      {text}
    </label>
  );
}

export function TextField({ label, value }: { label: ComponentChildren; value: Signal<string> }) {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        value={value.value}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => {
          value.value = event.currentTarget.value;
        }}
      />
    </label>
  );
}

/** One of some words; each may have a text of its own. */
export function ChoiceField(props: { label: string; value: Signal<string>; choices: readonly (readonly [string, string])[] }) {
  const { label, value, choices } = props;
  return (
    <label class="field">
      <span>{label}</span>
      <select
        value={value.value}
        onInput={(event) => {
          value.value = event.currentTarget.value;
        }}
      >
        {choices.map(([word, text]) => (
          <option key={word} value={word}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
