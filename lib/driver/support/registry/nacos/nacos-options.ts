import type { RegistryTls } from '../registry-tls.js';

/** How Nacos is reached, in addition to its addresses. */
export interface NacosOptions {
  /** Name of the user. @default none */
  readonly user?: string | undefined;
  /** Password of {@link user}. @default none */
  readonly password?: string | undefined;
  /** Id of the namespace in which services are registered and looked up. @default 'public' */
  readonly namespace?: string | undefined;
  /** Prefix of all paths. @default '/nacos' */
  readonly contextPath?: string | undefined;
  /**
   * Version of the HTTP API: `v1` up to Nacos 3.1, `v3` from Nacos 3.0 on.
   *
   * @default v1, and v3 as soon as Nacos answers that v1 does not exist (404, 405, 410, 501)
   */
  readonly api?: 'v1' | 'v3' | undefined;
  /** TLS of the connections. @default no TLS */
  readonly tls?: RegistryTls | undefined;
}
