import type { Signal } from '@preact/signals';
import { useId } from 'preact/hooks';

/** One line of text in a form of the settings. */
export function FormText(props: {
  value: Signal<string>;
  label: string;
  help?: string;
  required?: boolean;
  type?: 'text' | 'password' | 'number';
  lines?: number;
}) {
  const { value, label, help, required = false, type = 'text', lines } = props;
  const id = useId();
  const given = {
    id,
    required,
    value: value.value,
    spellcheck: false,
    'aria-describedby': help === undefined ? undefined : `${id}-help`,
  };
  const take = (event: { currentTarget: { value: string } }) => {
    value.value = event.currentTarget.value;
  };
  return (
    <div class="field">
      <label for={id}>
        {label}
        {required && <span class="quiet"> required</span>}
      </label>
      {lines === undefined ? (
        <input {...given} type={type} autocomplete={type === 'password' ? 'new-password' : 'off'} onInput={take} />
      ) : (
        <textarea {...given} rows={lines} class="mono" autocomplete="off" onInput={take} />
      )}
      {help !== undefined && (
        <p class="form-help quiet" id={`${id}-help`}>
          {help}
        </p>
      )}
    </div>
  );
}
