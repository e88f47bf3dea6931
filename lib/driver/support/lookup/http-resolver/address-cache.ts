import { systemAfter, type After } from '../../../../support/after.js';
import type { Address } from '../address.js';
import type { AddressListener, AddressSource, GrpcTarget } from '../grpc-resolver/address-source.js';

/** How long a name is watched after it was asked for the last time. */
const IDLE_MS = 60_000;

/** Longest wait for the first answer of a registry. */
const SILENCE_MS = 5000;

/**
 * Looks names up for whoever has no channel that could listen: each is watched while it is asked for now and then, so that
 * asking costs nothing.
 */
export class AddressCache {
  readonly #source: AddressSource;
  readonly #after: After;
  readonly #names = new Map<string, WatchedTarget>();

  /**
   * @param source - knows the addresses
   * @param after - timers
   */
  constructor(source: AddressSource, after: After = systemAfter) {
    this.#source = source;
    this.#after = after;
  }

  /**
   * One of the addresses behind a name: as often as its weight says.
   *
   * @param target - the name
   * @throws Error saying why there is none
   */
  one(target: GrpcTarget): Address | Promise<Address> {
    const key = `${target.authority}/${target.path}`;
    let name = this.#names.get(key);
    if (!name) {
      name = new WatchedTarget(this.#source, target, this.#after, () => this.#names.delete(key));
      this.#names.set(key, name);
    }
    return name.one();
  }

  /** Ends all watches. It can be used again. */
  close(): void {
    for (const name of this.#names.values()) name.end();
  }
}

class WatchedTarget implements AddressListener {
  readonly #name: string;
  readonly #after: After;
  readonly #onEnd: () => void;
  readonly #stop: () => void;
  #cancelTimer: () => void;
  #addresses: readonly Address[] | undefined;
  /** Why there are no addresses, once that is known. */
  #problem: string | undefined;
  #waiting: (() => void)[] = [];
  #isUsed = true;

  constructor(source: AddressSource, target: GrpcTarget, after: After, onEnd: () => void) {
    this.#name = target.path || target.authority;
    this.#after = after;
    this.#onEnd = onEnd;
    this.#cancelTimer = after(IDLE_MS, () => this.#endIfIdle());
    this.#stop = source.watch(target, this);
  }

  one(): Address | Promise<Address> {
    this.#isUsed = true;
    if (this.#addresses) return this.#pick();
    return this.#problem === undefined ? this.#first() : Promise.reject(this.#none());
  }

  found(addresses: readonly Address[]): void {
    this.#addresses = addresses;
    this.#wake();
  }

  failed(reason: string): void {
    this.#problem = reason;
    // what was found before stays in use
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

  #first(): Promise<Address> {
    return new Promise((resolve, reject) => {
      const cancel = this.#after(SILENCE_MS, () => this.#wake());
      this.#waiting.push(() => {
        cancel();
        if (!this.#addresses) return reject(this.#none());
        try {
          resolve(this.#pick());
        } catch (error) {
          reject(error as Error);
        }
      });
    });
  }

  #none(): Error {
    return new Error(`no address for ${this.#name}: ${this.#problem ?? 'no answer yet'}`);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  #pick(): Address {
    const addresses = this.#addresses ?? [];
    const total = addresses.reduce((sum, { weight = 1 }) => sum + weight, 0);
    let rest = Math.random() * total;
    const found = addresses.find(({ weight = 1 }) => (rest -= weight) < 0) ?? addresses.at(-1);
    if (!found) throw new Error(`no address for ${this.#name}: nobody serves it at present`);
    return found;
  }
}
