import type { CoordinatorLogger } from '../../protocol/internal.js';
import { redactUrls } from '../../support/redact-urls.js';

/** Wraps a logger: redacts passwords in URLs, and ignores errors of the logger, which must not stop the coordinator. */
export function redactingLogger(logger: CoordinatorLogger): CoordinatorLogger {
  const redacting =
    (level: keyof CoordinatorLogger): CoordinatorLogger['info'] =>
    (message, fields = {}) => {
      try {
        logger[level](redactUrls(message), Object.fromEntries(Object.entries(fields).map(redactField)));
      } catch {
        // the coordinator goes on without the log line
      }
    };
  return { info: redacting('info'), warn: redacting('warn'), error: redacting('error') };
}

function redactField([name, value]: [string, unknown]): [string, unknown] {
  return [name, typeof value === 'string' ? redactUrls(value) : value];
}
