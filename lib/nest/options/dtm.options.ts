import type { BarrierAdapter } from '../../barrier/index.js';
import type { PackageDefinition, ProtoFilesOptions } from '../../client/index.js';
import type { DtmDriver } from '../../driver/index.js';
import type { BranchHeadersSource, DtmConnection } from '../../protocol/internal.js';
import type { XaAdapter } from '../../xa/index.js';

/** Options of `DtmModule`. */
export interface DtmModuleOptions {
  /**
   * Name of this application, the same in all its replicas and for as long as transactions are unfinished: up to 63 lower-case
   * letters, digits, `-` and `.`. The coordinator stores branches under it, and only applications of this name call them. A
   * store on a database server needs the name.
   *
   * @default none: the store belongs to this application alone
   */
  readonly name?: string | undefined;
  /**
   * The coordinator, as a URL or as an object.
   *
   * - HTTP: `http://dtm:36789`; the path `/api/dtmsvr` is added when the URL has none
   * - JSON-RPC: `http://dtm:36789/api/json-rpc`
   * - gRPC: `dtm:36790`, or a URL of the driver
   * - an object such as `embeddedServer()`, which the module opens and closes with the application
   */
  readonly server: string | DtmConnection;
  /**
   * Finds services by name: the name of a driver, or a {@link DtmDriver}. The driver `default` uses addresses as they are.
   *
   * @default 'default'
   */
  readonly driver?: string | DtmDriver | undefined;
  /**
   * Where the coordinator reaches this application.
   *
   * @default see {@link DtmEndpointOptions}
   */
  readonly endpoint?: DtmEndpointOptions | undefined;
  /**
   * Registers this application in the registry of the driver once it listens, and deregisters it before it stops.
   *
   * @default the application is not registered
   */
  readonly register?: DtmRegisterOptions | undefined;
  /**
   * The application's databases under names of your choice. A message needs the barrier of the database in which its local
   * transaction runs: the module answers the coordinator's query-back from it. An XA branch needs the XA of its database.
   *
   * @default none
   */
  readonly databases?: Readonly<Record<string, DtmDatabaseOptions>> | undefined;
  /**
   * Headers that are sent with every branch call and query-back, for the guards of the branches; over gRPC they are metadata.
   * `branchHeaders` of a transaction takes precedence. The values are redacted where transactions are shown.
   *
   * - An embedded coordinator adds the headers when it makes a call: a function can give the token of the moment, and the store has
   *   none of them. The time of the function is part of the time-out of the call, and its error leads to another attempt.
   * - A coordinator in another process gets the headers with each transaction, and stores them. A function is called once for each
   *   prepare and submit; use values that are valid until the transaction ends.
   *
   * @default none
   */
  readonly branchHeaders?: BranchHeadersSource | undefined;
  /**
   * Names of headers that a request over HTTP or gRPC passes on to the branches of the transactions that its handler starts:
   * `['x-request-id', 'traceparent', 'tracestate']`. They are stored with the transaction. A value of more than 1,024 characters is
   * not passed on. Credentials such as `authorization` are refused: a branch is also called after they have expired. So are names in
   * {@link branchHeaders}; a function of it should give none of these names, because the header of the request takes precedence.
   * `branchHeaders` of a transaction takes precedence.
   *
   * @default none
   */
  readonly forwardHeaders?: readonly string[] | undefined;
  /**
   * Decorators that set metadata on the routes of all branches, and on the query-back of the module: `[Public(), SkipThrottle()]`.
   * Guards and interceptors of the application read the metadata. The decorators hold for the classes, and so for all applications
   * in the process that use them.
   *
   * @default none
   */
  readonly routeDecorators?: readonly MethodDecorator[] | undefined;
  /**
   * Shows branches in the document of `@nestjs/swagger`: each once, as POST, with dtm's parameters, and with the tag `branches` unless
   * its class or method has `@ApiTags()`. `@ApiExcludeEndpoint(false)` shows a single branch.
   *
   * @default false
   */
  readonly swagger?: boolean | undefined;
  /**
   * Says that something in front of the application protects the branches, such as a proxy or a network policy. The application then
   * does not warn at start about branches without a guard that other machines can call.
   *
   * @default false
   */
  readonly allowUnguardedBranches?: boolean | undefined;
  /**
   * The .proto files of branches over gRPC. Plain objects are encoded with them, and results decoded.
   *
   * @default none: such branches take bytes, messages that encode themselves, or JSON where they have no .proto
   */
  readonly protos?: ProtoFilesOptions | PackageDefinition | undefined;
  /**
   * Answers the texts of unexpected errors to every caller of a branch, so that dtm shows them. Such a text may contain
   * passwords, SQL or personal data. Use this only when nothing but the coordinator can reach the branches. Without this option,
   * the answer has an id, and the log has the text under this id. The texts of `DtmFailureError`, `DtmOngoingError` and of
   * Nest's own exceptions are always answered.
   *
   * @default false
   */
  readonly exposeErrorTextsToCallers?: boolean | undefined;
  /**
   * Longest time, in seconds, that the shutdown waits for running branch methods and for their answers over HTTP, and for the
   * registry and the driver. The answers over gRPC have the option of the same name in `dtmGrpcOptions`.
   *
   * @default 20
   */
  readonly shutdownTimeoutSeconds?: number | undefined;
}

/** How a branch of this application is called. */
export type BranchRoute = 'in-process' | 'http' | 'grpc';

/** How this application is registered in the registry of the driver. */
export interface DtmRegisterOptions {
  /** Registry and service name in the form of the driver, e.g. `etcd://etcd:2379/bank`. */
  readonly target: string;
  /** Address of this application in the form of the driver, e.g. `bank-7:50051`. */
  readonly endpoint: string;
}

/** Where the coordinator reaches this application. */
export interface DtmEndpointOptions {
  /**
   * How the branches of this application are called, unless `branchOf` says otherwise. `in-process` calls them without a
   * socket, and needs an embedded coordinator.
   *
   * @default 'in-process' with an embedded coordinator and without an address below; otherwise 'http' when the application
   *   has an HTTP server, or else 'grpc'
   */
  readonly over?: BranchRoute | undefined;
  /**
   * Base URL in front of the application's own paths, e.g. `https://bank.example/api-gateway`, or `nacos://bank` with a
   * driver that finds HTTP services by name.
   *
   * @default `http://127.0.0.1:<port>` while the coordinator is embedded or on this machine; otherwise `branchOf` needs it
   */
  readonly http?: string | undefined;
  /**
   * gRPC address of this application: `bank:50051`, or a URL of the driver, e.g. `etcd://etcd:2379/bank`.
   *
   * @default none: `branchOf` finds no branches over gRPC
   */
  readonly grpc?: string | undefined;
}

/** How transactions reach a database of the application. */
export interface DtmDatabaseOptions {
  /** Barrier such as `typeOrmBarrier(dataSource)`, for messages. @default none */
  readonly barrier?: BarrierAdapter<unknown> | undefined;
  /** XA such as `pgXa(pool)`, for `@XaBranch`. @default none */
  readonly xa?: XaAdapter<unknown> | undefined;
  /**
   * What the module does with the barrier table at bootstrap, before it takes requests: `create` creates the table unless it
   * exists, `check` fails when the table is missing.
   *
   * @default nothing: a missing table fails the first branch, and dtm retries
   */
  readonly table?: 'create' | 'check' | undefined;
}
