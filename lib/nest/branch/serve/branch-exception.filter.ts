import type { ServerResponse } from 'node:http';
import { Catch, HttpException, Injectable, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { throwError, type Observable } from 'rxjs';
import {
  GRPC_STATUS,
  errorOutcome,
  errorText,
  writeGrpcOutcome,
  writeHttpOutcome,
  type BranchContext,
  type GrpcError,
  type HttpAnswer,
  type Outcome,
} from '../../../protocol/internal.js';
import { grpcArgsOf, readBranchMetadata, type GrpcArgs } from '../../undocumented/grpc-arguments.js';
import { findIncomingCall, readBranchRequest, type BranchRequest } from './incoming-branch-call.js';
import { RejectedCallException } from './rejected-call.exception.js';

type PlatformResponse = ServerResponse & { readonly raw?: ServerResponse };
type Failed = Exclude<Outcome, { kind: 'success' }>;

/** Answers dtm for whatever was thrown on the way to, in, or behind a branch handler, and logs it once. */
@Catch()
@Injectable()
export class BranchExceptionFilter implements ExceptionFilter<unknown> {
  readonly #logger = new Logger('DtmBranch');

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  /** @internal */
  catch(error: unknown, host: ArgumentsHost): Observable<never> | void {
    const grpc = grpcArgsOf(host);
    if (grpc) {
      const answer = this.#grpcError(error, grpc);
      return throwError(() => answer);
    }
    // the method also serves another transport, whose callers are none of ours
    if (host.getType() !== 'http') throw error;
    const request = host.switchToHttp().getRequest<BranchRequest>();
    const response = host.switchToHttp().getResponse<PlatformResponse>();
    const answer = this.#answer(error, request);
    const { httpAdapter } = this.adapterHost;
    // Fastify knows nothing of headers that a handler sent past it
    if (httpAdapter.isHeadersSent(response) || (response.raw ?? response).headersSent) {
      httpAdapter.end(response);
      return;
    }
    if (answer.status === 405) httpAdapter.setHeader(response, 'Allow', 'GET, POST');
    httpAdapter.setHeader(response, 'Content-Type', 'application/json');
    httpAdapter.reply(response, answer.body, answer.status);
  }

  #answer(error: unknown, request: BranchRequest): HttpAnswer {
    const context = contextOf(() => findIncomingCall(request)?.context ?? readBranchRequest(request));
    const { httpAdapter } = this.adapterHost;
    const path = String(httpAdapter.getRequestUrl(request)).split('?', 1)[0];
    const handler = findIncomingCall(request)?.handler ?? `${String(httpAdapter.getRequestMethod(request))} ${path}`;
    // a guard of the application may turn a caller away before anybody looked at its parameters
    if (error instanceof RejectedCallException || !context) {
      const refusal = this.#refusal(error, handler);
      return { ...writeHttpOutcome({ kind: 'unknown', message: refusal.message }), status: refusal.status };
    }
    const outcome = this.#decide(error, context, handler);
    const answer = writeHttpOutcome(outcome);
    return outcome.kind === 'unknown' ? { ...answer, status: unknownStatus(error, context) } : answer;
  }

  #grpcError(error: unknown, [, metadata, call]: GrpcArgs): GrpcError {
    const context = contextOf(() => findIncomingCall(metadata)?.context ?? readBranchMetadata(metadata));
    const handler = findIncomingCall(metadata)?.handler ?? call.getPath();
    if (error instanceof RejectedCallException || !context) {
      const { status, message } = this.#refusal(error, handler);
      return { ...writeGrpcOutcome({ kind: 'unknown', message }), code: refusalCode(status) };
    }
    const outcome = this.#decide(error, context, handler);
    return writeGrpcOutcome(outcome);
  }

  #decide(error: unknown, context: BranchContext, handler: string): Failed {
    const { gid, transType, branchId, op } = context;
    const outcome = branchOutcome(error, context);
    this.#log(outcome, error, `${transType} ${gid}, branch ${branchId}, ${op} at ${handler}`, mayFail(context));
    return outcome;
  }

  #refusal(error: unknown, handler: string): { readonly status: number; readonly message: string } {
    const status = error instanceof HttpException ? plainStatus(error, 400) : 500;
    const message = messageOf(error);
    if (status >= 500 && !(error instanceof RejectedCallException))
      this.#logger.error(`${handler} failed: ${message}`, stackOf(error));
    else this.#logger.warn(`${handler} was refused with ${status}: ${message}`);
    return { status, message };
  }

  #log(outcome: Failed, error: unknown, where: string, isForward: boolean): void {
    const { kind, message } = outcome;
    if (kind === 'ongoing') this.#logger.debug(`${where} is not decided yet: ${message}`);
    else if (kind === 'failure') this.#logger.warn(`${where} failed, so the transaction is rolled back: ${message}`);
    else if (isForward) this.#logger.error(`${where} is undecided: ${message}`, stackOf(error));
    else
      this.#logger.error(
        `${where} MUST NOT FAIL but did, it is repeated until it succeeds: ${message}`,
        stackOf(error),
      );
  }
}

