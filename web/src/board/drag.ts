/** Cards and columns that are dragged by mouse or finger. The keyboard's way is in `lift.ts`, the menu's in `card-view.tsx`. */
import { draggable, dropTargetForElements } from '@atlaskit/pragmatic-drag-and-drop/element/adapter';
import { type ColumnKey, SKIPPED } from './columns';

/** What is dragged. */
export type Dragged = { service: string } | { stage: string };

/** Where it would land. */
export type Landing = 'inside' | 'before' | 'after' | null;

/** Makes an element draggable, by all of it or by a part. */
export function dragSource(element: HTMLElement, dragged: Dragged, handle?: HTMLElement): () => void {
  return draggable({
    element,
    ...(handle === undefined ? {} : { dragHandle: handle }),
    getInitialData: () => ({ ...dragged }),
    onDragStart: () => element.classList.add('dragged'),
    onDrop: () => element.classList.remove('dragged'),
  });
}

/** Makes a column take services and stages. */
export function dropColumn(
  element: HTMLElement,
  key: ColumnKey,
  show: (landing: Landing) => void,
  drop: (dragged: Dragged, landing: Landing) => void,
): () => void {
  const landing = (dragged: Dragged | null, x: number): Landing => {
    if (dragged === null || ('stage' in dragged && (key === SKIPPED || dragged.stage === key))) return null;
    if ('service' in dragged) return 'inside';
    const { left, width } = element.getBoundingClientRect();
    return x < left + width / 2 ? 'before' : 'after';
  };
  return dropTargetForElements({
    element,
    canDrop: ({ source }) => draggedBy(source.data) !== null,
    onDrag: ({ source, location }) => show(landing(draggedBy(source.data), location.current.input.clientX)),
    onDragLeave: () => show(null),
    onDrop: ({ source, location }) => {
      show(null);
      const dragged = draggedBy(source.data);
      if (dragged !== null) drop(dragged, landing(dragged, location.current.input.clientX));
    },
  });
}

function draggedBy(data: Record<string | symbol, unknown>): Dragged | null {
  if (typeof data.service === 'string') return { service: data.service };
  return typeof data.stage === 'string' ? { stage: data.stage } : null;
}
