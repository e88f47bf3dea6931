import { pathKind } from './path-kind.js';

/**
 * Number of different values of a segment, above which the segment counts as an id. Below the 32 calls that recovery makes to one
 * server, so that the first values of an id do not take all of them.
 */
const MAX_VALUES = 24;

/** A longer segment counts as an id, which also limits the memory. */
const MAX_LENGTH = 64;

/** Beginnings of paths that are remembered; with one more, all are forgotten. */
const MAX_PREFIXES = 2000;

/**
 * Learns which segments of the paths of servers are ids: those that contain a digit (see {@link pathKind}), and those that have
 * had very many values, such as `ann` in `/users/ann/pay`.
 */
export class PathKinds {
  /** Values of the next segment, by server and beginning of the path. */
  readonly #values = new Map<string, Set<string>>();

  /**
   * The path with `*` in place of each id.
   *
   * @param path - path of a URL
   * @param server - its server
   */
  of(path: string, server: string): string {
    let kind = server;
    const [first = '', ...segments] = pathKind(path).split('/');
    for (const segment of segments) kind += `/${segment === '*' || this.#isId(segment, kind) ? '*' : segment}`;
    return first + kind.slice(server.length);
  }

  #isId(segment: string, prefix: string): boolean {
    if (segment.length > MAX_LENGTH) return true;
    const values = this.#values.get(prefix) ?? this.#add(prefix);
    if (values.size <= MAX_VALUES && !values.has(segment)) {
      // a part of a string would keep the whole URL in memory
      values.add(Buffer.from(segment).toString());
    }
    return values.size > MAX_VALUES;
  }

  #add(prefix: string): Set<string> {
    if (this.#values.size >= MAX_PREFIXES) this.#values.clear();
    const values = new Set<string>();
    this.#values.set(prefix, values);
    return values;
  }
}
