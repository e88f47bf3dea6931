import type { DtmConnection, TransactionDetails, TransactionRequest, BranchRegistration } from 'nestjs-dtm/protocol';

/** A coordinator that does nothing but write down what it is told. */
export interface RecordingServer extends DtmConnection {
  readonly log: string[];
  readonly submitted: TransactionRequest[];
  readonly registered: BranchRegistration[];
  /** Replaces what the server does. */
  on: Partial<{
    open: () => Promise<void>;
    close: () => Promise<void>;
    recover: () => void;
    abort: () => Promise<void>;
    query: () => Promise<TransactionDetails | undefined>;
  }>;
}

/** @param address - of a coordinator that listens; undefined = embedded without a socket */
export function recordingServer(address?: string): RecordingServer {
  const log: string[] = [];
  const submitted: TransactionRequest[] = [];
  const registered: BranchRegistration[] = [];
  const on: RecordingServer['on'] = {};
  let gids = 0;
  const write = (line: string): Promise<void> => {
    log.push(line);
    return Promise.resolve();
  };
  return {
    log,
    submitted,
    registered,
    on,
    address,
    protocol: 'http',
    newGid: () => Promise.resolve(`gid-${(gids += 1)}`),
    prepare: ({ gid }) => write(`prepare ${gid}`),
    submit: (transaction) => {
      submitted.push(transaction);
      return write(`submit ${transaction.gid}`);
    },
    abort: async ({ gid, rollbackReason }) => {
      await write(`abort ${gid}: ${rollbackReason}`);
      await on.abort?.();
    },
    registerBranch: (branch) => {
      registered.push(branch);
      return write(`register ${branch.branchId}`);
    },
    query: async (gid) => {
      await write(`query ${gid}`);
      return on.query?.();
    },
    all: async (filter) => {
      await write(`all ${JSON.stringify(filter)}`);
      return { transactions: [], nextPosition: '' };
    },
    forceStop: (gid) => write(`forceStop ${gid}`),
    retryNow: (gid) => write(`retryNow ${gid}`),
    subscribe: (topic, url, remark) => write(`subscribe ${topic} ${url} ${remark}`),
    unsubscribe: (topic, url) => write(`unsubscribe ${topic} ${url}`),
    deleteTopic: (topic) => write(`deleteTopic ${topic}`),
    version: () => Promise.resolve('recording'),
    open: async () => {
      await write('open');
      await on.open?.();
    },
    recover: () => {
      log.push('recover');
      on.recover?.();
    },
    close: async () => {
      await write('close');
      await on.close?.();
    },
  };
}
