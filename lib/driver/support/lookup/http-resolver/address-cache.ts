import { systemAfter, type After } from '../../../../support/after.js';
import type { ServiceAddress } from '../../tools/service-address.js';
import { NO_INSTANCE } from '../no-instance.js';
import type { Lookup, LookupListener } from '../shared-watches.js';

/** How long a name is watched after its last use. */
const IDLE_MS = 60_000;

/** How long a call without a time-out waits for an address. */
const DEFAULT_WAIT_MS = 5000;

/** The most names that are watched: anyone who may start a transaction can invent names. */
const MAX_NAMES = 1000;

/** The addresses of services that are called without a channel. A name is watched while it is in use, so that a call costs no request. */
export class AddressCache {
  readonly #after: After;
  readonly #names = new Map<string, WatchedName>();

  constructor(after: After = systemAfter) {
    this.#after = after;
  }

  /**
   * Picks one address of a name at random, by weight.
   *
   * @param name - identifies the service, and names it in errors
   * @param lookup - starts to watch the addresses
   * @param waitMs - how long to wait for the first address. @default 5000
   * @throws Error when there is no address, with the reason
   */
  pick(name: string, lookup: Lookup, waitMs = DEFAULT_WAIT_MS): ServiceAddress | Promise<ServiceAddress> {
    let watched = this.#names.get(name);
    if (!watched) {
      if (this.#names.size >= MAX_NAMES && !this.#makeRoom()) {
        throw new Error(`no address for ${name}: ${MAX_NAMES} other names are being looked up`);
      }
      watched = new WatchedName(name, lookup, this.#after, () => this.#names.delete(name));
      this.#names.set(name, watched);
    }
    return watched.pick(waitMs);
  }

  /** Ends all watches. The cache can be used again. */
  close(): void {
    for (const name of this.#names.values()) name.end();
  }

  /** Ends the oldest watch that no call waits for, of a name without addresses if there is one. */
  #makeRoom(): boolean {
    const unused = [...this.#names.values()].filter(({ isAwaited }) => !isAwaited);
    const oldest = unused.find(({ hasAddresses }) => !hasAddresses) ?? unused[0];
    oldest?.end();
    return oldest !== undefined;
  }
}

class WatchedName implements LookupListener {
  readonly #name: string;
  readonly #after: After;
  readonly #onEnd: () => void;
  readonly #stop: () => void;
  #cancelTimer: () => void;
  #addresses: readonly ServiceAddress[] | undefined;
  /** Why calls cannot have an address at present; undefined while they may wait. */
  #problem: string | undefined;
  /** Why calls that wait have no address yet. */
  #awaited = 'no answer yet';
  #waiting = new Set<() => void>();
  #isUsed = true;

  constructor(name: string, lookup: Lookup, after: After, onEnd: () => void) {
    this.#name = name;
    this.#after = after;
    this.#onEnd = onEnd;
    this.#cancelTimer = after(IDLE_MS, () => this.#endIfIdle());
    this.#stop = lookup(this);
  }

  get hasAddresses(): boolean {
    return (this.#addresses?.length ?? 0) > 0;
  }

  /** Whether a call waits for an address. */
  get isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  pick(waitMs: number): ServiceAddress | Promise<ServiceAddress> {
    this.#isUsed = true;
    if (this.#addresses) return this.#pickFrom(this.#addresses);
    return this.#problem === undefined ? this.#firstAddress(waitMs) : Promise.reject(this.#noAddress(this.#problem));
  }

  found(addresses: readonly ServiceAddress[]): void {
    this.#addresses = addresses;
    this.#wake();
  }

  failed(reason: string): void {
    this.#problem = reason;
    // earlier addresses stay in use
    if (!this.#addresses) this.#wake();
  }

  waiting(): void {
    this.#problem = undefined;
    this.#awaited = NO_INSTANCE;
  }

  end(): void {
    this.#cancelTimer();
    this.#stop();
    this.#wake();
    this.#onEnd();
  }

  #endIfIdle(): void {
    if (!this.#isUsed && !this.isAwaited) return this.end();
    this.#isUsed = false;
    this.#cancelTimer = this.#after(IDLE_MS, () => this.#endIfIdle());
  }

  #firstAddress(waitMs: number): Promise<ServiceAddress> {
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        cancel();
        if (!this.#addresses) return reject(this.#noAddress(this.#problem ?? this.#awaited));
        try {
          resolve(this.#pickFrom(this.#addresses));
        } catch (error) {
          reject(error as Error);
        }
      };
      const cancel = this.#after(waitMs, () => {
        this.#waiting.delete(wake);
        wake();
      });
      this.#waiting.add(wake);
    });
  }

  #noAddress(reason: string): Error {
    return new Error(`no address for ${this.#name}: ${reason}`);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  #pickFrom(addresses: readonly ServiceAddress[]): ServiceAddress {
    const total = addresses.reduce((sum, { weight = 1 }) => sum + weight, 0);
    let rest = Math.random() * total;
    const picked = addresses.find(({ weight = 1 }) => (rest -= weight) < 0) ?? addresses.at(-1);
    if (!picked) throw this.#noAddress(NO_INSTANCE);
    return picked;
  }
}
