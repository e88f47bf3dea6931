import {
  decodeBranchMessage,
  decodeTransactionMessage,
  encodeProgresses,
  type DtmBranchRequestMessage,
  type DtmRequestMessage,
  type DtmTopicRequestMessage,
} from '../../../protocol/internal.js';
import type { Coordinator } from '../../operations/coordinator.js';

/** Answers the request message of a call with a response message. */
export type GrpcHandler = (message: never) => Promise<object>;

const EMPTY = {};

/**
 * The gRPC API, the methods of `dtmgimp.Dtm`: docs/protocol.md#grpc-api.
 *
 * @param coordinator - runs the operations
 */
export function grpcApi(coordinator: Coordinator): Readonly<Record<string, GrpcHandler>> {
  return {
    NewGid: async () => ({ Gid: await coordinator.newGid() }),
    Prepare: async (message: DtmRequestMessage) => {
      await coordinator.prepare(decodeTransactionMessage(message));
      return EMPTY;
    },
    Submit: async (message: DtmRequestMessage) => {
      await coordinator.submit(decodeTransactionMessage(message));
      return EMPTY;
    },
    Abort: async (message: DtmRequestMessage) => {
      await coordinator.abort(decodeTransactionMessage(message));
      return EMPTY;
    },
    RegisterBranch: async (message: DtmBranchRequestMessage) => {
      await coordinator.registerBranch(decodeBranchMessage(message));
      return EMPTY;
    },
    PrepareWorkflow: async (message: DtmRequestMessage) =>
      encodeProgresses(await coordinator.prepareWorkflow(decodeTransactionMessage(message))),
    Subscribe: async ({ Topic, URL, Remark }: DtmTopicRequestMessage) => {
      await coordinator.subscribe(Topic, URL, Remark);
      return EMPTY;
    },
    Unsubscribe: async ({ Topic, URL }: DtmTopicRequestMessage) => {
      await coordinator.unsubscribe(Topic, URL);
      return EMPTY;
    },
    DeleteTopic: async ({ Topic }: DtmTopicRequestMessage) => {
      await coordinator.deleteTopic(Topic);
      return EMPTY;
    },
  };
}
