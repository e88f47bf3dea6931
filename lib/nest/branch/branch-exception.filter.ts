import type { ServerResponse } from 'node:http';
import { Catch, HttpException, Injectable, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import {
  errorOutcome,
  writeHttpOutcome,
  type BranchContext,
  type HttpAnswer,
  type Outcome,
} from '../../protocol/index.js';
import { branchCallOf, readBranchRequest, type BranchRequest } from './branch-call.js';
import { BranchRefusal } from './branch-refusal.js';

type PlatformResponse = ServerResponse & { readonly raw?: ServerResponse };
type Failed = Exclude<Outcome, { kind: 'success' }>;

/** Answers dtm for whatever was thrown on the way to, in, or behind a branch handler (`design.md` §3), and logs it once. */
@Catch()
@Injectable()
export class BranchExceptionFilter implements ExceptionFilter<unknown> {
  readonly #logger = new Logger('DtmBranch');

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  /** @internal */
  catch(error: unknown, host: ArgumentsHost): void {
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
    const context = contextOf(request);
    const { httpAdapter } = this.adapterHost;
    const path = String(httpAdapter.getRequestUrl(request)).split('?', 1)[0];
    const handler = branchCallOf(request)?.handler ?? `${String(httpAdapter.getRequestMethod(request))} ${path}`;
    // a guard of the application may turn a caller away before anybody looked at its parameters
    if (error instanceof BranchRefusal || !context) return this.#refuse(error, handler);

    const outcome = branchOutcome(error, context.op);
    this.#log(
      outcome,
      error,
      `${context.transType} ${context.gid}, branch ${context.branchId}, ${context.op} at ${handler}`,
      context.op,
    );
    const answer = writeHttpOutcome(outcome);
    return outcome.kind === 'unknown' ? { ...answer, status: unknownStatus(error, context.op) } : answer;
  }

  #refuse(error: unknown, handler: string): HttpAnswer {
    const status = error instanceof HttpException ? plainStatus(error, 400) : 500;
    const message = messageOf(error);
    if (status >= 500 && !(error instanceof BranchRefusal))
      this.#logger.error(`${handler} failed: ${message}`, stackOf(error));
    else this.#logger.warn(`${handler} was refused with ${status}: ${message}`);
    return { ...writeHttpOutcome({ kind: 'unknown', message }), status };
  }

  #log(outcome: Failed, error: unknown, where: string, op: string): void {
    const { kind, message } = outcome;
    if (kind === 'ongoing') this.#logger.debug(`${where} is not decided yet: ${message}`);
    else if (kind === 'failure') this.#logger.warn(`${where} failed, so the transaction is rolled back: ${message}`);
    else if (isForward(op)) this.#logger.error(`${where} is undecided: ${message}`, stackOf(error));
    else
      this.#logger.error(
        `${where} MUST NOT FAIL but did, it is repeated until it succeeds: ${message}`,
        stackOf(error),
      );
  }
}

function contextOf(request: BranchRequest): BranchContext | undefined {
  try {
    return branchCallOf(request)?.context ?? readBranchRequest(request);
  } catch {
    return undefined;
  }
}

function isForward(op: string): boolean {
  return op === 'action' || op === 'try';
}

function branchOutcome(error: unknown, op: string): Failed {
  const status = error instanceof HttpException ? error.getStatus() : 0;
  const decided = status === 409 || status === 400 || status === 422;
  const outcome: Failed = decided
    ? { kind: 'failure', message: messageOf(error), cause: error }
    : { ...errorOutcome(error), message: messageOf(error) };
  // what was done, or promised by a try, must be undone or kept: in phase 2 there is nothing left to decide
  return outcome.kind === 'failure' && !isForward(op) ? { ...outcome, kind: 'unknown' } : outcome;
}

/** Own status of an HttpException, unless dtm would take it for a decision. */
function unknownStatus(error: unknown, op: string): number {
  if (!(error instanceof HttpException)) return 500;
  const status = plainStatus(error, 500);
  return !isForward(op) && (status === 400 || status === 422) ? 500 : status;
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
  return error instanceof Error ? error.message : String(error);
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined;
}
