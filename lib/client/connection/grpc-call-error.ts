import {
  DtmArgumentError,
  DtmConfigError,
  DtmConnectionError,
  DtmServerError,
  GRPC_STATUS,
  grpcStatusName,
  outcomeError,
  readGrpcOutcome,
  type DtmError,
} from '../../protocol/internal.js';

/** A call of a coordinator's gRPC API that did not end with OK. */
export interface FailedCall {
  /** Whom it was sent to. */
  readonly server: string;
  /** What was asked, e.g. `registerBranch`. */
  readonly operation: string;
  /** dtm has it, not only our coordinator. */
  readonly isOfDtm: boolean;
  /** Status code. */
  readonly code: number;
  /** Text of the status. */
  readonly details: string;
  /** Size of the request in bytes. */
  readonly requestBytes: number;
  /** Most bytes of an answer. */
  readonly maxAnswerBytes: number;
  /** Transaction that it was about. */
  readonly gid?: string | undefined;
}

/**
 * The error that a status stands for: docs/protocol.md#grpc-errors.
 *
 * @param call - what was called, and how it ended
 */
export function grpcCallError({ server, operation, isOfDtm, code, details, gid, ...sizes }: FailedCall): DtmError {
  const status = `${grpcStatusName(code)}: ${details}`;
  switch (code) {
    case GRPC_STATUS.UNAVAILABLE:
    case GRPC_STATUS.DEADLINE_EXCEEDED:
    case GRPC_STATUS.CANCELLED:
      return new DtmConnectionError(`dtm at ${server} gave no answer to ${operation}: ${status}`, { gid });
    case GRPC_STATUS.INVALID_ARGUMENT:
      return new DtmArgumentError(`dtm refused ${operation}: ${details}`, { gid });
    case GRPC_STATUS.RESOURCE_EXHAUSTED:
      return new DtmServerError(
        `dtm refused ${operation}: ${status}; ` +
          `the request has ${sizes.requestBytes} bytes, an answer may have ${sizes.maxAnswerBytes}`,
        { gid },
      );
    case GRPC_STATUS.UNIMPLEMENTED:
      return isOfDtm
        ? new DtmServerError(`dtm refused ${operation}: ${status}; is it dtm that listens at ${server}?`, { gid })
        : new DtmConfigError(
            `dtm at ${server} has no ${operation} in its gRPC API; give its HTTP API as well: ` +
              `dtmGrpcClient(${JSON.stringify(server)}, { http: 'http://host:36789' })`,
            { gid },
          );
    default: {
      const outcome = readGrpcOutcome(code, details);
      if (outcome.kind === 'failure' || outcome.kind === 'ongoing') return outcomeError(outcome, operation, { gid });
      return new DtmServerError(`dtm refused ${operation}: ${status}`, { gid });
    }
  }
}
