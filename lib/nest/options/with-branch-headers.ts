import {
  DtmConnectionError,
  errorText,
  mergeBranchHeaders,
  type BranchHeaders,
  type BranchHeadersSource,
  type ComputedBranchHeaders,
  type DtmApi,
  type TransactionRequest,
} from '../../protocol/internal.js';

/** Headers of all branch calls of a transaction, or a function that gives them or none. */
type Source = BranchHeadersSource | (() => BranchHeaders | undefined);

/**
 * Gives a coordinator the headers of its branch calls with each transaction. The coordinator stores them.
 *
 * @param api - the coordinator
 * @param source - the headers, or a function that is called for each prepare and submit
 */
export function withBranchHeaders(api: DtmApi, source: Source): DtmApi {
  const add = async (transaction: TransactionRequest): Promise<TransactionRequest> => {
    const headers = typeof source === 'function' ? await compute(source, transaction) : source;
    if (!headers) return transaction;
    return { ...transaction, branchHeaders: mergeBranchHeaders(headers, transaction.branchHeaders) };
  };
  return {
    get address() {
      return api.address;
    },
    protocol: api.protocol,
    newGid: () => api.newGid(),
    prepare: async (transaction) => api.prepare(await add(transaction)),
    submit: async (transaction) => api.submit(await add(transaction)),
    abort: (transaction) => api.abort(transaction),
    registerBranch: (branch) => api.registerBranch(branch),
    query: (gid) => api.query(gid),
    all: (filter) => api.all(filter),
    forceStop: (gid) => api.forceStop(gid),
    retryNow: (gid) => api.retryNow(gid),
    subscribe: (topic, url, remark) => api.subscribe(topic, url, remark),
    unsubscribe: (topic, url) => api.unsubscribe(topic, url),
    deleteTopic: (topic) => api.deleteTopic(topic),
    version: () => api.version(),
  };
}

/** The error is that of a coordinator without an answer: a message may have been prepared, and its local transaction committed. */
async function compute(
  source: Extract<Source, (...args: never[]) => unknown>,
  { gid, transType }: TransactionRequest,
): Promise<ComputedBranchHeaders | undefined> {
  try {
    return await source({ gid, transType });
  } catch (cause) {
    throw new DtmConnectionError(`${transType} ${gid} was not sent to the coordinator: ${errorText(cause)}`, {
      cause,
      gid,
    });
  }
}
