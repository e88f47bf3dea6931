import type { XaKey } from '../xa-adapter.js';
import type { XaConnection, XaConnectionState, XaStart } from '../xa-database.js';
import { endConnection } from './end-connection.js';
import { serverErrno, queryRows, type Mysql2Connection, type Mysql2Pool } from '../../barrier/mysql2/mysql2-pool.js';
import { isPrepared } from './prepared-branches.js';
import type { Mysql2Server } from './detect-server.js';
import { mysqlXid } from './mysql2-xid.js';

const XAER_DUPID = 1440;

/** A connection for the first phase of one branch. */
export class Mysql2XaConnection<Connection extends Mysql2Connection> implements XaConnection<Connection> {
  constructor(
    private readonly pool: Mysql2Pool<Connection>,
    readonly tx: Connection,
    private readonly server: Mysql2Server,
  ) {}

  async start(branch: XaKey): Promise<XaStart> {
    // fewer locks than with the default level; a prepared branch keeps its locks for a long time
    await queryRows(this.tx, 'set transaction isolation level read committed');
    try {
      await queryRows(this.tx, `xa start ${mysqlXid(branch)}`);
      return 'started';
    } catch (error) {
      if (serverErrno(error) !== XAER_DUPID) throw error;
      // uses up the isolation level, which would apply to the next transaction of the connection
      await queryRows(this.tx, 'start transaction');
      await queryRows(this.tx, 'rollback and no chain no release');
      return (await isPrepared(this.tx, branch)) ? 'prepared' : 'under way';
    }
  }

  async prepare(branch: XaKey): Promise<void> {
    await queryRows(this.tx, `xa end ${mysqlXid(branch)}`);
    await queryRows(this.tx, `xa prepare ${mysqlXid(branch)}`);
  }

  async rollback(branch: XaKey): Promise<void> {
    // an error when the branch has already ended, or can only be rolled back
    await queryRows(this.tx, `xa end ${mysqlXid(branch)}`).catch(() => undefined);
    await queryRows(this.tx, `xa rollback ${mysqlXid(branch)}`);
  }

  async release(state: XaConnectionState): Promise<void> {
    if (state === 'idle' || (state === 'prepared' && this.server.detachesOnPrepare)) this.tx.release();
    else if (this.server.detachesOnPrepare) this.tx.destroy();
    else await endConnection(this.pool, this.tx);
  }
}
