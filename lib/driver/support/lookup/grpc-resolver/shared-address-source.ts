import { errorText } from '../../../../protocol/internal.js';
import { systemAfter, type After } from '../../../../support/after.js';
import type { Address } from '../address.js';
import type { AddressListener, AddressSource, GrpcTarget } from './address-source.js';

/** How patient a {@link SharedAddressSource} is. */
export interface LookupTimeouts {
  /** How long the source may stay silent before its silence is reported. */
  readonly silenceMs: number;
  /** How long a target is watched after the last one that asked for it has left. */
  readonly lingerMs: number;
  /** Timers. */
  readonly after: After;
}

/** As patient as a {@link SharedAddressSource} is unless somebody wants it otherwise: the next call may bring another channel. */
export const DEFAULT_TIMEOUTS: LookupTimeouts = { silenceMs: 5000, lingerMs: 10_000, after: systemAfter };

/**
 * Watches each target once, however many channels ask for it: a channel that cannot connect is given up and made anew with
 * the next call, and a registry should not notice. Who comes later is told at once what is known. Reports the silence of a
 * source that does not answer, and begins again with one that throws.
 */
export class SharedAddressSource implements AddressSource {
  readonly #source: AddressSource;
  readonly #patience: LookupTimeouts;
  readonly #watches = new Map<string, SharedWatch>();

  constructor(source: AddressSource, patience: LookupTimeouts) {
    this.#source = source;
    this.#patience = patience;
  }

  check(target: GrpcTarget): void {
    this.#source.check(target);
  }

  watch(target: GrpcTarget, listener: AddressListener): () => void {
    const key = `${target.authority}/${target.path}`;
    let watch = this.#watches.get(key);
    if (!watch) {
      watch = new SharedWatch(this.#source, target, this.#patience, () => this.#watches.delete(key));
      this.#watches.set(key, watch);
    }
    return watch.join(listener);
  }

  /** Ends the watches that nobody listens to, which would linger otherwise. */
  endUnused(): void {
    for (const watch of this.#watches.values()) watch.endUnused();
  }
}

class SharedWatch implements AddressListener {
  readonly #source: AddressSource;
  readonly #target: GrpcTarget;
  readonly #patience: LookupTimeouts;
  readonly #onEnd: () => void;
  readonly #listeners = new Set<AddressListener>();
  #stopSource: (() => void) | undefined;
  /** Of silence, or of the next attempt with a source that throws. */
  #cancelTimer: () => void = () => undefined;
  #cancelEnd: () => void = () => undefined;
  /** Tells a listener what is known. */
  #known: ((listener: AddressListener) => void) | undefined;
  #isAnswered = false;

  constructor(source: AddressSource, target: GrpcTarget, patience: LookupTimeouts, onEnd: () => void) {
    this.#source = source;
    this.#target = target;
    this.#patience = patience;
    this.#onEnd = onEnd;
    this.#start();
  }

  join(listener: AddressListener): () => void {
    this.#cancelEnd();
    this.#listeners.add(listener);
    this.#known?.(listener);
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
      this.#cancelEnd = this.#patience.after(this.#patience.lingerMs, () => this.#end());
    };
  }

  endUnused(): void {
    if (this.#listeners.size > 0) return;
    this.#cancelEnd();
    this.#end();
  }

  found(addresses: readonly Address[]): void {
    this.#isAnswered = true;
    this.#tell((listener) => listener.found(addresses));
  }

  failed(reason: string): void {
    // what was found before stays in use
    if (!this.#isAnswered) this.#tell((listener) => listener.failed(reason));
  }

  #start(): void {
    const { after, silenceMs } = this.#patience;
    this.#cancelTimer = after(silenceMs, () => this.failed('no answer yet'));
    try {
      this.#stopSource = this.#source.watch(this.#target, this);
    } catch (error) {
      this.#cancelTimer();
      this.failed(errorText(error));
      this.#cancelTimer = after(silenceMs, () => this.#start());
    }
  }

  #tell(known: (listener: AddressListener) => void): void {
    this.#cancelTimer();
    this.#known = known;
    for (const listener of this.#listeners) known(listener);
  }

  #end(): void {
    this.#cancelTimer();
    this.#stopSource?.();
    this.#onEnd();
  }
}
