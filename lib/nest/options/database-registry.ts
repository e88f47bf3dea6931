import type { BarrierAdapter } from '../../barrier/index.js';
import { DtmConfigError } from '../../protocol/internal.js';
import type { XaAdapter } from '../../xa/index.js';

/** How transactions reach a database of the application. */
export interface DtmDatabaseOptions {
  /** Its barrier, e.g. `typeOrmBarrier(dataSource)`: answers what became of the local transactions of messages. @default none */
  readonly barrier?: BarrierAdapter<unknown> | undefined;
  /** Its XA, e.g. `pgXa(pool)`, for `@XaBranch`. @default none */
  readonly xa?: XaAdapter<unknown> | undefined;
}

/** The databases of one application, by their names. */
export class DatabaseRegistry {
  readonly #byName: ReadonlyMap<string, DtmDatabaseOptions>;

  constructor(databases: Readonly<Record<string, DtmDatabaseOptions>> = {}) {
    this.#byName = new Map(Object.entries(databases));
  }

  /** How many have a barrier. */
  get barrierCount(): number {
    return [...this.#byName.values()].filter(({ barrier }) => barrier).length;
  }

  /**
   * Name under which a barrier was registered.
   *
   * @param adapter - the barrier
   * @throws DtmConfigError when it was not
   */
  nameOf(adapter: BarrierAdapter<unknown>): string {
    for (const [name, { barrier }] of this.#byName) if (barrier === adapter) return name;
    throw new DtmConfigError(
      'nobody would tell the coordinator what became of local transactions in this database: register the very adapter ' +
        'in the option databases of DtmModule, { databases: { default: { barrier } } }, or give the message a queryPrepared of your own',
    );
  }

  /**
   * The barrier of a database.
   *
   * @param name - of the database
   * @throws DtmConfigError when there is none
   */
  barrier(name: string): BarrierAdapter<unknown> {
    const barrier = this.#byName.get(name)?.barrier;
    if (barrier) return barrier;
    throw new DtmConfigError(
      `the coordinator asks for a local transaction in the database ${JSON.stringify(name)}, which has no barrier in the option databases of DtmModule`,
    );
  }

  /**
   * XA of a database.
   *
   * @param name - of the database
   * @param who - asks for it
   * @throws DtmConfigError when there is none
   */
  xa(name: string, who = 'a request'): XaAdapter<unknown> {
    const xa = this.#byName.get(name)?.xa;
    if (xa) return xa;
    throw new DtmConfigError(
      `${who} needs XA in the database ${JSON.stringify(name)}; set it in the option databases of DtmModule, ` +
        `{ databases: { ${name}: { xa: pgXa(pool) } } }`,
    );
  }
}
