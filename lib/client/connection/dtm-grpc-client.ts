import type { DtmDriver } from '../../driver/index.js';
import {
  DTM_PROTO,
  DtmConfigError,
  DtmConnectionError,
  DtmError,
  DtmServerError,
  EMPTY_PROTO,
  GRPC_STATUS,
  OPERATOR_PROTO,
  encodeBranchMessage,
  encodeTransactionMessage,
  errorText,
  jsonReader,
  serviceMethods,
  type DtmApi,
  type DtmConnection,
  type JsonReader,
  type ServiceMethod,
} from '../../protocol/internal.js';
import {
  GrpcRequester,
  type GrpcAnswer,
  type GrpcConnectionOptions,
  type GrpcTlsOptions,
} from '../../transport/index.js';
import { grpcAddress, schemeOf } from './grpc-address.js';
import { grpcCallError } from './grpc-call-error.js';
import { dtmHttpClient } from './dtm-http-client.js';
import { readTransactionDetails, transactionFilterParameters, readTransactionPage } from './transaction-queries.js';

/** Metadata by name; values are printable ASCII, those of names ending in `-bin` are sent as bytes. */
export type CallMetadata = Readonly<Record<string, string>>;

/** Options of {@link dtmGrpcClient}. */
export interface DtmGrpcClientOptions extends GrpcConnectionOptions {
  /** Longest time for one call in seconds; a submit that waits for its result needs the time of its branches. @default 30 */
  readonly timeoutSeconds?: number | undefined;
  /** Connects over TLS with these certificates. @default TLS with the authorities of Node for `grpcs://`, otherwise none */
  readonly tls?: GrpcTlsOptions | undefined;
  /** Metadata of every call, e.g. an authorization; a function is asked before each. @default none */
  readonly metadata?: CallMetadata | (() => CallMetadata | Promise<CallMetadata>) | undefined;
  /** Knows the scheme of the URL. @default only `host:port`, and what gRPC resolves by itself */
  readonly driver?: DtmDriver | undefined;
  /**
   * The HTTP API of the same coordinator, for what the gRPC API of dtm lacks: query, all, forceStop, retryNow, version.
   * A URL, or an {@link dtmHttpClient}; it is closed with this.
   *
   * @default our own coordinator is asked over gRPC; of Go dtm these operations are a DtmConfigError
   */
  readonly http?: string | DtmConnection | undefined;
}

/** What the gRPC API of dtm lacks. */
type OperatorApi = Pick<DtmApi, 'query' | 'all' | 'forceStop' | 'retryNow' | 'version'>;

const DTM = serviceMethods('dtmgimp.Dtm', [DTM_PROTO, EMPTY_PROTO]);
const OPERATOR = serviceMethods('nestjsdtm.Operator', [OPERATOR_PROTO]);

/**
 * A coordinator reached over its gRPC API: a real dtm, or an embedded coordinator that listens.
 * gRPC is loaded by `open()`, or with the first call.
 *
 * @param url - `localhost:36790`, `grpc://host:port`, `grpcs://host:port`, or a URL that the driver knows
 * @param options - timeout, TLS, metadata, driver, limits
 * @throws DtmConfigError when the URL is none of these, or contradicts the options
 */
