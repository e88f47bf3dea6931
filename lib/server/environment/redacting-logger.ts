import { redactUrls } from '../../support/redact-urls.js';
import type { CoordinatorLogger } from './coordinator-logger.js';

/**
 * A logger that tells no passwords, and whose own failures stop nothing.
 *
 * @param logger - where reports go
 */
export function redactingLogger(logger: CoordinatorLogger): CoordinatorLogger {
  const through =
    (level: keyof CoordinatorLogger): CoordinatorLogger['info'] =>
    (message, fields = {}) => {
      try {
        logger[level](redactUrls(message), Object.fromEntries(Object.entries(fields).map(redactField)));
      } catch {
        // what cannot be reported must be done all the same
      }
    };
  return { info: through('info'), warn: through('warn'), error: through('error') };
}

function redactField([name, value]: [string, unknown]): [string, unknown] {
  return [name, typeof value === 'string' ? redactUrls(value) : value];
}
