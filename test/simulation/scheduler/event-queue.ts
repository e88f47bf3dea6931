import type { Process } from './process.js';

/** Something that will happen. */
export interface Event {
  /** When, in simulated milliseconds. */
  time: number;
  /** Decides between events of the same time. */
  readonly rank: number;
  /** To whom; undefined = the world itself. */
  readonly process: Process | undefined;
  readonly run: () => unknown;
  isCancelled: boolean;
}

/** Events in the order of their time: a binary heap. */
export class EventQueue {
  readonly #heap: Event[] = [];

  push(event: Event): void {
    const heap = this.#heap;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = event;
  }

  /** The next event that still counts. */
  peek(): Event | undefined {
    while (this.#heap[0] && isGone(this.#heap[0])) this.#removeFirst();
    return this.#heap[0];
  }

  pop(): Event | undefined {
    const first = this.peek();
    if (first) this.#removeFirst();
    return first;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}

/** Whether nobody is there any more to whom an event could happen. */
export function isGone(event: Event): boolean {
  return event.isCancelled || event.process?.isAlive === false;
}

function isBefore(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.rank < b.rank);
}
