import type { ConsulTaggedAddress } from './consul-instance.js';

/** A service that was found. What somebody has registered in another form than ours reads as empty. */
export interface ConsulEntry {
  /** Tells it from the others of its agent. */
  readonly id: string;
  /** Name of the service. */
  readonly name: string;
  /** Its own host, or else that of its agent. */
  readonly address: string;
  /** Its port. */
  readonly port: number;
  /** Further addresses, by what they are for. */
  readonly taggedAddresses: Readonly<Record<string, ConsulTaggedAddress>>;
}

/**
 * The services in consul's answer to a question for their health.
 *
 * @param answer - JSON
 * @throws Error when it is no list
 */
export function entriesOf(answer: unknown): ConsulEntry[] {
  if (!Array.isArray(answer)) throw new Error('answered with something else than a list of services');
  return answer.map(entryOf);
}

function entryOf(entry: unknown): ConsulEntry {
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
