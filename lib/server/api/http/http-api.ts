import {
  DtmArgumentError,
  SUCCESS_BODY,
  decodeBranchRegistration,
  decodeTransactionRequest,
  errorText,
  isJsonObject,
  jsonReader,
  parseBoundedJson,
  stringifyEscaped,
  type KvPage,
} from '../../../protocol/internal.js';
import type { StoreHealth } from '../../environment/store-health.js';
import type { Coordinator } from '../../operations/coordinator.js';
import type { AnswerBudget } from '../answer-budget.js';
import { encodeDetails, encodeKvRecords, encodePage, encodeWorkflow, isLarge } from '../encode-transactions.js';
import { writeJson, type JsonFields } from '../write-json.js';
import { parseCount, parseTransactionFilter } from '../query-parameters.js';
import type { ApiAnswer, ApiRequest, Handler, Routes } from './router.js';

/** Base path of the HTTP API. */
export const BASE_PATH = '/api/dtmsvr';

/** Three times the default time-out: a longer wait means that failures have delayed the transaction. */
const DEFAULT_RESET_TIMEOUT_SECONDS = 105;

const DEFAULT_LIMIT = 100;

/**
 * The HTTP API: docs/protocol.md#endpoints.
 *
 * @param coordinator - runs the operations
 * @param budget - memory of the answers that can be large
 */
export function httpApi(coordinator: Coordinator, budget: AnswerBudget): Routes {
  const { metrics, storeHealth } = coordinator;
  const stored = <Value>(
    { client }: ApiRequest,
    read: () => Promise<Value>,
    encode: (value: Value) => JsonFields,
  ): Promise<ApiAnswer> =>
    budget.answer(
      client,
      read,
      async (value) => ({ status: 200, body: await writeJson(encode(value)) }),
      ({ body }) => body.length,
    );
  const registerBranch: Handler = async ({ body }) => {
    const fields = parseStrings(body);
    if (!fields) return invalidRegistration();
    await coordinator.registerBranch(decodeBranchRegistration(fields));
    return success();
  };
  const routes: Routes = {
    'GET /version': async () => data({ version: await coordinator.version() }),
    'GET /newGid': async () => data({ dtm_result: 'SUCCESS', gid: await coordinator.newGid() }),
    'POST /prepare': command((request) => coordinator.prepare(decodeTransactionRequest(request))),
    'POST /submit': command((request) => coordinator.submit(decodeTransactionRequest(request))),
    'POST /abort': command((request) => coordinator.abort(decodeTransactionRequest(request))),
    'POST /registerBranch': registerBranch,
    'POST /registerTccBranch': registerBranch,
    'POST /registerXaBranch': registerBranch,
    'POST /prepareWorkflow': async (request) => {
      const details = await coordinator.prepareWorkflow(decodeTransactionRequest(parse(request.body)));
      return isLarge(details)
        ? stored(request, async () => details, encodeWorkflow)
        : { status: 200, body: await writeJson(encodeWorkflow(details)) };
    },
    'POST /forceStop': command((request) => coordinator.forceStop(decodeTransactionRequest(request).gid)),
    'POST /resetNextCronTime': command((request) => coordinator.retryNow(decodeTransactionRequest(request).gid)),
    'GET /resetCronTime': async ({ query }) => {
      const timeout = parseCount(query, 'timeout') ?? DEFAULT_RESET_TIMEOUT_SECONDS;
      const { count, hasMore } = await coordinator.retryAllNow(timeout, parseCount(query, 'limit') ?? DEFAULT_LIMIT);
      return data({ has_remaining: hasMore, succeed_count: count });
    },
    'POST /retryTarget': async ({ body }) => {
      const json = jsonReader(parse(body), 'the request body');
      const { count, hasMore } = await coordinator.retryTarget(
        json.text('target'),
        json.count('limit') || DEFAULT_LIMIT,
      );
      return data({ has_remaining: hasMore, succeed_count: count });
    },
    'GET /query': (request) => stored(request, () => coordinator.query(request.query.get('gid') ?? ''), encodeDetails),
    'GET /all': async (request) => {
      const filter = parseTransactionFilter(request.query);
      return stored(request, () => coordinator.all(filter), encodePage);
    },
    'GET /subscribe': async ({ query }) => {
      await coordinator.subscribe(query.get('topic') ?? '', query.get('url') ?? '', query.get('remark') ?? '');
      return success();
    },
    'GET /unsubscribe': async ({ query }) => {
      await coordinator.unsubscribe(query.get('topic') ?? '', query.get('url') ?? '');
      return success();
    },
    'DELETE /topic/*': async ({ wildcard: tail }) => {
      await coordinator.deleteTopic(decodeSegment(tail));
      return success();
    },
    'GET /scanKV': async (request) => {
      const { query } = request;
      const filter = {
        category: query.get('cat') || undefined,
        position: query.get('position') || undefined,
        limit: parseCount(query, 'limit') ?? DEFAULT_LIMIT,
      };
      return stored(
        request,
        () => coordinator.listKv(filter),
        ({ records, nextPosition }) => ({ kv: encodeKvRecords(records), next_position: nextPosition }),
      );
    },
    'GET /queryKV': (request) => {
      const { query } = request;
      const filter = {
        category: query.get('cat') || undefined,
        key: query.get('key') || undefined,
        limit: Number.MAX_SAFE_INTEGER,
      };
      return stored(request, () => coordinator.listKv(filter), encodeAllRecords);
    },
  };
  return {
    'GET /api/ping': () => ping(storeHealth),
    'POST /api/ping': () => ping(storeHealth),
    'GET /api/metrics': async () => ({ status: 200, body: await metrics.text(), contentType: metrics.contentType }),
    ...Object.fromEntries(
      Object.entries(routes).map(([route, handler]) => [route.replace(' ', ` ${BASE_PATH}`), handler]),
    ),
  };
}

