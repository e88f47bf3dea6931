import { Controller, Inject } from '@nestjs/common';
import { Barrier, BranchPayload, DtmFailureError, SagaBranch, TccAction } from 'nestjs-dtm';
import type { BranchBarrier } from 'nestjs-dtm/barrier';
import { mysql2Barrier } from 'nestjs-dtm/barrier/mysql2';
import type { Pool, PoolConnection, ResultSetHeader } from 'mysql2/promise';
import { startApp, type App, type AppOptions } from '../nest/app.js';

interface Transfer {
  readonly userId: number;
  readonly amount: number;
}

const POOL = 'pool';

/** The same bank as those on other clients, with the same accounts and the same barrier table. */
@Controller('bank')
export class NestBankController {
  constructor(@Inject(POOL) private readonly pool: Pool) {}

  @SagaBranch({ compensate: 'transOutRevert' })
  async transOut(@BranchPayload() transfer: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(mysql2Barrier(this.pool), (connection) => moveOut(connection, transfer));
  }
  async transOutRevert(@BranchPayload() transfer: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(mysql2Barrier(this.pool), (connection) => moveIn(connection, transfer));
  }

  @TccAction({ confirm: 'confirm', cancel: 'cancel' })
  async tryOut(@BranchPayload() transfer: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(mysql2Barrier(this.pool), (connection) => moveOut(connection, transfer));
  }
  confirm(): void {
    // the try has moved the money already
  }
  async cancel(@BranchPayload() transfer: Transfer, @Barrier() barrier: BranchBarrier): Promise<void> {
    await barrier.call(mysql2Barrier(this.pool), (connection) => moveIn(connection, transfer));
  }
}

/** Starts the bank; `closeApps` ends it. */
export function startNestBank(pool: Pool, options: Pick<AppOptions, 'dtm' | 'listen'>): Promise<App> {
  return startApp({ ...options, controllers: [NestBankController], providers: [{ provide: POOL, useValue: pool }] });
}

async function moveOut(connection: PoolConnection, { userId, amount }: Transfer): Promise<void> {
  const sql = 'update dtm_busi.user_account set balance = balance - ? where user_id = ? and balance >= ?';
  const [{ affectedRows }] = await connection.query<ResultSetHeader>(sql, [amount, userId, amount]);
  if (affectedRows === 0) throw new DtmFailureError('Insufficient balance');
}

async function moveIn(connection: PoolConnection, { userId, amount }: Transfer): Promise<void> {
  const sql = 'update dtm_busi.user_account set balance = balance + ? where user_id = ?';
  await connection.query(sql, [amount, userId]);
}
