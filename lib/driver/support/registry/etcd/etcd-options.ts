import type { RegistryTls } from '../registry-tls.js';

/** How etcd is reached, in addition to its addresses. */
export interface EtcdOptions {
  /** Name of the user. @default none */
  readonly user?: string | undefined;
  /** Password of {@link user}. @default none */
  readonly password?: string | undefined;
  /** TLS of the connections. @default no TLS */
  readonly tls?: RegistryTls | undefined;
}
