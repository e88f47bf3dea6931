import type { DtmDriver } from 'nestjs-dtm/driver';
import type { ServerControl } from '../../services/server.mjs';

/** A driver with a real registry, for {@link driverContract}. */
export interface DriverFixture {
  /** The server of the registry, which the cases kill and restart. */
  readonly server: Pick<ServerControl, 'kill' | 'restart'>;
  /** The protocol of calls to services. */
  readonly protocol: 'grpc' | 'http';
  /**
   * Creates a driver that can look services up before it has registered one.
   *
   * @returns a new driver; several live in this process
   */
  driver(): DtmDriver;
  /**
   * The arguments of `registerService` for a service.
   *
   * @param service - name of the service
   * @param address - `host:port` of the service
   */
  registration(service: string, address: string): { readonly target: string; readonly endpoint: string };
  /**
   * The address of a service: a target of gRPC, or the URL of its path `/in` over HTTP.
   *
   * @param service - name of the service
   */
  address(service: string): string;
  /**
   * Writes malformed entries of a service into the registry. @default the registry accepts no such entry
   *
   * @param service - name of the service
   */
  writeMalformed?(service: string): Promise<void>;
}
