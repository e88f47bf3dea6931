import type { BarrierAdapter } from '../../barrier/index.js';
import { assertBarrierTable } from '../../barrier/assert-table.js';
import { DtmBarrierError, DtmConfigError } from '../../protocol/internal.js';
import type { XaAdapter } from '../../xa/index.js';
import type { DtmDatabaseOptions } from './dtm.options.js';

/** The databases of one application by their names. */
export class DatabaseRegistry {
  readonly #byName: ReadonlyMap<string, DtmDatabaseOptions>;

  constructor(databases: Readonly<Record<string, DtmDatabaseOptions>> = {}) {
    this.#byName = new Map(Object.entries(databases));
  }

  /** Number of databases with a barrier. */
  get barrierCount(): number {
    return [...this.#byName.values()].filter(({ barrier }) => barrier).length;
  }

  /** Creates or checks the barrier tables, as the option `table` of each database says. */
  async prepareTables(): Promise<void> {
    for (const [name, { barrier, xa, table }] of this.#byName) {
      try {
        if (table === 'create') await (barrier ?? xa)?.createTable();
        if (table === 'check') await (barrier ? assertBarrierTable(barrier) : xa?.assertTable?.());
      } catch (error) {
        if (!(error instanceof DtmBarrierError)) throw error;
        throw new DtmBarrierError(`DtmModule: databases.${name}: ${error.message}`, { cause: error });
      }
    }
  }

  /** Name of the database with this barrier. @throws DtmConfigError when no database has it */
  getName(adapter: BarrierAdapter<unknown>): string {
    for (const [name, { barrier }] of this.#byName) if (barrier === adapter) return name;
    throw new DtmConfigError(
      'the coordinator cannot ask about local transactions in this database; register the same adapter object in the ' +
        'option databases of DtmModule, { databases: { default: { barrier } } }, or set queryPrepared on the message',
    );
  }

  /**
   * Barrier of the database with this name.
   *
   * @param name - name of the database
   * @param subject - what needs the barrier, for the message
   * @throws DtmConfigError when it has none
   */
  getBarrier(name: string, subject = 'the coordinator asks for a local transaction'): BarrierAdapter<unknown> {
    const barrier = this.#byName.get(name)?.barrier;
    if (barrier) return barrier;
    throw new DtmConfigError(
      `${subject} in the database ${JSON.stringify(name)}, which has no barrier; set it in the option databases of DtmModule`,
    );
  }

  /**
   * XA of the database with this name.
   *
   * @param name - name of the database
   * @param subject - what needs the XA, for the message
   * @throws DtmConfigError when it has none
   */
  getXa(name: string, subject = 'a request'): XaAdapter<unknown> {
    const xa = this.#byName.get(name)?.xa;
    if (xa) return xa;
    throw new DtmConfigError(
      `${subject} needs XA in the database ${JSON.stringify(name)}; set it in the option databases of DtmModule, ` +
        `{ databases: { ${name}: { xa: pgXa(pool) } } }`,
    );
  }
}
