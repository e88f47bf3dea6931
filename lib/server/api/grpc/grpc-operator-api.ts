import { DtmArgumentError, ProtoWriter, jsonReader, parseBoundedJson } from '../../../protocol/internal.js';
import type { GrpcHandler } from './grpc-api.js';
import type { Coordinator } from '../../operations/coordinator.js';
import type { AnswerBudget } from '../answer-budget.js';
import { parseTransactionFilter } from '../query-parameters.js';
import { encodeDetails, encodePage } from '../encode-transactions.js';
import { writeJson, type JsonFields } from '../write-json.js';

/** Parameters (an object of strings) or an answer, as JSON. */
interface OperatorMessage {
  readonly json: string;
}

/** Field `json` of an `OperatorReply`. */
const JSON_FIELD = 1;

/**
 * Operations that the gRPC API of dtm lacks: the methods of `nestjsdtm.Operator`, with parameters and answers as over HTTP.
 *
 * @param coordinator - runs the operations
 * @param budget - memory of the answers that can be large
 */
export function grpcOperatorApi(coordinator: Coordinator, budget: AnswerBudget): Readonly<Record<string, GrpcHandler>> {
  const stored =
    <Value>(read: (query: URLSearchParams) => Promise<Value>, encode: (value: Value) => JsonFields): GrpcHandler =>
    async ({ json }: OperatorMessage, client) => {
      const query = parseParameters(json);
      return budget.answer(
        client,
        () => read(query),
        async (value) => writeAnswer(await writeJson(encode(value))),
        ({ length }) => length,
      );
    };
  return {
    Query: stored((query) => coordinator.query(query.get('gid') ?? ''), encodeDetails),
    All: stored(async (query) => coordinator.all(parseTransactionFilter(query)), encodePage),
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

/** Writes the answer as the bytes of a message: the text of a large answer would be copied once more. */
function writeAnswer(json: Uint8Array): Buffer {
  return new ProtoWriter().bytes(JSON_FIELD, json).finish();
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
