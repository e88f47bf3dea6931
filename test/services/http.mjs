// @ts-check

/**
 * Sends GET to a server; returns `undefined` without an answer.
 *
 * @param {string} url
 * @param {Readonly<Record<string, string>>} [headers]
 * @returns {Promise<Response | undefined>}
 */
export async function tryGet(url, headers = {}) {
  try {
    return await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(1000) });
  } catch {
    return undefined;
  }
}
