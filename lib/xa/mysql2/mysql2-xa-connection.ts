import type { XaKey } from '../xa-adapter.js';
import type { XaConnection, XaConnectionState, XaStart } from '../xa-database.js';
import { endConnection } from './end-connection.js';
import { serverErrno, queryRows, type Mysql2Connection, type Mysql2Pool } from '../../barrier/mysql2/mysql2-pool.js';
import { isPrepared } from './prepared-branches.js';
import type { Mysql2Server } from './detect-server.js';
import { mysqlXid } from './mysql2-xid.js';

const XAER_DUPID = 1440;

/** A connection that does the work of one branch. */
export class Mysql2XaConnection<Connection extends Mysql2Connection> implements XaConnection<Connection> {
  constructor(
    private readonly pool: Mysql2Pool<Connection>,
    readonly tx: Connection,
    private readonly server: Mysql2Server,
  ) {}

  async start(branch: XaKey): Promise<XaStart> {
    // fewer locks than with the usual level; a prepared branch keeps its locks for long
    await queryRows(this.tx, 'set transaction isolation level read committed');
    try {
      await queryRows(this.tx, `xa start ${mysqlXid(branch)}`);
      return 'started';
    } catch (error) {
      if (serverErrno(error) !== XAER_DUPID) throw error;
      // the level was meant for one transaction only, not for the next user of the connection
      await queryRows(this.tx, 'start transaction');
      await queryRows(this.tx, 'rollback');
      return (await isPrepared(this.tx, branch)) ? 'prepared' : 'under way';
    }
  }

  async prepare(branch: XaKey): Promise<void> {
    await queryRows(this.tx, `xa end ${mysqlXid(branch)}`);
    await queryRows(this.tx, `xa prepare ${mysqlXid(branch)}`);
  }

  async rollback(branch: XaKey): Promise<void> {
    // refused where the branch is ended already, or can only be rolled back
    await queryRows(this.tx, `xa end ${mysqlXid(branch)}`).catch(() => undefined);
    await queryRows(this.tx, `xa rollback ${mysqlXid(branch)}`);
  }

  async release(state: XaConnectionState): Promise<void> {
    if (state === 'idle' || (state === 'prepared' && this.server.detachesOnPrepare)) this.tx.release();
    else if (this.server.detachesOnPrepare) this.tx.destroy();
    else await endConnection(this.pool, this.tx);
  }
}
