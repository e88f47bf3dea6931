/** Most different warnings of one kind; whoever fills a registry with rubbish should not fill logs as well. */
const MOST = 100;

/**
 * Makes a warning that is given once for each text, as a warning of the process: drivers serve the whole process, and have
 * no logger of an application.
 *
 * @param code - by which the warnings can be told from others
 */
export function warnOnce(code: string): (message: string) => void {
  const given = new Set<string>();
  return (message) => {
    if (given.has(message) || given.size >= MOST) return;
    given.add(message);
    process.emitWarning(message, { type: 'DtmDriverWarning', code });
  };
}
