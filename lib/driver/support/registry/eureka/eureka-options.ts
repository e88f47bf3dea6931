import { DtmConfigError } from '../../../../protocol/internal.js';
import { redactUrls } from '../../../../support/redact-urls.js';
import { basicAuth } from '../basic-auth.js';
import type { RegistryMember } from '../registry-http-client.js';
import type { RegistryTls } from '../registry-tls.js';

/** How Eureka is reached, in addition to its URLs. */
export interface EurekaOptions {
  /** User of HTTP basic authentication, for URLs without a user. @default none */
  readonly user?: string | undefined;
  /** Password of {@link user}. @default none */
  readonly password?: string | undefined;
  /** TLS of `https://` URLs. @default the certificates of Node */
  readonly tls?: RegistryTls | undefined;
  /** Seconds between two polls for changes; Spring polls every 30. @default 5 */
  readonly pollSeconds?: number | undefined;
  /** Seconds between two heartbeats; Eureka drops an instance that misses three. @default 30 */
  readonly heartbeatSeconds?: number | undefined;
}

/**
 * Parses the URLs of Eureka's servers, which have the format of Spring's `eureka.client.serviceUrl.defaultZone`.
 *
 * @param serviceUrls - e.g. `http://user:password@eureka:8761/eureka/`
 * @param options - user and password for URLs without a user
 * @throws DtmConfigError for an invalid URL, and when there is no URL
 */
export function parseEurekaUrls(
  serviceUrls: readonly string[],
  options: Pick<EurekaOptions, 'user' | 'password'>,
): readonly RegistryMember[] {
  if (serviceUrls.length === 0) throw new DtmConfigError(`Eureka has no URL; ${EXPECTED}`);
  return serviceUrls.map((serviceUrl) => {
    const url = URL.canParse(serviceUrl) ? new URL(serviceUrl) : undefined;
    if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash) {
      const redacted = JSON.stringify(redactUrls(serviceUrl));
      throw new DtmConfigError(`${redacted} is not the URL of a Eureka server; ${EXPECTED}`);
    }
    const user = decodeURIComponent(url.username) || options.user;
    const password = decodeURIComponent(url.password) || options.password;
    return {
      url: url.origin + url.pathname.replace(/\/+$/, ''),
      ...(user !== undefined && { headers: { authorization: basicAuth(user, password) } }),
    };
  });
}

const EXPECTED = 'expected e.g. http://eureka:8761/eureka';
