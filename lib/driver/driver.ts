import type { ServerMethod } from '../protocol/index.js';

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
   * @throws DtmConfigError when it cannot
   */
  registerGrpcResolver(): void | Promise<void>;
  /**
   * Enters a gRPC service into the registry, so that others find it.
   *
   * @param target - which registry, and under which name; its form is the driver's
   * @param endpoint - where the service is reached
   * @throws DtmConfigError when the target is not one of this driver's; Error when the registry refuses
   */
  registerGrpcService(target: string, endpoint: string): Promise<DriverRegistration>;
  /**
   * Takes a gRPC branch URL apart.
   *
   * @param uri - branch URL as the initiator gave it
   * @throws DtmArgumentError saying what the URL should look like
   */
  parseServerMethod(uri: string): ServerMethod;
}

/** A service that was entered into a registry. */
export interface DriverRegistration {
  /** Takes it out again. Idempotent. */
  close(): Promise<void>;
}
