import type { Process } from './process.js';

/** A scheduled event. */
export interface Event {
  /** Simulated milliseconds since the start. */
  time: number;
  /** Order among events of the same time. */
  readonly rank: number;
  /** The process that executes the event; undefined = the simulation itself. */
  readonly process: Process | undefined;
  readonly run: () => unknown;
  isCancelled: boolean;
}

/** Events ordered by time: a binary heap. */
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

  /** The next event that is neither cancelled nor addressed to a dead process. */
  peek(): Event | undefined {
    while (this.#heap[0] && isVoid(this.#heap[0])) this.#removeFirst();
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

/** Whether an event is cancelled, or its process is dead. */
export function isVoid(event: Event): boolean {
  return event.isCancelled || event.process?.isAlive === false;
}

function isBefore(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.rank < b.rank);
}
