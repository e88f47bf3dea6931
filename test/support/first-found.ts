import { onTestFinished } from 'vitest';
import type { AddressSource } from '../../lib/driver/index.js';
import { formatHostPort } from '../../lib/support/host-port.js';

/**
 * The first answer of a source about a target; rejects when the source reports a failure instead.
 *
 * @param url - the target, `scheme://authority/path`
 * @returns `host:port` of each address
 */
export function firstFound(source: AddressSource, url: string): Promise<string[]> {
  const [, scheme = '', authority = '', path = ''] = /^([^:]+):\/\/([^/]*)\/(.*)$/.exec(url) ?? [];
  return new Promise((resolve, reject) => {
    const stop = source.parse({ scheme, authority, path })({
      found: (addresses) => resolve(addresses.map(formatHostPort)),
      failed: (reason) => reject(new Error(reason)),
    });
    onTestFinished(stop);
  });
}
