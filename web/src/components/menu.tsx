/** One menu for the whole page, opened at a button: cards by the hundred need none of their own. */
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

export interface MenuItem {
  text: string;
  run: () => void;
  /** Why it can not be done now. */
  disabled?: boolean;
}

interface OpenMenu {
  button: HTMLElement;
  label: string;
  items: readonly MenuItem[];
}

const open = signal<OpenMenu | null>(null);

/** Opens a menu below a button. */
export function openMenu(button: HTMLElement, label: string, items: readonly MenuItem[]): void {
  open.value = { button, label, items };
}

export function MenuLayer() {
  const menu = open.value;
  return menu === null ? null : <Menu key={menu.label} menu={menu} />;
}

function Menu({ menu }: { menu: OpenMenu }) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { current } = element;
    if (current === null) return;
    const at = menu.button.getBoundingClientRect();
    place(current, at);
    current.querySelector<HTMLElement>('button:not(:disabled)')?.focus();
    const away = (event: Event) => {
      if (!(event.target instanceof Node && current.contains(event.target))) close(false);
    };
    // A scroll from before the menu was open may be told late: only one that takes the button from under the menu closes it.
    const scrolled = () => {
      const now = menu.button.getBoundingClientRect();
      if (now.left !== at.left || now.top !== at.top) close(false);
    };
    addEventListener('pointerdown', away, true);
    addEventListener('scroll', scrolled, true);
    addEventListener('resize', away);
    return () => {
      removeEventListener('pointerdown', away, true);
      removeEventListener('scroll', scrolled, true);
      removeEventListener('resize', away);
    };
  }, [menu]);
  const close = (focusButton: boolean) => {
    open.value = null;
    if (focusButton) menu.button.focus();
  };
  const keys = (event: KeyboardEvent) => {
    const items = [...(element.current?.querySelectorAll<HTMLElement>('button:not(:disabled)') ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items[to % items.length]?.focus();
    else if (event.key === 'Escape' || event.key === 'Tab') close(true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div ref={element} class="menu" role="menu" tabIndex={-1} aria-label={menu.label} onKeyDown={keys}>
      {menu.items.map(({ text, run, disabled }) => (
        <button
          type="button"
          role="menuitem"
          key={text}
          disabled={disabled}
          onClick={() => {
            close(true);
            run();
          }}
        >
          {text}
        </button>
      ))}
    </div>
  );
}

/** Below the button, or above when there is no room; never beyond the edge of the window. */
function place(menu: HTMLElement, button: DOMRect): void {
  const { offsetWidth: width, offsetHeight: height } = menu;
  const left = Math.max(8, Math.min(button.right - width, innerWidth - width - 8));
  const below = button.bottom + 4;
  menu.style.left = `${left}px`;
  menu.style.top = `${below + height > innerHeight ? Math.max(8, button.top - height - 4) : below}px`;
}
