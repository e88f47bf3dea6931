import type { ServerMethod } from '../protocol/internal.js';
import type { HttpNameResolver } from './support/lookup/http-resolver/http-name-resolver.js';

/**
 * The port to a microservice framework: how its services are registered and found. One driver serves a whole application or
 * coordinator.
 */
export interface DtmDriver {
  /** Name that chooses the driver, e.g. `dtm-driver-gozero`. */
  readonly name: string;
  /**
   * Registers the URL schemes of the framework in gRPC, for the whole process. Called before the first call, and possibly
   * again: idempotent. In the Go guide: `RegisterAddrResolver`, formerly `RegisterGrpcResolver`.
   *
   * @returns awaited, and otherwise ignored
   * @throws DtmConfigError when gRPC cannot be used
   */
  registerGrpcResolver(): unknown;
  /**
   * Registers a service over gRPC or HTTP, and keeps it registered: a registration that was lost is made again. Resolves
   * after the first attempt, whether it succeeded or not. In the Go guide: `RegisterService`, formerly
   * `RegisterGrpcService`.
   *
   * @param target - the registry, and the name of the service in it; the format is the driver's
   * @param endpoint - where others reach the service
   * @param options - see {@link RegisterOptions}
   * @throws DtmConfigError when the target or the endpoint can never be used
   */
  registerService(target: string, endpoint: string, options?: RegisterOptions): Promise<DriverRegistration>;
  /**
   * Splits the URL of a gRPC branch into server and method.
   *
   * @param uri - the URL that the initiator gave
   * @throws DtmArgumentError with the expected format
   */
  parseServerMethod(uri: string): ServerMethod;
  /**
   * Checks a target and an endpoint at the start, before anything is registered or looked up. Where the URLs of the framework
   * do not name a registry, the driver looks services up in the registry of the first target.
   *
   * @param target - as for {@link registerService}
   * @param endpoint - as for {@link registerService}
   * @returns the service, ready to be registered
   * @throws DtmConfigError when the target or the endpoint can never be used
   * @default {@link registerService} checks both
   */
  prepareService?(target: string, endpoint: string): PreparedService;
  /**
   * Builds the URL of a branch that every dtm with this driver can call.
   *
   * @param service - address of the service, e.g. `etcd://etcd:2379/bank`
   * @param method - `/pkg.Service/Method`, or the path of an HTTP service
   * @throws DtmArgumentError when Go dtm would drop a part of the URL
   * @default service and method, provided that {@link parseServerMethod} splits them again
   */
  branchUrl?(service: string, method: string): string;
  /** Resolves the names of HTTP services. @default no URL over HTTP holds a name */
  readonly http?: HttpNameResolver | undefined;
  /**
   * Changes a gRPC call before it is sent, e.g. for a sidecar that needs the name of the service. @default no change
   *
   * @param call - the call
   */
  interceptGrpc?(call: OutgoingGrpcCall): OutgoingGrpcCall;
  /** Ends what the driver keeps for later calls, such as watches without listeners. The driver can be used again. */
  close?(): Promise<void>;
}

/** A gRPC call that a driver may change before it is sent. */
export interface OutgoingGrpcCall extends ServerMethod {
  /** The encoded request message. */
  readonly message: Buffer;
  /** Names and values of the metadata. @default none */
  readonly metadata?: Iterable<readonly [string, string]> | undefined;
}

/** A service whose target and endpoint were checked. */
export interface PreparedService {
  /**
   * Registers the service, as {@link DtmDriver.registerService} does.
   *
   * @param options - see {@link RegisterOptions}
   */
  register(options?: RegisterOptions): Promise<DriverRegistration>;
}

/** Options of {@link DtmDriver.registerService}. */
export interface RegisterOptions {
  /**
   * Called with the problem when the service is not registered, and with `undefined` when it is registered; once for each
   * change. @default no reports
   */
  readonly report?: ((problem: string | undefined) => void) | undefined;
}

/** A service that was registered. */
export interface DriverRegistration {
  /** Why the service is not registered at present; undefined while it is. @default always registered */
  readonly problem?: string | undefined;
  /** Deregisters the service. Idempotent. */
  close(): Promise<void>;
}
