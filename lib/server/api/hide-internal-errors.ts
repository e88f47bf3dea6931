import {
  DtmArgumentError,
  DtmFailureError,
  DtmOngoingError,
  DtmServerError,
  errorText,
  type CoordinatorLogger,
} from '../../protocol/internal.js';
import { internalErrorText, newErrorId } from '../../support/error-id.js';
import { storeFailedText } from '../operations/stored-transaction.js';

/** Replaces what an operation threw by what its caller may read. */
export type ErrorFilter = (error: unknown) => unknown;

/**
 * Hides the texts of internal errors, such as those of the store, from callers of the API: they get an id, and the log has the
 * text. Decisions, and errors about the request or the state of its transaction, pass unchanged.
 */
export function hideInternalErrors(logger: CoordinatorLogger): ErrorFilter {
  return (error) => {
    const isOngoing = error instanceof DtmOngoingError;
    const isAboutRequest = [DtmFailureError, DtmArgumentError, DtmServerError].some((type) => error instanceof type);
    if (isAboutRequest || (isOngoing && error.cause === undefined)) return error;
    const id = newErrorId();
    const gid = isOngoing ? error.gid : undefined;
    logger.error('a request failed', {
      id,
      ...(gid !== undefined && { gid }),
      error: errorText(isOngoing ? error.cause : error),
    });
    return isOngoing
      ? new DtmOngoingError(storeFailedText(gid ?? '', internalErrorText(id)), { gid })
      : new Error(internalErrorText(id));
  };
}

/** Handlers whose errors pass a filter. */
export function withErrorFilter<T extends (...args: never[]) => Promise<unknown>>(
  handlers: Readonly<Record<string, T>>,
  filter: ErrorFilter,
): Readonly<Record<string, T>> {
  const filtered =
    (handler: T) =>
    (...args: Parameters<T>) =>
      handler(...args).catch((error: unknown) => {
        throw filter(error);
      });
  return Object.fromEntries(
    Object.entries(handlers).map(([name, handler]) => [name, filtered(handler) as unknown as T]),
  );
}
