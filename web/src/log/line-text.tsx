import { marked, spans } from './ansi';

/** The text of a line with its colours, and what is searched for marked. */
export function LineText({ text, wanted }: { text: string; wanted: string }) {
  return (
    <span class="log-text">
      {marked(spans(text), wanted).map(({ text, classes, match }, index) => {
        const key = `${index}`;
        if (match) return <mark key={key}>{text}</mark>;
        return classes === '' ? (
          text
        ) : (
          <span key={key} class={classes}>
            {text}
          </span>
        );
      })}
    </span>
  );
}

/** A number with thin spaces between its thousands. */
export function grouped(number: number): string {
  return number.toLocaleString('en').replaceAll(',', '\u2009');
}
