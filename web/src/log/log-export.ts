/** Lines out of the page: into the clipboard, or into a file. */
import { tell } from '../components/toasts';
import { plain } from './ansi';
import type { LinkedLines } from './line-link';
import type { LogPane } from './log-pane';

/** The most lines that are copied: a clipboard is no place for a million. */
const MOST_COPIED = 20_000;
/** Lines that are fetched before the file grows by them. */
const STRIDE = 10_000;

/** Copies the lines that the address names, else all of the steps that are unfolded. */
export async function copyLines(pane: LogPane, linked: LinkedLines | undefined): Promise<void> {
  const texts: string[] = [];
  for (const [phase, book] of pane.books.peek() ?? []) {
    if (linked === undefined ? pane.folded.peek().has(phase) : linked.phase !== phase) continue;
    const from = linked === undefined ? 0 : await book.placeOf(linked.first);
    const to = linked === undefined ? book.count.peek() : (await book.placeOf(linked.last)) + 1;
    if (texts.length + to - from > MOST_COPIED) {
      tell(`${to - from} lines are too many to copy: download them, or choose some with the shift key`);
      return;
    }
    texts.push(...(await book.read(from, to)).map((line) => plain(line.text)));
  }
  try {
    await navigator.clipboard.writeText(texts.join('\n'));
    tell(`${texts.length} lines copied`);
  } catch {
    tell('The browser does not let this page copy: select the lines and copy them by hand');
  }
}

/** Saves all lines of the log, build first. */
export async function download(pane: LogPane, name: string): Promise<void> {
  const parts: string[] = [];
  for (const book of pane.books.peek()?.values() ?? []) {
    const count = book.count.peek();
    for (let from = 0; from < count; from += STRIDE) {
      const lines = await book.read(from, Math.min(count, from + STRIDE));
      parts.push(lines.map((line) => `${line.at} ${line.phase} ${plain(line.text)}\n`).join(''));
      if (count > STRIDE) tell(`${Math.min(count, from + STRIDE)} of ${count} lines`);
    }
  }
  saveText(name, parts);
}

/** Saves a text as a file. */
export function saveText(name: string, parts: string[]): void {
  const url = URL.createObjectURL(new Blob(parts, { type: 'text/plain;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${name}.log`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
