import type { DtmDriver } from 'nestjs-dtm/driver';
import type { ServerControl } from '../../services/server.mjs';

/** A driver with a real registry, as {@link driverContract} needs it. */
export interface DriverBed {
  /** The registry's server, which the cases kill and restart. */
  readonly server: Pick<ServerControl, 'kill' | 'restart'>;
  /** Over what its services are called. */
  readonly over: 'grpc' | 'http';
  /**
   * A new driver, which knows the registry also when nothing was registered with it.
   *
   * @returns one of several in this process
   */
  driver(): DtmDriver;
  /**
   * What enters a service, for `registerService`.
   *
   * @param service - its name
   * @param address - `host:port` under which it is reached
   */
  registration(service: string, address: string): { readonly target: string; readonly endpoint: string };
  /**
   * Where a service is called: a target of gRPC, or the URL of its path `/in` over HTTP.
   *
   * @param service - its name
   */
  address(service: string): string;
  /**
   * Makes an entry of a service that nobody can understand. Left out where the registry takes none.
   *
   * @param service - its name
   */
  spoil?(service: string): Promise<void>;
}
