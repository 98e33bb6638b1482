/** What can be done with a log: search, go to a line, wrap, times, copy, download, follow. */
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { tell } from '../components/toasts';
import type { Phase } from '../run/wire';
import type { LinkedLines } from './line-link';
import { copyLines, download } from './log-export';
import type { LogPane } from './log-pane';
import type { LogSearch } from './log-search';

interface Props {
  pane: LogPane;
  /** The beginning of the name of a downloaded file. */
  fileName: string;
  search: LogSearch | null;
  /** Searches for a text; an empty one ends the search. */
  seek: (text: string) => void;
  /** Shows the next match or the one before. */
  step: (by: 1 | -1) => void;
  linked: LinkedLines | undefined;
  wanted: string;
  times: boolean;
  set: (changes: { wrap?: boolean; times?: boolean }) => void;
  children?: ComponentChildren;
}

export function LogToolbar(props: Props) {
  const { pane, search } = props;
  return (
    <div class="log-toolbar" role="toolbar" aria-label="Log">
      {props.children}
      <SearchField {...props} />
      {search !== null && <Found search={search} step={props.step} />}
      <GoTo pane={pane} />
      <label class="check">
        <input
          type="checkbox"
          checked={pane.wraps.value}
          onChange={(event) => props.set({ wrap: event.currentTarget.checked })}
        />
        Wrap
      </label>
      <label class="check">
        <input type="checkbox" checked={props.times} onChange={(event) => props.set({ times: event.currentTarget.checked })} />
        Times
      </label>
      <button type="button" class="small" onClick={() => copyLines(pane, props.linked)}>
        {props.linked === undefined ? 'Copy' : 'Copy lines'}
      </button>
      <button type="button" class="small" onClick={() => download(pane, props.fileName)}>
        Download
      </button>
    </div>
  );
}

function SearchField({ wanted, seek, search, step }: Props) {
  const keys = (event: KeyboardEvent) => {
    const field = event.currentTarget as HTMLInputElement;
    if (event.key === 'Escape') {
      field.value = '';
      seek('');
    }
    if (event.key !== 'Enter') return;
    event.preventDefault();
    if (search !== null && search.text === field.value) step(event.shiftKey ? -1 : 1);
    else seek(field.value);
  };
  return (
    <input
      type="search"
      class="log-search"
      placeholder="Search, Enter for next"
      aria-label="Search the log"
      defaultValue={wanted}
      maxLength={200}
      onKeyDown={keys}
      // Not `onChange`: compat makes that of every key, and Enter would go to the second match of a search that the keys began.
      onBlur={(event) => {
        if (event.currentTarget.value !== (search?.text ?? '')) seek(event.currentTarget.value);
      }}
      onInput={(event) => {
        if (event.currentTarget.value === '') seek('');
      }}
    />
  );
}

function Found({ search, step }: { search: LogSearch; step: (by: 1 | -1) => void }) {
  const count = search.matches.value.length;
  const where = search.current.value < 0 ? '' : `${search.current.value + 1} of `;
  const text = search.isWhole.value
    ? count === 0
      ? 'No line has it'
      : `${where}${count}`
    : `${where}${count} so far${search.isLooking.value ? '…' : ''}`;
  return (
    <span class="log-found">
      <span role="status">{text}</span>
      <button type="button" class="small" disabled={count === 0} aria-label="Match before" onClick={() => step(-1)}>
        ↑
      </button>
      <button type="button" class="small" disabled={count === 0} aria-label="Next match" onClick={() => step(1)}>
        ↓
      </button>
    </span>
  );
}

function GoTo({ pane }: { pane: LogPane }) {
  const wrong = useSignal(false);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const wanted = Number(new FormData(form).get('line'));
    const phase = stepInSight(pane);
    const count = phase === undefined ? 0 : (pane.books.peek()?.get(phase)?.count.peek() ?? 0);
    wrong.value = !Number.isInteger(wanted) || wanted < 1 || wanted > count;
    if (phase !== undefined && !wrong.value) pane.show(phase, wanted - 1);
    else tell(`There is no line ${wanted}: the step that is in sight has ${count}`);
  };
  return (
    <form class="log-goto" onSubmit={submit}>
      <input
        name="line"
        inputMode="numeric"
        pattern="[0-9]+"
        aria-label="Go to line"
        placeholder="Line"
        aria-invalid={wrong.value}
      />
    </form>
  );
}

/** The step whose lines are at the top of the window. */
function stepInSight(pane: LogPane): Phase | undefined {
  const layout = pane.layout.peek();
  return layout.pinned(pane.window.top) ?? layout.sections.find((section) => section.lines > 0)?.phase;
}
