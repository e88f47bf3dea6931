import { Catch, Injectable, Optional, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { throwError, type Observable } from 'rxjs';
import { DtmFailureError, DtmOngoingError, GRPC_STATUS } from '../protocol/internal.js';
import { createTrailers, findGrpcArguments } from './undocumented/grpc-arguments.js';

/** Options of {@link DtmExceptionFilter}. */
export interface DtmExceptionFilterOptions {
  /**
   * Tells where a caller of your API finds the result of a transaction that is not finished. The answer has it as the header
   * `Location`; over gRPC it is the trailer `location`.
   *
   * @default no such header
   */
  readonly location?: ((error: DtmOngoingError) => string | undefined) | undefined;
}

/** What a caller reads about a transaction that did not succeed. */
interface Notice {
  readonly message: string;
  readonly code: string;
  readonly gid: string | undefined;
  readonly nextAttempt: Date | undefined;
}

/**
 * Answers the callers of your API when a transaction did not succeed: over HTTP 409 with the reason for a
 * {@link DtmFailureError}, and 202 for a {@link DtmOngoingError}; over gRPC `ABORTED` and `FAILED_PRECONDITION`. Branches have
 * their own answers, which this filter does not change.
 *
 * @example
 * providers: [{
 *   provide: APP_FILTER,
 *   inject: [HttpAdapterHost],
 *   useFactory: (host: HttpAdapterHost) => new DtmExceptionFilter(host, { location: ({ gid }) => `/transfers/${gid}` }),
 * }]
 */
@Catch(DtmFailureError, DtmOngoingError)
@Injectable()
export class DtmExceptionFilter implements ExceptionFilter<DtmFailureError | DtmOngoingError> {
  readonly #adapterHost: HttpAdapterHost;
  readonly #options: DtmExceptionFilterOptions;

  /**
   * @param adapterHost - Nest provides it
   * @param options - see {@link DtmExceptionFilterOptions}
   */
  constructor(adapterHost: HttpAdapterHost, @Optional() options: DtmExceptionFilterOptions = {}) {
    this.#adapterHost = adapterHost;
    this.#options = options;
  }

  /** @internal */
  catch(error: DtmFailureError | DtmOngoingError, host: ArgumentsHost): Observable<never> | void {
    const location = error instanceof DtmOngoingError ? this.#options.location?.(error) : undefined;
    switch (host.getType<string>()) {
      case 'http':
        return this.#answerHttp(error, location, host.getArgByIndex<object>(1));
      case 'rpc': {
        const answer = rpcError(error, location, host);
        return throwError(() => answer);
      }
      case 'ws':
        return host
          .switchToWs()
          .getClient<EventClient>()
          .emit('exception', { status: 'error', ...noticeOf(error) });
      default:
        // for example GraphQL, whose library writes the errors
        throw error;
    }
  }

  #answerHttp(error: DtmFailureError | DtmOngoingError, location: string | undefined, response: object): void {
    const { httpAdapter } = this.#adapterHost;
    if (httpAdapter.isHeadersSent(response)) return void httpAdapter.end(response);
    const status =
      error instanceof DtmFailureError ? { statusCode: 409, error: 'Conflict' } : { statusCode: 202, error: undefined };
    if (location !== undefined) httpAdapter.setHeader(response, 'Location', location);
    httpAdapter.reply(response, { ...status, ...noticeOf(error) }, status.statusCode);
  }
}

/** A client of a gateway. */
interface EventClient {
  emit(event: string, data: object): void;
}

/**
 * A reason that decides is for the caller. Why a transaction is not finished may be an error inside, so that the caller only
 * learns that it waits.
 */
function noticeOf(error: DtmFailureError | DtmOngoingError): Notice {
  const { code, gid, nextAttempt, message, reason = message } = error;
  if (error instanceof DtmFailureError || error.isRollingBack) return { message: reason, code, gid, nextAttempt };
  return { message: 'the transaction is not finished yet', code, gid, nextAttempt };
}

/** What Nest sends for it: a status of gRPC, and an object over other transports. */
function rpcError(error: DtmFailureError | DtmOngoingError, location: string | undefined, host: ArgumentsHost): object {
  const notice = noticeOf(error);
  const grpc = findGrpcArguments(host);
  if (!grpc) return { status: 'error', ...notice };
  const code = error instanceof DtmFailureError ? GRPC_STATUS.ABORTED : GRPC_STATUS.FAILED_PRECONDITION;
  const metadata = location === undefined ? undefined : createTrailers(grpc[1], 'location', location);
  return { code, message: notice.message, ...(metadata && { metadata }) };
}
