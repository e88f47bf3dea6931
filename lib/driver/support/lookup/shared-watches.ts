import { errorText } from '../../../protocol/internal.js';
import { systemAfter, type After } from '../../../support/after.js';
import type { ServiceAddress } from '../tools/service-address.js';
import type { AddressListener, WatchAddresses } from './address-source.js';

/** Receives the addresses of a shared watch. */
export interface LookupListener extends AddressListener {
  /** Receives that the registry has answered, and has never had an instance: calls wait for the first one. */
  waiting(): void;
}

/** Reports the addresses of one name until the returned function is called. */
export type Lookup = (listener: LookupListener) => () => void;

/** Times of a {@link SharedWatches}. */
export interface WatchTimes {
  /** The time without an answer after which calls fail. */
  readonly answerTimeoutMs: number;
  /**
   * How long calls to a name without an instance wait for the first one, counted from the first answer of the registry. A
   * service that has just started may be registered, and not yet found: the first health check of Consul takes 10 s.
   */
  readonly firstInstanceMs: number;
  /** How long a watch goes on after its last listener has left. */
  readonly lingerMs: number;
  readonly after: After;
}

/** A watch lingers because the next call may come over another channel. */
export const DEFAULT_WATCH_TIMES: WatchTimes = {
  answerTimeoutMs: 5000,
  firstInstanceMs: 30_000,
  lingerMs: 10_000,
  after: systemAfter,
};

/**
 * The most watches of names that have never had an instance. Anyone who may start a transaction can invent names, and each
 * costs the registry a watch.
 */
const MAX_UNKNOWN_NAMES = 1000;

/** The most names that are remembered, so that calls wait for each name only once. */
const MAX_SEEN_NAMES = 10_000;

/**
 * Watches that are shared by all listeners of a key. gRPC replaces a channel that cannot connect, and the registry should not
 * notice. A later listener receives at once what is known. When no answer comes in time, that is reported; a watch that throws
 * is started again.
 */
export class SharedWatches {
  readonly #times: WatchTimes;
  readonly #watches = new Map<string, SharedWatch>();
  /** Names that had an instance, or for which calls have waited in vain. */
  readonly #seen = new Set<string>();

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
  join(key: string, watch: WatchAddresses, listener: LookupListener): () => void {
    let shared = this.#watches.get(key);
    if (!shared) {
      if (!this.#hasRoom()) return this.#joinLater(key, watch, listener);
      shared = new SharedWatch(watch, this.#times, {
        isNew: !this.#seen.has(key),
        seen: () => this.#remember(key),
        ended: () => this.#watches.delete(key),
      });
      this.#watches.set(key, shared);
    }
    return shared.join(listener);
  }

  /** Ends the watches without listeners at once. */
  endUnused(): void {
    for (const watch of this.#watches.values()) watch.endUnused();
  }

  #hasRoom(): boolean {
    if (this.#watches.size < MAX_UNKNOWN_NAMES) return true;
    const unknown = [...this.#watches.values()].filter(({ isUnknown }) => isUnknown);
    // the oldest one without a listener makes room
    return unknown.length < MAX_UNKNOWN_NAMES || unknown.some((watch) => watch.endUnused());
  }

  #remember(key: string): void {
    this.#seen.add(key);
    const [oldest] = this.#seen;
    if (this.#seen.size > MAX_SEEN_NAMES) this.#seen.delete(oldest!);
  }

  #joinLater(key: string, watch: WatchAddresses, listener: LookupListener): () => void {
    listener.failed(`${MAX_UNKNOWN_NAMES} other names without an instance are being looked up`);
    let leave = this.#times.after(this.#times.answerTimeoutMs, () => (leave = this.join(key, watch, listener)));
    return () => leave();
  }
}

/** What the shared watches tell one watch, and want to hear from it. */
interface WatchOwner {
  /** Whether calls wait for the first instance. */
  readonly isNew: boolean;
  /** Is called at the first instance, or after a wait in vain. */
  seen(): void;
  /** Is called at the end. */
  ended(): void;
}

class SharedWatch implements AddressListener {
  readonly #watch: WatchAddresses;
  readonly #times: WatchTimes;
  readonly #owner: WatchOwner;
  readonly #listeners = new Set<LookupListener>();
  #stop: (() => void) | undefined;
  /** Cancels the time-out of the answer, or the next start of a watch that has thrown. */
  #cancelTimer: () => void = () => undefined;
  /** Cancels the end of the wait for the first instance; undefined before the wait. */
  #cancelWait: (() => void) | undefined;
  #cancelEnd: () => void = () => undefined;
  /** Repeats the last report. */
  #lastReport: ((listener: LookupListener) => void) | undefined;
  #hasAddresses = false;
  #isUnknown = true;
  /** Whether calls to an unknown name wait. */
  #mayWait: boolean;

  constructor(watch: WatchAddresses, times: WatchTimes, owner: WatchOwner) {
    this.#watch = watch;
    this.#times = times;
    this.#owner = owner;
    this.#mayWait = owner.isNew;
    this.#start();
  }

  /** Whether the name has never had an instance. */
  get isUnknown(): boolean {
    return this.#isUnknown;
  }

  join(listener: LookupListener): () => void {
    this.#cancelEnd();
    this.#listeners.add(listener);
    this.#lastReport?.(listener);
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
      this.#cancelEnd = this.#times.after(this.#times.lingerMs, () => this.#end());
    };
  }

  /** @returns whether it was unused, and has ended */
  endUnused(): boolean {
    if (this.#listeners.size > 0) return false;
    this.#cancelEnd();
    this.#end();
    return true;
  }

  found(addresses: readonly ServiceAddress[]): void {
    if (addresses.length > 0 && this.#isUnknown) {
      this.#isUnknown = false;
      this.#cancelWait?.();
      this.#owner.seen();
    }
    if (this.#isUnknown && this.#mayWait) return this.#wait();
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

  #wait(): void {
    this.#cancelWait ??= this.#times.after(this.#times.firstInstanceMs, () => {
      this.#mayWait = false;
      this.#owner.seen();
      // an outage since then has its own report
      if (this.#lastReport === reportWaiting) this.found([]);
    });
    this.#report(reportWaiting);
  }

  #report(report: (listener: LookupListener) => void): void {
    this.#cancelTimer();
    this.#lastReport = report;
    for (const listener of this.#listeners) report(listener);
  }

  #end(): void {
    this.#cancelTimer();
    this.#cancelWait?.();
    this.#stop?.();
    this.#owner.ended();
  }
}

function reportWaiting(listener: LookupListener): void {
  listener.waiting();
}
