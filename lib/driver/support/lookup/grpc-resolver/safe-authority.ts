import type { GrpcTarget } from '../address-source.js';

/**
 * The `:authority` of calls to a target: the name of the service, with `-` for each character that a host cannot hold. A comma,
 * a slash or a second colon would prevent the connection.
 */
export function safeAuthority({ path, authority }: GrpcTarget): string {
  const name = path.replace(/\?.*$/s, '') || authority;
  const host = name.replace(/:\d+$/, '').replaceAll(/[^\w.-]/g, '-');
  return URL.canParse(`http://${host}`) ? host : 'localhost';
}
