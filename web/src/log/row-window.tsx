/** The window on a long list: as many elements as fit into it, whatever the list's length. */
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { RowView } from './row-view';

interface Props {
  view: RowView;
  label: string;
  /** Stands over the first rows. */
  pinned?: ComponentChildren;
  /** Draws a row; one must stand for each row when rows wrap. */
  row: (index: number, isFirst: boolean) => ComponentChildren;
  /** These rows are drawn. */
  drawn?: (first: number, end: number) => void;
  onClick?: (event: MouseEvent) => void;
}

export function RowWindow({ view, label, pinned, row, drawn, onClick }: Props) {
  const scroller = useRef<HTMLElement>(null);
  const rows = useRef<HTMLDivElement>(null);
  void view.moved.value;
  const [first, end] = view.fit();
  useEffect(() => drawn?.(first, end));
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      view.viewport.value = element.clientHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [view]);
  useLayoutEffect(() => {
    const [outer, inner] = [scroller.current, rows.current];
    if (outer === null || inner === null) return;
    if (Math.abs(outer.scrollTop - view.window.scrollTop) >= 1) outer.scrollTop = view.window.scrollTop;
    inner.style.transform = `translateY(${view.wraps.peek() ? wrapped(view, inner, first) : view.window.offsetOf(first)}px)`;
  });
  const settle = () => {
    if (scroller.current !== null) scroller.current.scrollTop = view.window.scrollTop;
  };
  return (
    <div class="log-frame">
      <section
        class="log-scroll"
        ref={scroller}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
        tabIndex={0}
        aria-label={label}
        onScroll={(event) => view.scrolled(event.currentTarget.scrollTop, settle)}
        {...(onClick === undefined ? {} : { onClick })}
      >
        {pinned}
        <div class="log-space" style={{ height: `${view.window.height}px` }}>
          <div class={view.wraps.value ? 'log-rows wraps' : 'log-rows'} ref={rows}>
            {Array.from({ length: end - first }, (_, index) => row(first + index, index === 0))}
          </div>
        </div>
      </section>
    </div>
  );
}

/** Where rows of unequal height are drawn: the top row at the top, unless that would leave the end of the window empty. */
function wrapped(view: RowView, inner: HTMLElement, first: number): number {
  const { top, scrollTop, viewport } = view.window;
  const element = inner.children[Math.floor(top) - first];
  const above = element instanceof HTMLElement ? element.offsetTop + (top % 1) * element.offsetHeight : 0;
  return inner.offsetHeight - above < viewport ? scrollTop + viewport - inner.offsetHeight : scrollTop - above;
}
