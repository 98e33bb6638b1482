/**
 * What arrives between two frames is taken over at once, right before the next one is drawn: a run of hundreds of services sends more
 * events than there are frames.
 */
import { batch } from '@preact/signals';

/** How often a page that nobody sees takes over what has arrived. */
const HIDDEN_PAUSE = 500;

export class FrameQueue {
  #waiting: (() => void)[] = [];

  /** Does something before the next frame, in the order of the calls. */
  push(task: () => void): void {
    this.#waiting.push(task);
    if (this.#waiting.length > 1) return;
    const run = () => this.flush();
    if (document.hidden) setTimeout(run, HIDDEN_PAUSE);
    else requestAnimationFrame(run);
  }

  /** Does now what waits. */
  flush(): void {
    const tasks = this.#waiting;
    this.#waiting = [];
    batch(() => {
      for (const task of tasks) {
        try {
          task();
        } catch (error) {
          // One that fails keeps none of the others from being done.
          reportError(error);
        }
      }
    });
  }
}
