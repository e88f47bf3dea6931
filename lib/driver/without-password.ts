/** Parameters of a query that hold a secret. */
const SECRETS = /([?&](?:password|token|secret|access_?token|acl_?token)=)[^&#/]*/gi;

/**
 * A URL as it may stand in messages, which end up in logs.
 *
 * @param url - perhaps with a user and password in front of an `@`, or a secret in its query
 */
export function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/]*@/, '//***@').replaceAll(SECRETS, '$1***');
}
