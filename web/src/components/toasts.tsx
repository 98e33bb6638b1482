/** Short messages at the edge of the page, some with something to do, such as to undo. */
import { signal } from '@preact/signals';

interface Toast {
  id: number;
  text: string;
  action?: { text: string; run: () => void };
}

/** More would cover the page; the oldest goes. */
const MOST = 3;

const toasts = signal<Toast[]>([]);
let newest = 0;

/** Tells something for ten seconds. */
export function tell(text: string, action?: { text: string; run: () => void }): void {
  newest += 1;
  const id = newest;
  const toast = action === undefined ? { id, text } : { id, text, action };
  toasts.value = [...toasts.value.slice(1 - MOST), toast];
  setTimeout(() => close(id), 10_000);
}

function close(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, action }) => (
        <div class="toast" key={id}>
          <span>{text}</span>
          {action !== undefined && (
            <button
              type="button"
              class="small"
              onClick={() => {
                close(id);
                action.run();
              }}
            >
              {action.text}
            </button>
          )}
          <button type="button" class="small plain" aria-label="Close" onClick={() => close(id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