function contextOf(read: () => BranchContext): BranchContext | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Status of a call that never reached the method. */
function refusalCode(status: number): number {
  if (status === 503) return GRPC_STATUS.UNAVAILABLE;
  if (status === 401) return GRPC_STATUS.UNAUTHENTICATED;
  if (status === 403) return GRPC_STATUS.PERMISSION_DENIED;
  return status >= 500 ? GRPC_STATUS.INTERNAL : GRPC_STATUS.INVALID_ARGUMENT;
}

/** A message, and what was done or promised by a try, cannot be refused any more. */
function mayFail({ transType, op }: BranchContext): boolean {
  return transType === 'msg' ? op === 'msg' : op === 'action' || op === 'try';
}

function branchOutcome(error: unknown, context: BranchContext): Failed {
  const status = error instanceof HttpException ? error.getStatus() : 0;
  const code = rpcCodeOf(error);
  const isFailure = status === 409 || status === 400 || status === 422 || code === GRPC_STATUS.ABORTED;
  const message = messageOf(error);
  if (code === GRPC_STATUS.FAILED_PRECONDITION) return { kind: 'ongoing', message, cause: error };
  const outcome: Failed = isFailure ? { kind: 'failure', message, cause: error } : { ...errorOutcome(error), message };
  return outcome.kind === 'failure' && !mayFail(context) ? { ...outcome, kind: 'unknown' } : outcome;
}

/** Code that an RpcException of Nest carries, told by its shape: the package of it need not be there. */
function rpcCodeOf(error: unknown): unknown {
  if (!(error instanceof Error)) return undefined;
  const { getError } = error as { getError?: () => unknown };
  const inner = typeof getError === 'function' ? getError.call(error) : undefined;
  return typeof inner === 'object' && inner !== null ? (inner as { code?: unknown }).code : undefined;
}

/** Own status of an HttpException, unless dtm would take it for a decision. */
function unknownStatus(error: unknown, context: BranchContext): number {
  if (!(error instanceof HttpException)) return 500;
  const status = plainStatus(error, 500);
  return !mayFail(context) && (status === 400 || status === 422) ? 500 : status;
}

function plainStatus(error: HttpException, otherwise: number): number {
  const status = error.getStatus();
  return status < 400 || status === 409 || status === 425 ? otherwise : status;
}

/** A pipe's exception lists its complaints in the answer, not in the error's own message. */
function messageOf(error: unknown): string {
  if (error instanceof HttpException) {
    const answer = error.getResponse();
    const message: unknown = typeof answer === 'object' ? (answer as { message?: unknown }).message : answer;
    if (Array.isArray(message)) return message.join('; ');
    if (typeof message === 'string') return message;
  }
  return errorText(error);
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined;
}
