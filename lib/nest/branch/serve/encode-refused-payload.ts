import { parse } from 'node:querystring';
import { Logger } from '@nestjs/common';
import { readBranchQuery, writeHttpOutcome, type BranchContext, type HttpAnswer } from '../../../protocol/internal.js';
import { findNodeResponse } from '../../undocumented/node-messages.js';
import { mayRefusePayload, type BranchDefinition } from '../definition/branch-definition.js';
import { mayBeRepeated } from './may-be-repeated.js';

const logger = new Logger('DtmBranch');

/** Statuses with which parsers refuse a body: it is broken, too large, or of another content type. */
const REFUSALS: ReadonlySet<unknown> = new Set([400, 413, 415]);

/**
 * The answer to a payload that the application's body parser refused: a failure, as for a payload that a pipe refuses. The parsers
 * run before any route, so the method did not begin.
 *
 * @param response - the platform's response to a request that reached no route
 * @param body - what Nest answers
 * @param status - its status
 * @param findDefinition - the branch at a path
 * @returns undefined when the request is no call of a saga or TCC branch, or was not refused like this
 */
export function encodeRefusedPayload(
  response: object,
  body: unknown,
  status: number | undefined,
  findDefinition: (path: string) => BranchDefinition | undefined,
): HttpAnswer | undefined {
  if (!REFUSALS.has(status)) return undefined;
  const request = findNodeResponse(response)?.req;
  const [path = '', search = ''] = (request?.url ?? '').split('?', 2);
  const definition = findDefinition(path);
  const context = definition && readIfValid(search);
  if (!request || !context || context.transType !== definition.transType || context.op !== definition.op)
    return undefined;
  if (!mayRefusePayload(definition)) return undefined;
  const { gid, transType, branchId, op } = context;
  const message =
    status === 413
      ? 'the payload exceeds the body limit of the application'
      : `the application could not read the payload: ${messageOf(body)}`;
  logger.warn(`${transType} ${gid}, branch ${branchId}, ${op} at ${path}: ${message}`);
  return writeHttpOutcome({
    kind: 'failure',
    message,
    notExecuted: !mayBeRepeated(Object.keys(request.headers)) || undefined,
  });
}

/** The text in an answer of Nest to an error. */
function messageOf(body: unknown): string {
  const { message = body } = (typeof body === 'object' && body !== null ? body : {}) as { readonly message?: unknown };
  return typeof message === 'string' ? message : (JSON.stringify(message) ?? 'no reason');
}

function readIfValid(search: string): BranchContext | undefined {
  try {
    return readBranchQuery({ ...parse(search) });
  } catch {
    return undefined;
  }
}
