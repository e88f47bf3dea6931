import { Controller, type Type } from '@nestjs/common';
import { isMessageCommitted } from '../../barrier/index.js';
import { DtmFailureError, type BranchContext } from '../../protocol/internal.js';
import { Branch } from '../branch/declare/branch-parameters.decorator.js';
import { createSealedParameter } from '../branch/declare/create-sealed-parameter.js';
import { defineBranch } from '../branch/declare/define-branch.js';
import type { RpcName } from '../branch/definition/rpc-name.js';
import type { RequestWithQuery } from '../branch/serve/branch-parameters.js';
import { RejectedCallException } from '../branch/serve/rejected-call.exception.js';
import { DtmSettings } from '../options/dtm.settings.js';
import { findGrpcArguments } from '../undocumented/grpc-arguments.js';

/** Query parameter with the name of the database. */
export const DATABASE_PARAMETER = 'database';

/** Metadata with the name of the database. The branches of the message receive it too, so the prefix avoids a clash. */
export const DATABASE_METADATA = 'nestjsdtm-database';

/** The query-back over gRPC. */
export const QUERY_PREPARED_RPC: RpcName = { service: 'nestjsdtm.QueryPrepared', method: 'Ask' };

/** Injects the name of the database that the coordinator asks about. */
const DatabaseName = createSealedParameter('@DatabaseName()', (execution): string => {
  const metadata = findGrpcArguments(execution)?.[1];
  const name = metadata
    ? metadata.getMap()[DATABASE_METADATA]
    : queryOf(execution.getArgByIndex<RequestWithQuery | undefined>(0))[DATABASE_PARAMETER];
  if (name === undefined) return 'default';
  if (typeof name === 'string') return name;
  throw new RejectedCallException(400, 'the parameter database is given more than once; give it once');
});

/**
 * Creates the controller that answers the coordinator's query-back, whether the local transaction of a message committed:
 * docs/protocol.md#message-barrier. Each application has a class of its own, because an application decorates its routes.
 */
export function createQueryPreparedController(): Type {
  @Controller('nestjs-dtm')
  class QueryPreparedController {
    constructor(private readonly settings: DtmSettings) {}

    async ask(@Branch() context: BranchContext, @DatabaseName() database: string): Promise<void> {
      if (await isMessageCommitted(this.settings.databases.getBarrier(database), context.gid)) return;
      throw new DtmFailureError(`the local transaction of message ${context.gid} did not commit`, { gid: context.gid });
    }
  }
  const { service, method: rpc } = QUERY_PREPARED_RPC;
  defineBranch(
    QueryPreparedController.prototype,
    'ask',
    { path: 'query-prepared', service, rpc },
    { transType: 'msg', op: 'msg', companions: {} },
  );
  return QueryPreparedController;
}

function queryOf(request: RequestWithQuery | undefined): Record<string, unknown> {
  return (request?.query ?? {}) as Record<string, unknown>;
}
