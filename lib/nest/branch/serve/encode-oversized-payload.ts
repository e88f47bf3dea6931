import { Logger } from '@nestjs/common';
import { readBranchQuery, writeHttpOutcome, type BranchContext, type HttpAnswer } from '../../../protocol/internal.js';
import { findNodeResponse } from '../../undocumented/node-messages.js';
import type { BranchDefinition } from '../definition/branch-definition.js';
import { mayBeRepeated } from './may-be-repeated.js';

const logger = new Logger('DtmBranch');

/**
 * The answer to a payload that the application's body limit refused: a failure, as for a payload that a pipe refuses. The parsers
 * run before any route, so the method did not begin.
 *
 * @param response - the platform's response to a request without a route
 * @param findDefinition - the branch at a path
 * @returns undefined when the request is no call of a saga or TCC branch
 */
export function encodeOversizedPayload(
  response: object,
  findDefinition: (path: string) => BranchDefinition | undefined,
): HttpAnswer | undefined {
  const request = findNodeResponse(response)?.req;
  const [path = '', search = ''] = (request?.url ?? '').split('?', 2);
  const definition = findDefinition(path);
  const context = definition && readIfValid(search);
  if (!request || !context || context.transType !== definition.transType || context.op !== definition.op)
    return undefined;
  if (context.transType !== 'saga' && context.transType !== 'tcc') return undefined;
  const { gid, transType, branchId, op } = context;
  logger.warn(
    `${transType} ${gid}, branch ${branchId}, ${op} at ${path}: the payload exceeds the body limit of the application`,
  );
  return writeHttpOutcome({
    kind: 'failure',
    message: 'the payload exceeds the body limit of the application',
    notExecuted: !mayBeRepeated(Object.keys(request.headers)),
  });
}

function readIfValid(search: string): BranchContext | undefined {
  try {
    return readBranchQuery(Object.fromEntries(new URLSearchParams(search)));
  } catch {
    return undefined;
  }
}
