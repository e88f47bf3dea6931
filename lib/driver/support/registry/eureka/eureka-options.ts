import { DtmConfigError } from '../../../../protocol/internal.js';
import { redactUrls } from '../../../../support/redact-urls.js';
import type { RegistryMember } from '../http-registry.js';
import type { RegistryTls } from '../registry-tls.js';

/** How Eureka is reached beside its addresses. */
export interface EurekaOptions {
  /** Name for HTTP basic authentication, where the URLs have none. @default none */
  readonly user?: string | undefined;
  /** Password of {@link user}. @default none */
  readonly password?: string | undefined;
  /** Certificates and keys for `https://` URLs, PEM. @default those of Node */
  readonly tls?: RegistryTls | undefined;
  /** Seconds between two questions about changes; Spring asks every 30. @default 5 */
  readonly pollSeconds?: number | undefined;
  /** Seconds between two heartbeats; an instance that has missed three of them is dropped. @default 30 */
  readonly heartbeatSeconds?: number | undefined;
}

/**
 * Reads the URLs of Eureka's servers, as in Spring's `eureka.client.serviceUrl.defaultZone`.
 *
 * @param serviceUrls - e.g. `http://user:password@eureka:8761/eureka/`
 * @param options - user and password where they have none
 * @throws DtmConfigError when one is no URL, or there is none
 */
export function eurekaMembers(serviceUrls: readonly string[], options: EurekaOptions): readonly RegistryMember[] {
  const members = serviceUrls.map((serviceUrl) => {
    const url = URL.canParse(serviceUrl) ? new URL(serviceUrl) : undefined;
    if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash) {
      const shown = JSON.stringify(redactUrls(serviceUrl));
      throw new DtmConfigError(`${shown} is no URL of a Eureka server; expected e.g. http://eureka:8761/eureka`);
    }
    const user = decodeURIComponent(url.username) || options.user;
    const password = decodeURIComponent(url.password) || options.password;
    return {
      url: url.origin + url.pathname.replace(/\/+$/, ''),
      ...(user !== undefined && { headers: { authorization: basic(user, password) } }),
    };
  });
  if (members.length === 0) throw new DtmConfigError('give the URL of a Eureka server, e.g. http://eureka:8761/eureka');
  return members;
}

function basic(user: string, password = ''): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
