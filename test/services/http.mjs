// @ts-check

/**
 * What an HTTP server answers to GET; `undefined` as long as nobody does.
 *
 * @param {string} url
 * @param {Readonly<Record<string, string>>} [headers]
 * @returns {Promise<Response | undefined>}
 */
export async function ask(url, headers = {}) {
  try {
    return await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(1000) });
  } catch {
    return undefined;
  }
}
