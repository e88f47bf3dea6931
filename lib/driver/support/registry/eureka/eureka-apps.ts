import { warnOnce } from '../../tools/warn-once.js';
import { addressOf, serves, type EurekaEntry, type InstanceInfo } from './eureka-instance.js';

const warn = warnOnce('DTM_EUREKA_ENTRY');

/** All instances that Eureka knows, kept up to date by what has changed. */
export class EurekaApps {
  readonly #instances = new Map<string, InstanceInfo>();

  /**
   * Begins with all instances.
   *
   * @param answer - to `/apps`
   * @throws Error when it is none
   */
  replace(answer: unknown): void {
    this.#instances.clear();
    for (const instance of instancesIn(answer)) this.#instances.set(keyOf(instance), instance);
  }

  /**
   * Follows changes.
   *
   * @param answer - to `/apps/delta`; changes that are known already do no harm
   * @returns whether these are now the instances that Eureka has: they are counted by their status
   * @throws Error when it is none
   */
  apply(answer: unknown): boolean {
    for (const instance of instancesIn(answer)) {
      if (instance.actionType === 'DELETED') this.#instances.delete(keyOf(instance));
      else this.#instances.set(keyOf(instance), instance);
    }
    return this.#hash() === applicationsIn(answer).apps__hashcode;
  }

  /**
   * Instances of a service that are up.
   *
   * @param service - its name, in any case
   */
  of(service: string): readonly EurekaEntry[] {
    return [...this.#instances.values()].flatMap((instance) => {
      if (instance.status !== 'UP' || !serves(instance, service)) return [];
      const address = addressOf(instance);
      if (!address) warn(`eureka: ${JSON.stringify(keyOf(instance))} has no address; it is left out`);
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
  if (typeof applications !== 'object' || applications === null) throw new Error('answered no list of applications');
  return applications;
}

function instancesIn(answer: unknown): readonly InstanceInfo[] {
  return listOf(applicationsIn(answer).application).flatMap((application) =>
    listOf((application as { instance?: unknown }).instance),
  ) as readonly InstanceInfo[];
}

/** Some encoders write a list of one as the one itself. */
function listOf(value: unknown): readonly object[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((one): one is object => typeof one === 'object' && one !== null);
}

function keyOf({ app, instanceId, hostName }: InstanceInfo): string {
  return `${String(app)}/${String(instanceId ?? hostName)}`;
}
