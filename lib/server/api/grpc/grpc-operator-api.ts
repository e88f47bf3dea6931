import { DtmArgumentError, jsonReader, parseBoundedJson } from '../../../protocol/internal.js';
import type { GrpcHandler } from './grpc-api.js';
import type { Coordinator } from '../../operations/coordinator.js';
import { parseTransactionFilter } from '../query-parameters.js';
import { encodeDetails, encodePage } from '../encode-transactions.js';

/** Parameters (an object of strings) or an answer, as JSON. */
interface OperatorMessage {
  readonly json: string;
}

/**
 * Operations that the gRPC API of dtm lacks: the methods of `nestjsdtm.Operator`, with parameters and answers as over HTTP.
 *
 * @param coordinator - runs the operations
 */
export function grpcOperatorApi(coordinator: Coordinator): Readonly<Record<string, GrpcHandler>> {
  return {
    Query: method(async (query) => encodeDetails(await coordinator.query(query.get('gid') ?? ''))),
    All: method(async (query) => encodePage(await coordinator.all(parseTransactionFilter(query)))),
    ForceStop: method(async (query) => {
      await coordinator.forceStop(query.get('gid') ?? '');
      return {};
    }),
    RetryNow: method(async (query) => {
      await coordinator.retryNow(query.get('gid') ?? '');
      return {};
    }),
    Version: method(async () => ({ version: await coordinator.version() })),
  };
}

function method(run: (query: URLSearchParams) => Promise<unknown>): GrpcHandler {
  return async ({ json }: OperatorMessage) => ({ json: JSON.stringify(await run(parseParameters(json))) });
}

function parseParameters(json: string): URLSearchParams {
  let params: unknown;
  try {
    params = json === '' ? {} : parseBoundedJson(json);
  } catch (cause) {
    throw new DtmArgumentError('json must be an object of strings', { cause });
  }
  return new URLSearchParams(jsonReader({ params }, 'the request').texts('params'));
}
