import type { Logger } from '@nestjs/common';
import { DtmConfigError, DtmConnectionError, errorText, type DtmConnection } from '../protocol/internal.js';
import { endsWithin } from '../support/ends-within.js';
import { redactUrls } from '../support/redact-urls.js';

/** How long a coordinator may take to answer before the warning. */
const ANSWER_MS = 5000;

/**
 * Warns when a coordinator in another process does not answer. The application goes on, because the coordinator may start
 * later.
 *
 * @param server - the option `server`
 * @param logger - receives the warning
 * @param closing - the application is closing, and needs no warning any more
 */
export async function warnWithoutCoordinator(
  server: DtmConnection,
  logger: Logger,
  closing: AbortSignal,
): Promise<void> {
  // an embedded coordinator has told by now
  if (server.attach) return;
  let problem = `no answer within ${ANSWER_MS / 1000} s`;
  try {
    if (await endsWithin(ANSWER_MS, server.version())) return;
  } catch (error) {
    // a dtm whose gRPC API has no version has answered, too
    if (error instanceof DtmConfigError) return;
    // without the address and the remedy, which follow
    problem = errorText(error instanceof DtmConnectionError ? error.cause : error);
  }
  if (closing.aborted) return;
  const where = server.address === undefined ? '' : ` at ${redactUrls(server.address)}`;
  logger.warn(
    `the coordinator${where} does not answer: ${redactUrls(problem)}; transactions fail until it does: start it, or correct the option server of DtmModule`,
  );
}
