import { folded, lineDiff } from './line-diff';

/** What differs between two texts; what is the same is left out but for a few lines. */
export function DiffView({ before, after, label }: { before: string; after: string; label: string }) {
  const parts = folded(lineDiff(before, after));
  const isSame = parts.every((part) => part.kind === 'gap' || part.kind === 'same');
  if (isSame) return <p class="quiet">Nothing differs.</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it with the keys
    <section class="diff" aria-label={label} tabIndex={0}>
      {parts.map((part, index) =>
        part.kind === 'gap' ? (
          <div key={index} class="diff-gap">
            {part.lines} equal {part.lines === 1 ? 'line' : 'lines'}
          </div>
        ) : (
          <div key={index} class={`diff-line diff-${part.kind}`}>
            <span class="diff-mark">{part.kind === 'added' ? '+' : part.kind === 'removed' ? '−' : ' '}</span>
            {part.text}
          </div>
        ),
      )}
    </section>
  );
}
