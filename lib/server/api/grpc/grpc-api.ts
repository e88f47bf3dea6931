import {
  decodeBranchMessage,
  decodeTransactionMessage,
  encodeProgresses,
  type DtmBranchRequestMessage,
  type DtmRequestMessage,
  type DtmTopicRequestMessage,
  transactionBytes,
} from '../../../protocol/internal.js';
import type { Coordinator } from '../../operations/coordinator.js';
import type { AnswerBudget, AnswerClient } from '../answer-budget.js';
import { isLarge } from '../encode-transactions.js';

/** Answers the request message of a call with a response message, or with its bytes. */
export type GrpcHandler = (message: never, client: AnswerClient) => Promise<object>;

const EMPTY = {};

/**
 * The gRPC API, the methods of `dtmgimp.Dtm`: docs/protocol.md#grpc-api.
 *
 * @param coordinator - runs the operations
 * @param budget - memory of the answers that can be large
 */
export function grpcApi(coordinator: Coordinator, budget: AnswerBudget): Readonly<Record<string, GrpcHandler>> {
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
    PrepareWorkflow: async (message: DtmRequestMessage, client) => {
      const details = await coordinator.prepareWorkflow(decodeTransactionMessage(message));
      if (!isLarge(details)) return encodeProgresses(details);
      const bytes = transactionBytes(details.transaction, details.branches);
      return budget.answer(
        client,
        async () => details,
        encodeProgresses,
        () => bytes,
      );
    },
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
