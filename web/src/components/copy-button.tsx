import { tell } from './toasts';

/** Copies a text to the clipboard. */
export function CopyButton({ text }: { text: string }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      tell('Copied');
    } catch {
      tell('The browser does not let this page copy: select the text and copy it by hand');
    }
  };
  return (
    <button type="button" class="small" onClick={copy} aria-label={`Copy: ${text}`}>
      Copy
    </button>
  );
}
