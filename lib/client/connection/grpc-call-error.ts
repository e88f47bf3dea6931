import {
  DtmArgumentError,
  DtmConfigError,
  DtmServerError,
  GRPC_STATUS,
  grpcStatusName,
  outcomeError,
  readGrpcOutcome,
  type DtmError,
} from '../../protocol/internal.js';
import { noAnswer, type CoordinatorCall } from './call-errors.js';

/** A call of the gRPC API of a coordinator that did not end with OK. */
export interface FailedGrpcCall extends CoordinatorCall {
  /** The operation is one of dtm, not only of the coordinator of this package. */
  readonly isOfDtm: boolean;
  /** Status code. */
  readonly code: number;
  /** Text of the status. */
  readonly details: string;
  /** Size of the request in bytes. */
  readonly requestBytes: number;
  /** Largest size of an answer in bytes. */
  readonly maxAnswerBytes: number;
}

/** Creates the error of a call by its status: docs/protocol.md#grpc-errors. */
export function grpcCallError({ address, operation, isOfDtm, code, details, gid, ...sizes }: FailedGrpcCall): DtmError {
  const status = `${grpcStatusName(code)}: ${details}`;
  switch (code) {
    case GRPC_STATUS.UNAVAILABLE:
    case GRPC_STATUS.DEADLINE_EXCEEDED:
    case GRPC_STATUS.CANCELLED:
      return noAnswer({ address, operation, gid }, new Error(status));
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
        ? new DtmServerError(`dtm refused ${operation}: ${status}; check that dtm listens at ${address}`, { gid })
        : new DtmConfigError(
            `dtm at ${address} has no ${operation} in its gRPC API; pass its HTTP API too: ` +
              `dtmGrpcClient(${JSON.stringify(address)}, { http: 'http://host:36789' })`,
            { gid },
          );
    default: {
      const outcome = readGrpcOutcome(code, details);
      if (outcome.kind === 'failure' || outcome.kind === 'ongoing') return outcomeError(outcome, operation, { gid });
      return new DtmServerError(`dtm refused ${operation}: ${status}`, { gid });
    }
  }
}