export function dtmGrpcClient(url: string, options: DtmGrpcClientOptions = {}): DtmConnection {
  const { server, isSecure } = grpcAddress(url);
  if (options.tls && /^grpc:/i.test(url)) {
    throw new DtmConfigError(`server ${url} is not reached over TLS, although tls is given; write grpcs://`);
  }
  const { maxAnswerBytes = 4 * 1024 * 1024, tls = isSecure ? {} : undefined } = options;
  const http = typeof options.http === 'string' ? dtmHttpClient(options.http, options) : options.http;
  const requester = new GrpcRequester({ ...options, maxAnswerBytes, tls });
  const timeoutMs = (options.timeoutSeconds ?? 30) * 1000;

  const send = async (method: ServiceMethod, message: Buffer, gid?: string): Promise<GrpcAnswer> => {
    const entries = typeof options.metadata === 'function' ? await options.metadata() : options.metadata;
    const metadata = entries && Object.entries(entries);
    try {
      return await requester.request({ server, method: method.path, message, metadata, timeoutMs });
    } catch (cause) {
      if (cause instanceof DtmError) throw cause;
      throw new DtmConnectionError(`dtm at ${server} gave no answer to ${nameOf(method)}: ${errorText(cause)}`, {
        cause,
        gid,
      });
    }
  };

  const call = async <T>(
    method: ServiceMethod,
    request: object,
    decode: (answer: object) => T,
    gid?: string,
  ): Promise<T> => {
    const message = method.requestSerialize(request);
    const { code, details, message: answer = Buffer.alloc(0) } = await send(method, message, gid);
    const operation = nameOf(method);
    if (code !== GRPC_STATUS.OK) {
      const isOfDtm = method === DTM[method.path.split('/').at(-1)!];
      const requestBytes = message.length;
      throw grpcCallError({ server, operation, isOfDtm, code, details, requestBytes, maxAnswerBytes, gid });
    }
    try {
      return decode(method.responseDeserialize(answer));
    } catch (cause) {
      throw new DtmServerError(
        `dtm at ${server} answered ${operation} with something else than expected: ${errorText(cause)}`,
        { cause, gid },
      );
    }
  };

  const command = (name: string, request: object, gid?: string): Promise<void> =>
    call(DTM[name]!, request, nothing, gid);

  const operate = <T>(name: string, parameters: Readonly<Record<string, string>>, decode: (json: JsonReader) => T) =>
    call(
      OPERATOR[name]!,
      { json: JSON.stringify(parameters) },
      (answer) => decode(jsonReader(JSON.parse((answer as { json: string }).json), 'it')),
      parameters['gid'],
    );

  const operator: OperatorApi = http ?? {
    query: (gid) => operate('Query', { gid }, readTransactionDetails),
    all: async (filter) => operate('All', transactionFilterParameters(filter), readTransactionPage),
    forceStop: (gid) => operate('ForceStop', { gid }, nothing),
    retryNow: (gid) => operate('RetryNow', { gid }, nothing),
    version: () => operate('Version', {}, (json) => json.text('version')),
  };

  return {
    address: tls && schemeOf(server) === undefined ? `grpcs://${server}` : server,
    protocol: 'grpc',
    newGid: async () => {
      const gid = await call(DTM['NewGid']!, {}, (answer) => (answer as { readonly Gid: string }).Gid);
      if (gid === '') throw new DtmServerError(`dtm at ${server} answered newGid without a gid`);
      return gid;
    },
    prepare: async (transaction) => command('Prepare', encodeTransactionMessage(transaction), transaction.gid),
    submit: async (transaction) => command('Submit', encodeTransactionMessage(transaction), transaction.gid),
    abort: async (transaction) => command('Abort', encodeTransactionMessage(transaction), transaction.gid),
    registerBranch: async (branch) => command('RegisterBranch', encodeBranchMessage(branch), branch.gid),
    subscribe: (topic, subscriber, remark = '') =>
      command('Subscribe', { Topic: topic, URL: subscriber, Remark: remark }),
    unsubscribe: (topic, subscriber) => command('Unsubscribe', { Topic: topic, URL: subscriber }),
    deleteTopic: (topic) => command('DeleteTopic', { Topic: topic }),
    query: (gid) => operator.query(gid),
    all: (filter) => operator.all(filter),
    forceStop: (gid) => operator.forceStop(gid),
    retryNow: (gid) => operator.retryNow(gid),
    version: () => operator.version(),
    async open() {
      await requester.open();
      await http?.open();
    },
    recover: () => undefined,
    async close() {
      await Promise.all([requester.close(), http?.close()]);
    },
  };
}

/** As the port calls it, e.g. `registerBranch`. */
function nameOf({ path }: ServiceMethod): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function nothing(): undefined {
  return undefined;
}
