/** User and password in a URL. */
const CREDENTIALS = /\/\/[^\s/?#]*@/g;

/** Query parameters that hold a secret. */
const SECRETS = /([?&](?:password|token|secret|access_?token|acl_?token)=)[^&#/\s"']*/gi;

/**
 * Redacts the URLs in a text, which may end up in a log: user, password and secrets in the query become `***`.
 *
 * @param text - a URL, or a text with URLs
 */
export function redactUrls(text: string): string {
  return text.replaceAll(CREDENTIALS, '//***@').replaceAll(SECRETS, '$1***');
}
