/**
 * A URL as it may stand in messages, which end up in logs.
 *
 * @param url - perhaps with a user and password in front of an `@`
 */
export function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/]*@/, '//***@');
}