function encodeAllRecords({ records, nextPosition }: KvPage): JsonFields {
  if (nextPosition !== '') {
    throw new DtmArgumentError('queryKV matches more records than fit into one answer; use scanKV, which has pages');
  }
  return { kv: encodeKvRecords(records) };
}

async function ping(storeHealth: StoreHealth): Promise<ApiAnswer> {
  if (await storeHealth.isWritable()) return data({ msg: 'pong' });
  return { ...data({ message: 'the store cannot write; the log of the coordinator has the reason' }), status: 503 };
}

function command(run: (request: unknown) => Promise<void>): Handler {
  return async ({ body }) => {
    await run(parse(body));
    return success();
  };
}

function success(): ApiAnswer {
  return { status: 200, body: SUCCESS_BODY };
}

function data(value: unknown): ApiAnswer {
  return { status: 200, body: stringifyEscaped(value) };
}

/** This answer is text with status 400, as in Go dtm: docs/protocol.md#http-answers. */
function invalidRegistration(): ApiAnswer {
  const message = 'the body must be one JSON object whose values are all strings';
  return { status: 400, body: JSON.stringify({ message }), contentType: 'text/plain; charset=utf-8' };
}

function parse(body: string): unknown {
  try {
    return parseBoundedJson(body);
  } catch (cause) {
    if (cause instanceof DtmArgumentError) throw cause;
    throw new DtmArgumentError(`the request body is not JSON: ${errorText(cause)}`, { cause });
  }
}

function decodeSegment(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new DtmArgumentError(`the path ends in ${JSON.stringify(text)}, which is not percent-encoded UTF-8`, {
      cause,
    });
  }
}

/** Parses an object of strings and nulls. @returns undefined for anything else */
function parseStrings(body: string): Record<string, string> | undefined {
  let value: unknown;
  try {
    value = parseBoundedJson(body);
  } catch {
    return undefined;
  }
  if (!isJsonObject(value)) return undefined;
  const isFlat = Object.values(value).every((text) => typeof text === 'string' || text === null);
  // null counts as an empty string where a field is read
  return isFlat ? (value as Record<string, string>) : undefined;
}
