import { errorText } from '../../../protocol/internal.js';
import { systemAfter, type After } from '../../../support/after.js';
import type { ServiceAddress } from '../tools/service-address.js';
import type { AddressListener, WatchAddresses } from './address-source.js';

/** Times of a {@link SharedWatches}. */
export interface WatchTimes {
  /** The time without an answer after which calls fail. */
  readonly answerTimeoutMs: number;
  /** How long a watch goes on after its last listener has left. */
  readonly lingerMs: number;
  readonly after: After;
}

/** A watch lingers because the next call may come over another channel. */
export const DEFAULT_WATCH_TIMES: WatchTimes = { answerTimeoutMs: 5000, lingerMs: 10_000, after: systemAfter };

/**
 * Watches that are shared by all listeners of a key. gRPC replaces a channel that cannot connect, and the registry should not
 * notice. A later listener receives at once what is known. When no answer comes in time, that is reported; a watch that throws
 * is started again.
 */
export class SharedWatches {
  readonly #times: WatchTimes;
  readonly #watches = new Map<string, SharedWatch>();

  constructor(times: WatchTimes = DEFAULT_WATCH_TIMES) {
    this.#times = times;
  }

  /**
   * Joins the watch of a key, or starts it.
   *
   * @param key - identifies what is watched
   * @param watch - starts the watch
   * @returns leaves the watch
   */
  join(key: string, watch: WatchAddresses, listener: AddressListener): () => void {
    let shared = this.#watches.get(key);
    if (!shared) {
      shared = new SharedWatch(watch, this.#times, () => this.#watches.delete(key));
      this.#watches.set(key, shared);
    }
    return shared.join(listener);
  }

  /** Ends the watches without listeners at once. */
  endUnused(): void {
    for (const watch of this.#watches.values()) watch.endUnused();
  }
}

class SharedWatch implements AddressListener {
  readonly #watch: WatchAddresses;
  readonly #times: WatchTimes;
  readonly #onEnd: () => void;
  readonly #listeners = new Set<AddressListener>();
  #stop: (() => void) | undefined;
  /** Cancels the time-out of the answer, or the next start of a watch that has thrown. */
  #cancelTimer: () => void = () => undefined;
  #cancelEnd: () => void = () => undefined;
  /** Repeats the last report. */
  #lastReport: ((listener: AddressListener) => void) | undefined;
  #hasAddresses = false;

  constructor(watch: WatchAddresses, times: WatchTimes, onEnd: () => void) {
    this.#watch = watch;
    this.#times = times;
    this.#onEnd = onEnd;
    this.#start();
  }

  join(listener: AddressListener): () => void {
    this.#cancelEnd();
    this.#listeners.add(listener);
    this.#lastReport?.(listener);
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
      this.#cancelEnd = this.#times.after(this.#times.lingerMs, () => this.#end());
    };
  }

  endUnused(): void {
    if (this.#listeners.size > 0) return;
    this.#cancelEnd();
    this.#end();
  }

  found(addresses: readonly ServiceAddress[]): void {
    this.#hasAddresses = true;
    this.#report((listener) => listener.found(addresses));
  }

  failed(reason: string): void {
    // earlier addresses stay in use
    if (!this.#hasAddresses) this.#report((listener) => listener.failed(reason));
  }

  #start(): void {
    const { after, answerTimeoutMs } = this.#times;
    this.#cancelTimer = after(answerTimeoutMs, () => this.failed('no answer yet'));
    try {
      this.#stop = this.#watch(this);
    } catch (error) {
      this.#cancelTimer();
      this.failed(errorText(error));
      this.#cancelTimer = after(answerTimeoutMs, () => this.#start());
    }
  }

  #report(report: (listener: AddressListener) => void): void {
    this.#cancelTimer();
    this.#lastReport = report;
    for (const listener of this.#listeners) report(listener);
  }

  #end(): void {
    this.#cancelTimer();
    this.#stop?.();
    this.#onEnd();
  }
}
