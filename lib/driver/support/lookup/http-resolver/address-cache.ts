import { systemAfter, type After } from '../../../../support/after.js';
import type { ServiceAddress } from '../../tools/service-address.js';
import type { AddressListener, WatchAddresses } from '../address-source.js';
import { NO_INSTANCE } from '../no-instance.js';

/** How long a name is watched after its last use. */
const IDLE_MS = 60_000;

/** The time within which the registry must answer for the first time. */
const ANSWER_TIMEOUT_MS = 5000;

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
   * @param watch - starts to watch the addresses
   * @throws Error when there is no address, with the reason
   */
  pick(name: string, watch: WatchAddresses): ServiceAddress | Promise<ServiceAddress> {
    let watched = this.#names.get(name);
    if (!watched) {
      watched = new WatchedName(name, watch, this.#after, () => this.#names.delete(name));
      this.#names.set(name, watched);
    }
    return watched.pick();
  }

  /** Ends all watches. The cache can be used again. */
  close(): void {
    for (const name of this.#names.values()) name.end();
  }
}

class WatchedName implements AddressListener {
  readonly #name: string;
  readonly #after: After;
  readonly #onEnd: () => void;
  readonly #stop: () => void;
  #cancelTimer: () => void;
  #addresses: readonly ServiceAddress[] | undefined;
  /** Why there are no addresses. */
  #problem: string | undefined;
  #waiting: (() => void)[] = [];
  #isUsed = true;

  constructor(name: string, watch: WatchAddresses, after: After, onEnd: () => void) {
    this.#name = name;
    this.#after = after;
    this.#onEnd = onEnd;
    this.#cancelTimer = after(IDLE_MS, () => this.#endIfIdle());
    this.#stop = watch(this);
  }

  pick(): ServiceAddress | Promise<ServiceAddress> {
    this.#isUsed = true;
    if (this.#addresses) return this.#pickFrom(this.#addresses);
    return this.#problem === undefined ? this.#firstAnswer() : Promise.reject(this.#noAddress(this.#problem));
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

  end(): void {
    this.#cancelTimer();
    this.#stop();
    this.#wake();
    this.#onEnd();
  }

  #endIfIdle(): void {
    if (!this.#isUsed) return this.end();
    this.#isUsed = false;
    this.#cancelTimer = this.#after(IDLE_MS, () => this.#endIfIdle());
  }

  #firstAnswer(): Promise<ServiceAddress> {
    return new Promise((resolve, reject) => {
      const cancel = this.#after(ANSWER_TIMEOUT_MS, () => this.#wake());
      this.#waiting.push(() => {
        cancel();
        if (!this.#addresses) return reject(this.#noAddress(this.#problem ?? 'no answer yet'));
        try {
          resolve(this.#pickFrom(this.#addresses));
        } catch (error) {
          reject(error as Error);
        }
      });
    });
  }

  #noAddress(reason: string): Error {
    return new Error(`no address for ${this.#name}: ${reason}`);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
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
