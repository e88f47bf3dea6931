import { DEFAULT_WATCH_TIMES, type WatchTimes } from '../../lib/driver/support/lookup/shared-watches.js';
import type { VirtualClock } from './virtual-clock.js';
import type { AddressListener, AddressSource, GrpcTarget, WatchAddresses } from '../../lib/driver/index.js';

/** A registry that a test scripts. */
export class ScriptedAddresses implements AddressSource {
  /** Calls to the registry, e.g. `watch bank`, `stop bank`. */
  readonly log: string[] = [];
  readonly #listeners = new Map<AddressListener, GrpcTarget>();
  #known: readonly string[] | undefined;

  /** @param initial - addresses that each watch gets at once; without them, a watch gets nothing until {@link found} */
  constructor(initial?: readonly string[]) {
    this.#known = initial;
  }

  parse(target: GrpcTarget): WatchAddresses {
    if (target.path === 'bad') throw new Error('no such target');
    return (listener) => this.watch(target, listener);
  }

  watch(target: GrpcTarget, listener: AddressListener): () => void {
    this.log.push(`watch ${target.path}`);
    this.#listeners.set(listener, target);
    if (this.#known) listener.found(addressesOf(this.#known));
    return () => {
      this.log.push(`stop ${target.path}`);
      this.#listeners.delete(listener);
    };
  }

  /** Reports addresses (`127.0.0.1:<port>`) to current and later watches. */
  found(...addresses: readonly string[]): void {
    this.#known = addresses;
    for (const listener of this.#listeners.keys()) listener.found(addressesOf(addresses));
  }

  /** Reports an error. */
  failed(reason: string): void {
    for (const listener of this.#listeners.keys()) listener.failed(reason);
  }
}

function addressesOf(texts: readonly string[]): { host: string; port: number }[] {
  return texts.map((text) => {
    const [host, port] = text.split(':') as [string, string];
    return { host, port: Number(port) };
  });
}

let schemes = 0;

/** A new scheme for each test: gRPC keeps registered schemes for the lifetime of the process. */
export function freshScheme(): string {
  schemes += 1;
  return `scripted${schemes}`;
}

/** The times of watches, on a virtual clock. */
export function virtualTimes(clock: VirtualClock): WatchTimes {
  return { ...DEFAULT_WATCH_TIMES, after: (ms, callback) => clock.after(ms, callback) };
}
