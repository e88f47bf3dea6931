/** Where the APIs listen. */
export interface ListenOptions {
  /** TCP port of the HTTP API; 0 = any free port. @default 36789 */
  readonly port?: number | undefined;
  /** TCP port of the gRPC API, 36790 in dtm; 0 = any free port. @default no gRPC API */
  readonly grpcPort?: number | undefined;
  /**
   * Address to listen on. The API of dtm has no authentication: protect the port before you open it to other machines.
   *
   * @default '127.0.0.1'
   */
  readonly host?: string | undefined;
  /** Base URL at which other processes reach the HTTP API, e.g. `http://dtm:36789`. @default the address it listens on */
  readonly advertise?: string | undefined;
}

/** The HTTP port of Go dtm. */
export const DEFAULT_PORT = 36789;

/** Only this machine: the API has no authentication. */
export const DEFAULT_HOST = '127.0.0.1';
