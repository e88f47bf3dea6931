import type { ConsulTaggedAddress } from './consul-instance.js';

/** A service that was found. A field that has another type than expected reads as empty. */
export interface ConsulEntry {
  /** Identifies the instance on its agent. */
  readonly id: string;
  /** Name of the service. */
  readonly name: string;
  /** Host of the service, or of its agent when it has none. */
  readonly address: string;
  /** Port of the service. */
  readonly port: number;
  /** Further addresses by their tags. */
  readonly taggedAddresses: Readonly<Record<string, ConsulTaggedAddress>>;
}

/**
 * Parses the answer to a health query.
 *
 * @param answer - JSON
 * @throws Error when the answer is not a list
 */
export function parseEntries(answer: unknown): ConsulEntry[] {
  if (!Array.isArray(answer)) throw new Error('the answer is not a list of services');
  return answer.map(parseEntry);
}

function parseEntry(entry: unknown): ConsulEntry {
  const service = objectOf(objectOf(entry)['Service']);
  const tagged = Object.entries(objectOf(service['TaggedAddresses']));
  return {
    id: textOf(service['ID']),
    name: textOf(service['Service']),
    address: textOf(service['Address']) || textOf(objectOf(objectOf(entry)['Node'])['Address']),
    port: Number(service['Port']),
    taggedAddresses: Object.fromEntries(
      tagged.map(([tag, one]) => {
        const { Address: address, Port: port } = objectOf(one);
        return [tag, { address: textOf(address), port: Number(port) }];
      }),
    ),
  };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
