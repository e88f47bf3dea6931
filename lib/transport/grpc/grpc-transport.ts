import type { DtmDriver } from '../../driver/index.js';
import { defaultDriver } from '../../driver/index.js';
import {
  GRPC_STATUS,
  branchMetadata,
  encodeWorkflowData,
  errorText,
  payloadBytes,
  readGrpcOutcome,
  type Outcome,
  type Payload,
} from '../../protocol/internal.js';
import { isDefiniteError } from '../is-definite-error.js';
import { TIME_OUT_HINT } from '../time-out.js';
import type { OutgoingBranchCall, OutgoingBranchTarget, Transport } from '../transport.js';
import type { GrpcConnectionOptions } from './grpc-connection-options.js';
import { GrpcRequester } from './grpc-requester.js';
import { isUnknownHost } from './is-unknown-host.js';
import type { GrpcAnswer } from './unary-call.js';

/** Branch id of a callback to the initiator. */
const INITIATOR_BRANCH = '00';

/**
 * Creates a transport that calls branches over gRPC: docs/protocol.md#grpc-branch-calls. The first call loads the library.
 *
 * @param options - limits of the channels
 * @param driver - finds the addresses
 */
export function grpcTransport(options: GrpcConnectionOptions = {}, driver: DtmDriver = defaultDriver()): Transport {
  const requester = new GrpcRequester({ ...options, driver });
  const call = async ({
    url,
    context,
    headers,
    payload,
    timeoutSeconds,
    isRecovery,
  }: OutgoingBranchCall): Promise<Outcome> => {
    const isCallback = context.transType === 'workflow' && context.branchId === INITIATOR_BRANCH;
    const { server, method } = driver.parseServerMethod(url);
    const answer = await requester.request({
      server,
      method,
      metadata: branchMetadata(context, headers),
      message: isCallback ? bufferOf(encodeWorkflowData(payloadBytes(payload))) : bufferOf(payload),
      timeoutMs: timeoutSeconds * 1000,
      group: isRecovery ? 'recovery' : undefined,
    });
    const outcome = readGrpcOutcome(answer.code, answer.details, answer.message, answer.notExecuted);
    if (outcome.kind !== 'unknown' || !outcome.unreachable) return outcome;
    const definite = await isUnknownHost(server, answer);
    return { ...outcome, message: outcome.message + hintFor(answer), definite, connected: answer.isConnected };
  };
  return {
    check({ url, context, headers }: OutgoingBranchTarget) {
      driver.parseServerMethod(url);
      branchMetadata(context, headers);
    },
    call: (branch) => call(branch).catch(noAnswer),
    close: () => requester.close(),
  };
}

function bufferOf(payload: Payload): Buffer {
  const bytes = payloadBytes(payload);
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A server whose own call timed out answers another text. */
function hasTimedOut({ code, details }: GrpcAnswer): boolean {
  return code === GRPC_STATUS.DEADLINE_EXCEEDED && details.startsWith('Deadline exceeded');
}

function hintFor(answer: GrpcAnswer): string {
  if (hasTimedOut(answer)) return `; ${TIME_OUT_HINT}`;
  const isOtherProtocol = answer.details.includes('Protocol error');
  return isOtherProtocol
    ? '; the server does not speak gRPC, so put http:// in front of the URL of a branch over HTTP'
    : '';
}

function noAnswer(cause: unknown): Outcome {
  return { kind: 'unknown', message: `no answer: ${errorText(cause)}`, cause, definite: isDefiniteError(cause) };
}
