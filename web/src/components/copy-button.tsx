import { tell } from './toasts';

/** Copies a text to the clipboard; of one that is not to be read aloud, `what` says what it is. */
export function CopyButton({ text, what = text }: { text: string; what?: string }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      tell('Copied');
    } catch {
      tell('The browser does not let this page copy: select the text and copy it by hand');
    }
  };
  return (
    <button type="button" class="small" onClick={copy} aria-label={`Copy: ${what}`}>
      Copy
    </button>
  );
}
