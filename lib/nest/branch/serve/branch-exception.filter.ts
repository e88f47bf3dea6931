import { Catch, Injectable, Logger, Optional, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { from, mergeMap, of, throwError, type Observable } from 'rxjs';
import {
  NOT_EXECUTED_TRAILER,
  encodeNotExecutedTrailer,
  mayFail,
  writeGrpcOutcome,
  writeHttpOutcome,
  type BranchContext,
  type GrpcError,
  type HttpAnswer,
  type UnsuccessfulOutcome,
} from '../../../protocol/internal.js';
import { internalErrorText, newErrorId } from '../../../support/error-id.js';
import { shareClass } from '../../../support/share-class.js';
import { DtmSettings } from '../../options/dtm.settings.js';
import {
  createTrailers,
  findGrpcArguments,
  type GrpcArguments,
  type GrpcMetadata,
} from '../../undocumented/grpc-arguments.js';
import { findNodeRequest, findNodeResponse } from '../../undocumented/node-messages.js';
import {
  isForCallers,
  rejectionCode,
  rejectionStatus,
  thrownMessage,
  thrownOutcome,
  unknownOutcomeStatus,
} from './branch-outcome.js';
import { readMetadataParameters, readQueryParameters, type RequestWithQuery } from './branch-parameters.js';
import { hasNotBegun } from './branch-method.js';
import { InProcessRequest, InProcessResponse } from './in-process-exchange.js';
import { findIncomingCall, type IncomingBranchCall } from './incoming-branch-call.js';
import { mayBeRepeated } from './may-be-repeated.js';
import { listNotExecuted } from './nested-tccs.js';
import { encodeReply, keepRefusal } from './encode-branch-responses.js';
import { recordNullCompensation } from './record-null-compensation.js';
import { RejectedCallException } from './rejected-call.exception.js';

/** Answers dtm for everything that was thrown before, in or behind a branch method, and logs it once. */
@shareClass('BranchExceptionFilter', Injectable)
@Catch()
@Injectable()
export class BranchExceptionFilter implements ExceptionFilter<unknown> {
  readonly #logger = new Logger('DtmBranch');

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    // without DtmModule, the branch guard fails with the remedy
    @Optional() private readonly settings: DtmSettings,
  ) {}

  /** @internal */
  catch(error: unknown, host: ArgumentsHost): Observable<unknown> | void {
    const grpc = findGrpcArguments(host);
    if (grpc) return this.#catchGrpc(error, grpc);
    // the method also serves another transport, whose callers are not dtm
    if (host.getType() !== 'http') throw error;
    const request = host.switchToHttp().getRequest<RequestWithQuery>();
    const response = host.switchToHttp().getResponse<object>();
    const call = findIncomingCall(request);
    const recorded = recordNullCompensation(error, call, this.settings.databases);
    if (!recorded) return this.#answerHttp(error, request, response);
    const answering = this.#answerRecorded(recorded, error, call!, request, response);
    // Nest does not wait for a filter
    if (response instanceof InProcessResponse) response.answering = answering;
  }

  async #answerRecorded(
    recorded: Promise<unknown>,
    error: unknown,
    call: IncomingBranchCall,
    request: RequestWithQuery,
    response: object,
  ): Promise<void> {
    const left = await recorded;
    try {
      if (left !== undefined) return this.#answerHttp(left, request, response);
      this.#logNullCompensation(error, call);
      if (response instanceof InProcessResponse) response.answer ??= encodeReply(response, undefined, 200);
      else this.adapterHost.httpAdapter.reply(response, undefined, 200);
    } catch (failure) {
      this.#logger.error(`${call.handler} could not be answered: ${thrownMessage(failure)}`, stackOf(failure));
    }
  }

  #catchGrpc(error: unknown, args: GrpcArguments): Observable<unknown> {
    const call = findIncomingCall(args[1]);
    const fail = (thrown: unknown): Observable<never> => {
      const answer = this.#grpcError(thrown, args);
      return throwError(() => answer);
    };
    const recorded = recordNullCompensation(error, call, this.settings.databases);
    if (!recorded) return fail(error);
    return from(recorded).pipe(
      mergeMap((left) => {
        if (left !== undefined) return fail(left);
        this.#logNullCompensation(error, call!);
        return of(call!.emptyReply);
      }),
    );
  }

  #logNullCompensation(error: unknown, { context, handler }: IncomingBranchCall): void {
    const { gid, transType, branchId, op } = context;
    this.#logger.warn(
      `${transType} ${gid}, branch ${branchId}, ${op} at ${handler} has nothing to undo: the barrier shows that the branch never ran; refused with: ${thrownMessage(error)}`,
    );
  }

  #answerHttp(error: unknown, request: RequestWithQuery, response: object): void {
    const answer = this.#httpAnswer(error, request);
    if (response instanceof InProcessResponse) {
      response.answer ??= answer;
      return;
    }
    const { httpAdapter } = this.adapterHost;
    // Fastify does not see headers that a handler sent on the response of Node
    if (httpAdapter.isHeadersSent(response) || findNodeResponse(response)?.headersSent) {
      httpAdapter.end(response);
      return;
    }
    if (answer.status === 405) httpAdapter.setHeader(response, 'Allow', 'GET, POST');
    httpAdapter.setHeader(response, 'Content-Type', 'application/json');
    keepRefusal(response);
    httpAdapter.reply(response, answer.body, answer.status);
  }

  #httpAnswer(error: unknown, request: RequestWithQuery): HttpAnswer {
    const call = findIncomingCall(request);
    // a guard of the application may reject a call before its parameters are read
    const context = call?.context ?? readIfValid(() => readQueryParameters(request));
    const handler = call?.handler ?? this.#routeOf(request);
    if (error instanceof RejectedCallException || !context) {
      const { status, message } = this.#reject(error, handler);
      return { ...writeHttpOutcome({ kind: 'unknown', message }), status };
    }
    // nothing stands between a branch and a caller in the same process
    const headers = request instanceof InProcessRequest ? {} : findNodeRequest(request)?.headers;
    const outcome = withNotExecuted(this.#decide(error, context, handler, call), call, headers);
    const answer = writeHttpOutcome(outcome);
    return outcome.kind === 'unknown' ? { ...answer, status: unknownOutcomeStatus(error) } : answer;
  }

  #grpcError(error: unknown, [, metadata, serverCall]: GrpcArguments): GrpcError & { metadata?: GrpcMetadata } {
    const call = findIncomingCall(metadata);
    const context = call?.context ?? readIfValid(() => readMetadataParameters(metadata));
    const handler = call?.handler ?? serverCall.getPath();
    if (error instanceof RejectedCallException || !context) {
      const { status, message } = this.#reject(error, handler);
      return { ...writeGrpcOutcome({ kind: 'unknown', message }), code: rejectionCode(status) };
    }
    const outcome = withNotExecuted(this.#decide(error, context, handler, call), call, metadata.getMap());
    const { notExecuted, ...answer } = writeGrpcOutcome(outcome);
    if (!notExecuted) return answer;
    const value = encodeNotExecutedTrailer(notExecuted);
    return { ...answer, metadata: createTrailers(metadata, NOT_EXECUTED_TRAILER, value) };
  }

  #routeOf(request: object): string {
    if (request instanceof InProcessRequest) return `${request.method} ${request.path}`;
    const { httpAdapter } = this.adapterHost;
    const path = String(httpAdapter.getRequestUrl(request)).split('?', 1)[0];
    return `${String(httpAdapter.getRequestMethod(request))} ${path}`;
  }

  #decide(
    error: unknown,
    context: BranchContext,
    handler: string,
    call: IncomingBranchCall | undefined,
  ): UnsuccessfulOutcome {
    const { gid, transType, branchId, op } = context;
    const outcome = thrownOutcome(error);
    const { logged, answered } = this.#texts(error, outcome.message);
    const where = `${transType} ${gid}, branch ${branchId}, ${op} at ${handler}`;
    // the last guard reads the call, so one before it refused
    const remedy = !call && outcome.kind === 'unknown' && isForCallers(error) ? GUARD_REMEDY : '';
    this.#log({ ...outcome, message: logged + remedy }, error, where, mayFail(transType, op));
    return { ...outcome, message: answered };
  }

  /** The texts of an error in the log and in the answer. */
  #texts(error: unknown, message: string): { readonly logged: string; readonly answered: string } {
    if (isForCallers(error) || this.settings.exposeErrorTextsToCallers) return { logged: message, answered: message };
    const id = newErrorId();
    return { logged: `${message} (internal error ${id})`, answered: internalErrorText(id) };
  }

  #reject(error: unknown, handler: string): { readonly status: number; readonly message: string } {
    const status = rejectionStatus(error);
    const { logged, answered } = this.#texts(error, thrownMessage(error));
    if (status >= 500 && !(error instanceof RejectedCallException)) {
      this.#logger.error(`${handler} failed: ${logged}`, stackOf(error));
    } else {
      this.#logger.warn(`${handler} rejected a call with ${status}: ${logged}`);
    }
    return { status, message: answered };
  }

  #log({ kind, message }: UnsuccessfulOutcome, error: unknown, where: string, isForward: boolean): void {
    if (kind === 'ongoing') this.#logger.debug(`${where} is ongoing: ${message}`);
    else if (kind === 'failure' && isForward)
      this.#logger.warn(`${where} failed, so the transaction is rolled back: ${message}`);
    else if (isForward) this.#logger.error(`${where} has an unknown outcome: ${message}`, stackOf(error));
    else {
      this.#logger.error(
        `${where} failed, although this operation must not fail; the coordinator calls it until it succeeds: ${message}`,
        stackOf(error),
      );
    }
  }
}

const GUARD_REMEDY =
  '; a guard of the application refused the call: let branches pass by isDtmBranch(context), branchHeaders or routeDecorators';

/**
 * Tells the caller that a refusal changed nothing, because the method did not begin, or that nested branches were refused like this.
 * Says nothing when a proxy may have sent the same call before.
 */
function withNotExecuted(
  outcome: UnsuccessfulOutcome,
  call: IncomingBranchCall | undefined,
  headers: object | undefined,
): UnsuccessfulOutcome {
  if (outcome.kind !== 'failure' || !headers || mayBeRepeated(Object.keys(headers))) return outcome;
  const notExecuted = hasNotBegun(call) || listNotExecuted(call!.context);
  return notExecuted === true || notExecuted.length > 0 ? { ...outcome, notExecuted } : outcome;
}

function readIfValid(read: () => BranchContext): BranchContext | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined;
}
