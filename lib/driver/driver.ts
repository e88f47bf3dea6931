import type { ServerMethod } from '../protocol/internal.js';
import type { HttpNameResolver } from './support/lookup/http-resolver/http-name-resolver.js';

/**
 * The port to the way in which a microservice framework registers and finds services. One driver serves a whole
 * coordinator or application.
 */
export interface DtmDriver {
  /** Name by which it is chosen, e.g. `default`. */
  readonly name: string;
  /**
   * Makes its addresses known to gRPC, for the whole process. Called before the first call, and possibly again; idempotent.
   *
   * @returns awaited, and not looked at
   * @throws DtmConfigError when it cannot
   */
  registerGrpcResolver(): unknown;
  /**
   * Enters a service into the registry, so that others find it, and keeps it there: what is lost is entered again. Resolves
   * after the first attempt, whatever came of it.
   *
   * @param target - which registry, and under which name; its form is the driver's
   * @param endpoint - where the service is reached
   * @param options - see {@link RegisterOptions}
   * @throws DtmConfigError when the target or the endpoint is none of this driver's
   */
  registerService(target: string, endpoint: string, options?: RegisterOptions): Promise<DriverRegistration>;
  /**
   * Takes a gRPC branch URL apart.
   *
   * @param uri - branch URL as the initiator gave it
   * @throws DtmArgumentError saying what the URL should look like
   */
  parseServerMethod(uri: string): ServerMethod;
  /**
   * Tells it a target before anything is registered: it is checked, and for frameworks whose addresses do not say which
   * registry they are looked up in, that is the one. @default nothing happens
   *
   * @param target - as for {@link registerService}
   * @param endpoint - as for {@link registerService}
   * @throws DtmConfigError when the target or the endpoint is none of this driver's
   */
  useTarget?(target: string, endpoint: string): void;
  /**
   * URL of a branch that any dtm with this driver can call.
   *
   * @param service - as it is addressed, e.g. `etcd://etcd:2379/bank`
   * @param method - `/pkg.Service/Method`, or the path of an HTTP service
   * @throws DtmArgumentError when a Go dtm would drop a part of it, saying which
   * @default service and method, as far as {@link parseServerMethod} finds them in it again
   */
  branchUrl?(service: string, method: string): string;
  /** Finds services of HTTP by name. @default there are none */
  readonly http?: HttpNameResolver | undefined;
  /**
   * Changes a call over gRPC before it is sent, for sidecars that want to be told whom it is for. @default as it is
   *
   * @param call - what is about to be sent
   */
  interceptGrpc?(call: OutgoingGrpcCall): OutgoingGrpcCall;
  /** Ends at once what it still keeps for later, such as watches that nobody uses. It can be used again. */
  close?(): Promise<void>;
}

/** What a driver may change of a call over gRPC. */
export interface OutgoingGrpcCall extends ServerMethod {
  /** The message. */
  readonly message: Buffer;
  /** Names and values of the metadata. @default none */
  readonly metadata?: Iterable<readonly [string, string]> | undefined;
}

/** Options of {@link DtmDriver.registerService}. */
export interface RegisterOptions {
  /**
   * Told what keeps the service from standing in the registry, and `undefined` when it stands there again; each time that
   * changes. @default nobody is told
   */
  readonly report?: ((problem: string | undefined) => void) | undefined;
}

/** A service that was entered into a registry. */
export interface DriverRegistration {
  /** What keeps it from standing there at present; undefined while it does. @default it always does */
  readonly problem?: string | undefined;
  /** Takes it out again. Idempotent. */
  close(): Promise<void>;
}
