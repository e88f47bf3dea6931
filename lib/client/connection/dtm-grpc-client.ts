import type { DtmDriver } from '../../driver/index.js';
import {
  DTM_PROTO,
  DtmConfigError,
  DtmError,
  EMPTY_PROTO,
  GRPC_STATUS,
  OPERATOR_PROTO,
  encodeBranchMessage,
  encodeTransactionMessage,
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
import { assertNewGid, noAnswer, unexpectedAnswer } from './call-errors.js';
import { dtmHttpClient } from './dtm-http-client.js';
import { grpcCallError } from './grpc-call-error.js';
import { parseGrpcAddress, schemeOf } from './parse-grpc-address.js';
import { readTransactionDetails, readTransactionPage, transactionFilterParameters } from './transaction-queries.js';

/** Metadata by name. Values are printable ASCII; values of names that end with `-bin` are sent as bytes. */
export type GrpcCallMetadata = Readonly<Record<string, string>>;

/** Options of {@link dtmGrpcClient}. */
export interface DtmGrpcClientOptions extends GrpcConnectionOptions {
  /** Time-out of a call in seconds. A submit with `waitResult` needs the time of its branches. @default 30 */
  readonly timeoutSeconds?: number | undefined;
  /** Certificates of TLS. @default for `grpcs://` TLS with the authorities that Node trusts, otherwise no TLS */
  readonly tls?: GrpcTlsOptions | undefined;
  /** Metadata of every call, for example an authorization. A function is called before each call. @default none */
  readonly metadata?: GrpcCallMetadata | (() => GrpcCallMetadata | Promise<GrpcCallMetadata>) | undefined;
  /** Driver of the scheme of the URL. @default none: `host:port`, and schemes that gRPC resolves itself */
  readonly driver?: DtmDriver | undefined;
  /**
   * HTTP API of the same coordinator, for operations that the gRPC API of dtm lacks: query, all, forceStop, retryNow,
   * version. A URL, or a {@link dtmHttpClient}, which is closed together with this client.
   *
   * @default none: a coordinator of this package offers these operations over gRPC, for Go dtm they throw DtmConfigError
   */
  readonly http?: string | DtmConnection | undefined;
}

/** Operations that the gRPC API of dtm lacks. */
type OperatorApi = Pick<DtmApi, 'query' | 'all' | 'forceStop' | 'retryNow' | 'version'>;

const DTM = serviceMethods('dtmgimp.Dtm', [DTM_PROTO, EMPTY_PROTO]);
const OPERATOR = serviceMethods('nestjsdtm.Operator', [OPERATOR_PROTO]);

/**
 * Creates a client of the gRPC API of a coordinator: a Go dtm, or a coordinator of this package that listens. `open()`, or
 * the first call, loads the gRPC library. See docs/protocol.md#grpc-api.
 *
 * @param url - `localhost:36790`, `grpc://host:port`, `grpcs://host:port`, or a URL with the scheme of the driver
 * @param options - time-out, TLS, metadata, driver, limits
 * @throws DtmConfigError for any other URL, or when the URL contradicts the options
 */
export function dtmGrpcClient(url: string, options: DtmGrpcClientOptions = {}): DtmConnection {
  const { server, isSecure } = parseGrpcAddress(url);
  if (options.tls && /^grpc:/i.test(url)) {
    throw new DtmConfigError(`server ${url} does not use TLS, but the option tls is set; use grpcs://`);
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
      throw noAnswer({ address: server, operation: operationOf(method), gid }, cause);
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
    const operation = operationOf(method);
    if (code !== GRPC_STATUS.OK) {
      const isOfDtm = method === DTM[method.path.split('/').at(-1)!];
      const requestBytes = message.length;
      throw grpcCallError({ address: server, operation, isOfDtm, code, details, requestBytes, maxAnswerBytes, gid });
    }
    try {
      return decode(method.responseDeserialize(answer));
    } catch (cause) {
      throw unexpectedAnswer({ address: server, operation, gid }, cause);
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
    newGid: async () =>
      assertNewGid(await call(DTM['NewGid']!, {}, (answer) => (answer as { readonly Gid: string }).Gid), server),
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

/** The name in DtmApi, e.g. `registerBranch`. */
function operationOf({ path }: ServiceMethod): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function nothing(): undefined {
  return undefined;
}
