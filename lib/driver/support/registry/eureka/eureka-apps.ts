import { warnOnce } from '../../tools/warn-once.js';
import { parseAddress, serves, type EurekaEntry, type InstanceInfo } from './eureka-instance.js';

const warn = warnOnce('DTM_EUREKA_ENTRY');

/** A snapshot of all instances in Eureka, updated by deltas. */
export class EurekaApps {
  readonly #instances = new Map<string, InstanceInfo>();

  /**
   * Replaces the snapshot.
   *
   * @param answer - answer of `/apps`
   * @throws Error when the answer is not a list of applications
   */
  replace(answer: unknown): void {
    this.#instances.clear();
    for (const instance of instancesIn(answer)) this.#instances.set(keyOf(instance), instance);
  }

  /**
   * Applies a delta. Changes that were applied before have no effect.
   *
   * @param answer - answer of `/apps/delta`
   * @returns whether the snapshot equals that of Eureka, as its count of instances by status says
   * @throws Error when the answer is not a list of applications
   */
  apply(answer: unknown): boolean {
    for (const instance of instancesIn(answer)) {
      if (instance.actionType === 'DELETED') this.#instances.delete(keyOf(instance));
      else this.#instances.set(keyOf(instance), instance);
    }
    return this.#hash() === applicationsIn(answer).apps__hashcode;
  }

  /**
   * Lists the instances of a service that are up.
   *
   * @param service - its name, in any case
   */
  listInstances(service: string): readonly EurekaEntry[] {
    return [...this.#instances.values()].flatMap((instance) => {
      if (instance.status !== 'UP' || !serves(instance, service)) return [];
      const address = parseAddress(instance);
      if (!address) warn(`eureka: the instance ${JSON.stringify(keyOf(instance))} has no address and is ignored`);
      return address ? { address } : [];
    });
  }

  #hash(): string {
    const counts = new Map<string, number>();
    for (const { status } of this.#instances.values()) {
      counts.set(String(status), (counts.get(String(status)) ?? 0) + 1);
    }
    return [...counts]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([status, count]) => `${status}_${count}_`)
      .join('');
  }
}

interface Applications {
  readonly application?: unknown;
  readonly apps__hashcode?: unknown;
}

function applicationsIn(answer: unknown): Applications {
  const { applications } = (answer ?? {}) as { applications?: unknown };
  if (typeof applications !== 'object' || applications === null)
    throw new Error('the answer is not a list of applications');
  return applications;
}

function instancesIn(answer: unknown): readonly InstanceInfo[] {
  return listOf(applicationsIn(answer).application).flatMap((application) =>
    listOf((application as { instance?: unknown }).instance),
  ) as readonly InstanceInfo[];
}

/** Some encoders write a list of one element as the element. */
function listOf(value: unknown): readonly object[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((one): one is object => typeof one === 'object' && one !== null);
}

function keyOf({ app, instanceId, hostName }: InstanceInfo): string {
  return `${String(app)}/${String(instanceId ?? hostName)}`;
}
