import type { GrpcTarget } from './address-source.js';

/**
 * What stands as `:authority` in the calls to a target: its path, as far as an HTTP/2 client takes it for a host. With a
 * comma, a slash or a second colon in it, no connection would come about.
 *
 * @param target - any
 */
export function safeAuthority({ path, authority }: GrpcTarget): string {
  const name = path.replace(/\?.*$/s, '') || authority;
  const host = name.replace(/:\d+$/, '').replaceAll(/[^\w.-]/g, '-');
  return URL.canParse(`http://${host}`) ? host : 'localhost';
}
