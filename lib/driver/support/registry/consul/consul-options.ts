import type { RegistryTls } from '../registry-tls.js';

/** How Consul is reached, in addition to its addresses. */
export interface ConsulOptions {
  /** ACL token. @default none */
  readonly token?: string | undefined;
  /** The datacenter in which services are looked up. @default the datacenter of the agent */
  readonly datacenter?: string | undefined;
  /** User of HTTP basic authentication, for a proxy in front of Consul. @default none */
  readonly user?: string | undefined;
  /** Password of {@link user}. @default none */
  readonly password?: string | undefined;
  /** TLS of the connections. @default no TLS */
  readonly tls?: RegistryTls | undefined;
}
