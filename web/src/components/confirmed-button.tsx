import { useSignal } from '@preact/signals';

/** A button that asks once more before it does what it says. */
export function ConfirmedButton({ text, about, run }: { text: string; about: string; run: () => Promise<void> }) {
  const isAsked = useSignal(false);
  if (!isAsked.value) {
    return (
      <button
        type="button"
        class="small"
        onClick={() => {
          isAsked.value = true;
        }}
      >
        {text}
        <span class="visually-hidden"> {about}</span>
      </button>
    );
  }
  return (
    <span class="inline-form">
      <button type="button" class="small danger" onClick={() => void run()}>
        {text} {about}
      </button>
      <button
        type="button"
        class="small"
        onClick={() => {
          isAsked.value = false;
        }}
      >
        Keep
      </button>
    </span>
  );
}
