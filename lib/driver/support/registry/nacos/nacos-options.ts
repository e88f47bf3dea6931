import type { RegistryTls } from '../registry-tls.js';

/** How Nacos is reached beside its addresses. */
export interface NacosOptions {
  /** Name of the user, where Nacos asks for one. @default none */
  readonly user?: string | undefined;
  /** Password of {@link user}. @default none */
  readonly password?: string | undefined;
  /** Id of the namespace; everything that is registered and found is in it. @default 'public' */
  readonly namespace?: string | undefined;
  /** Where its paths begin. @default '/nacos' */
  readonly contextPath?: string | undefined;
  /**
   * API of HTTP that it serves: `v1` up to Nacos 3.1, `v3` from 3.0 on.
   *
   * @default v1, and the other one as soon as that is answered with "there is none" (404, 405, 410, 501), as Nacos 3.2 does
   */
  readonly api?: 'v1' | 'v3' | undefined;
  /** Connects over TLS. Certificates and keys are PEM. @default plainly */
  readonly tls?: RegistryTls | undefined;
}
