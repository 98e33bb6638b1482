/** The hand on the board: which card has the focus, what is carried by the keyboard, and which question is open. */
import { type Signal, signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { EnvironmentStore } from '../environment/store';
import type { Board } from './board';
import { editOf, type Lift, liftService, liftStage, moved, spoken } from './lift';
import { type Edit, told } from './pipeline';

export class BoardHand {
  readonly board: Board;
  readonly carried: Signal<Lift | null> = signal(null);
  /** What a screen reader says. */
  readonly spoken: Signal<string> = signal('');
  /** The stage that is to be deleted, and has services. */
  readonly deleting: Signal<string | null> = signal(null);
  /** The service that is to be moved by the dialog. */
  readonly moving: Signal<string | null> = signal(null);
  /** The service that is to be cloned by the dialog. */
  readonly cloning: Signal<string | null> = signal(null);
  /** What is asked to be done to a service. */
  readonly asked: Signal<{ action: 'deploy' | 'restart' | 'stop'; services: readonly string[] } | null> = signal(null);
  /** What has the focus: a service or a stage, as the element's `data-focus` says it. */
  #focused: string | null = null;

  constructor(readonly store: EnvironmentStore) {
    this.board = store.board;
  }

  /** Does an edit that somebody chose in a menu, and says so. */
  edit(...edits: Edit[]): void {
    const last = edits.at(-1);
    if (last !== undefined) this.spoken.value = told(last);
    void this.board.edit(...edits);
  }

  /** Listens to the board's keys and focus. */
  listen(board: HTMLElement | null): () => void {
    const listening = new AbortController();
    const { signal } = listening;
    board?.addEventListener('keydown', (event) => this.#key(event), { signal });
    board?.addEventListener('focusin', (event) => this.#focusedOn(event.target), { signal });
    board?.addEventListener('focusout', (event) => this.#left(event.relatedTarget), { signal });
    return () => listening.abort();
  }

  #key(event: KeyboardEvent): void {
    const focused = event.target instanceof HTMLElement ? event.target.dataset.focus : undefined;
    if (focused === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    const taken = this.carried.peek() === null ? this.#keyFree(event, focused) : this.#keyCarrying(event);
    if (taken) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  #keyCarrying({ key }: KeyboardEvent): boolean {
    const carried = this.carried.peek();
    if (carried === null) return false;
    if (key === 'ArrowLeft' || key === 'ArrowRight') {
      const next = moved(carried, key === 'ArrowLeft' ? -1 : 1);
      this.carried.value = next;
      this.board.preview(editOf(next));
      this.spoken.value = spoken(next, 'moved');
    } else if (key === ' ' || key === 'Enter') this.#drop(carried);
    else if (key === 'Escape') this.#cancel(carried);
    else return key !== 'Tab';
    return true;
  }

  #keyFree({ key, target }: KeyboardEvent, focused: string): boolean {
    if (key === ' ') {
      const [what, name] = split(focused);
      const columns = this.board.columns.peek();
      const lifted = what === 'service' ? liftService(name, columns) : liftStage(name, columns);
      if (lifted === null) return false;
      this.carried.value = lifted;
      this.spoken.value = spoken(lifted, 'lifted');
      return true;
    }
    if (!(target instanceof HTMLElement)) return false;
    if (key === 'm' || key === 'M' || key === 'ContextMenu') {
      target.closest('[data-menu-of]')?.querySelector<HTMLElement>('[aria-haspopup]')?.click();
      return true;
    }
    if (key === 'u' || key === 'U') {
      this.store.undo();
      return true;
    }
    const to = neighbour(target, key);
    to?.focus();
    return to !== null;
  }

  #drop(carried: Lift): void {
    const edit = editOf(carried);
    this.carried.value = null;
    this.spoken.value = spoken(carried, 'dropped');
    if (edit !== null) void this.board.edit(edit);
    this.board.preview(null);
  }

  #cancel(carried: Lift): void {
    this.carried.value = null;
    this.board.preview(null);
    this.spoken.value = spoken(carried, 'canceled');
  }

  /** Remembers what has the focus: it is the one that Tab comes to, and gets the focus again when it is drawn in another column. */
  #focusedOn(target: EventTarget | null): void {
    if (!(target instanceof HTMLElement)) return;
    // The menu of a card stands for the card.
    const held = target.closest('[data-menu-of]')?.querySelector<HTMLElement>('[data-focus]');
    if (!held) return;
    this.#focused = held.dataset.focus ?? null;
    const board = held.closest('.board');
    if (board !== null) rove(board, held);
  }

  /** Puts the focus on a service or a stage, once it is drawn. */
  focusOn(what: 'service' | 'stage', name: string): void {
    const focus = `${what} ${name}`;
    this.#focused = focus;
    requestAnimationFrame(() => document.querySelector<HTMLElement>(`[data-focus="${CSS.escape(focus)}"]`)?.focus());
  }

  /** The focus goes elsewhere: what is carried is put back. An element that is drawn anew loses it too, to nothing. */
  #left(to: EventTarget | null): void {
    const carried = this.carried.peek();
    if (carried !== null && to !== null && !(to instanceof HTMLElement && to.dataset.focus === this.#focused))
      this.#cancel(carried);
  }

  /** After the columns are drawn: what had the focus has it still, and one card can be reached by Tab. */
  keepFocus(board: HTMLElement | null): void {
    if (board === null) return;
    const all = [...board.querySelectorAll<HTMLElement>('[data-focus]')];
    const known = all.find((element) => element.dataset.focus === this.#focused);
    const hasLost = document.activeElement === null || document.activeElement === document.body;
    if (known !== undefined && hasLost) known.focus({ preventScroll: this.carried.peek() === null });
    if (this.carried.peek() !== null) known?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    const reached = known?.closest('.card') ? known : board.querySelector<HTMLElement>('.card [data-focus]');
    if (reached) rove(board, reached);
  }
}

/** Makes one card the one that Tab comes to, with its menu. */
function rove(board: Element, focused: HTMLElement): void {
  if (focused.closest('.card') === null) return;
  for (const element of board.querySelectorAll<HTMLElement>('.card [tabindex="0"]')) element.tabIndex = -1;
  focused.tabIndex = 0;
  const menu = focused.closest('.card')?.querySelector<HTMLElement>('[aria-haspopup]');
  if (menu) menu.tabIndex = 0;
}

/** The card beside one, or the head of its column. */
function neighbour(from: HTMLElement, key: string): HTMLElement | null {
  const column = from.closest('.column');
  if (column === null) return null;
  const cards = cardsOf(column);
  const at = cards.indexOf(from);
  if (key === 'ArrowDown') return cards[at + 1] ?? null;
  if (key === 'ArrowUp') return at < 0 ? null : (cards[at - 1] ?? headOf(column));
  if (key !== 'ArrowLeft' && key !== 'ArrowRight') return null;
  let next = column;
  while (true) {
    const beside: Element | null = key === 'ArrowLeft' ? next.previousElementSibling : next.nextElementSibling;
    if (beside === null) return null;
    const others = cardsOf(beside);
    const found = at < 0 ? headOf(beside) : others[Math.min(at, others.length - 1)];
    if (found !== undefined && found !== null) return found;
    next = beside;
  }
}

function cardsOf(column: Element): HTMLElement[] {
  return [...column.querySelectorAll<HTMLElement>('.card [data-focus]')];
}

function headOf(column: Element): HTMLElement | null {
  return column.querySelector<HTMLElement>('.column-head [data-focus]');
}

function split(focused: string): ['service' | 'stage', string] {
  return focused.startsWith('service ') ? ['service', focused.slice(8)] : ['stage', focused.slice(6)];
}

export const BoardContext = createContext<BoardHand | null>(null);

/** The hand on the board that a component stands in. */
export function useHand(): BoardHand {
  const hand = useContext(BoardContext);
  if (hand === null) throw new Error('this component stands on a board');
  return hand;
}
