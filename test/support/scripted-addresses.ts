import type { AddressListener, AddressSource, GrpcTarget } from '../../lib/driver/index.js';

/** A registry that says what it is told to say. */
export class ScriptedAddresses implements AddressSource {
  /** What was asked of it, e.g. `watch bank`, `stop bank`. */
  readonly log: string[] = [];
  readonly #listeners = new Map<AddressListener, GrpcTarget>();
  #known: readonly string[] | undefined;

  /** @param initial - known from the start, reported at once; without them it is silent */
  constructor(initial?: readonly string[]) {
    this.#known = initial;
  }

  check({ path }: GrpcTarget): void {
    if (path === 'bad') throw new Error('no such target');
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

  /** Reports addresses, `127.0.0.1:<port>`, and to later watches too. */
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

/** A scheme that nobody has registered yet: gRPC never forgets one. */
export function freshScheme(): string {
  schemes += 1;
  return `scripted${schemes}`;
}
