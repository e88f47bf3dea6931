/** Formats an entry of the coordinator's log as a JSON line. */
export function formatLogLine(level: string, message: string, fields: Readonly<Record<string, unknown>> = {}): string {
  return `${JSON.stringify({ time: new Date().toISOString(), level, logger: 'DtmCoordinator', message, ...fields })}\n`;
}
