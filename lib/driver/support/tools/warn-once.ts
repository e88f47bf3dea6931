/** The most different warnings of one code: garbage in a registry must not flood the log. */
const MAX_WARNINGS = 100;

/**
 * Creates a function that emits each text once, as a warning of the process. A driver serves the whole process and has no
 * logger of an application.
 *
 * @param code - code of the warnings
 */
export function warnOnce(code: string): (message: string) => void {
  const emitted = new Set<string>();
  return (message) => {
    if (emitted.has(message) || emitted.size >= MAX_WARNINGS) return;
    emitted.add(message);
    process.emitWarning(message, { type: 'DtmDriverWarning', code });
  };
}
