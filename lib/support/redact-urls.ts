/** User and password in a URL. */
const CREDENTIALS = /\/\/[^\s/?#]*@/g;

/** Parameters of a query that hold a secret. */
const SECRETS = /([?&](?:password|token|secret|access_?token|acl_?token)=)[^&#/\s"']*/gi;

/**
 * A URL, or a text with URLs, as it may stand in messages, which end up in logs.
 *
 * @param text - perhaps with a user and password in front of an `@`, or a secret in a query
 */
export function redactUrls(text: string): string {
  return text.replaceAll(CREDENTIALS, '//***@').replaceAll(SECRETS, '$1***');
}
