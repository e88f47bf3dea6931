import { Controller, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { isMessageCommitted } from '../../barrier/index.js';
import { DtmArgumentError, DtmFailureError, type BranchContext } from '../../protocol/internal.js';
import { Branch } from '../branch/declare/branch-params.decorator.js';
import { defineBranch } from '../branch/declare/define-branch.js';
import { DtmSettings } from '../options/dtm.options.js';
import { grpcArgsOf } from '../undocumented/grpc-arguments.js';

/** Name of the parameter, and of the metadata, that says which database is meant. */
export const DATABASE_PARAMETER = 'database';

/** Metadata are shared with the branches of the message, so the name says whose it is. */
export const DATABASE_METADATA = 'nestjsdtm-database';

/** Database that the coordinator asks about. */
const DatabaseName = createParamDecorator((_data: unknown, context: ExecutionContext): string => {
  const metadata = grpcArgsOf(context)?.[1];
  const query = context.getArgByIndex<{ readonly query?: Record<string, unknown> } | undefined>(0)?.query;
  const name = metadata ? metadata.getMap()[DATABASE_METADATA] : query?.[DATABASE_PARAMETER];
  if (name === undefined) return 'default';
  if (typeof name === 'string') return name;
  throw new DtmArgumentError('the parameter database is given more than once');
});

/** Tells the coordinator whether the local transaction of a message committed: docs/protocol.md#message-barrier. */
@Controller('nestjs-dtm')
export class QueryPreparedController {
  constructor(private readonly settings: DtmSettings) {}

  /** @internal */
  async ask(@Branch() context: BranchContext, @DatabaseName() database: string): Promise<void> {
    if (await isMessageCommitted(this.settings.databases.barrier(database), context.gid)) return;
    throw new DtmFailureError(`the local transaction of message ${context.gid} did not commit`, { gid: context.gid });
  }
}

defineBranch(
  QueryPreparedController.prototype,
  'ask',
  { path: 'query-prepared', service: 'nestjsdtm.QueryPrepared' },
  { transType: 'msg', op: 'msg', companions: {} },
);
