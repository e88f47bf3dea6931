import {
  errorText,
  mergeBranchHeaders,
  type BranchHeadersSource,
  type ComputedBranchHeaders,
  type Outcome,
} from '../protocol/internal.js';
import { systemAfter, type After } from '../support/after.js';
import { endsWithin } from '../support/ends-within.js';
import { holdProcess } from '../support/hold-process.js';
import { isOverHttp, type OutgoingBranchCall, type Transport } from './transport.js';

/**
 * Adds headers to all calls when they are made, so that no store has them. Headers of the transaction take precedence.
 *
 * @param transport - makes the calls
 * @param find - gives the headers, or the function that computes them
 * @param after - timers of the machine, or those of a test
 */
export function addBranchHeaders(
  transport: Transport,
  find: () => BranchHeadersSource | undefined,
  after: After = systemAfter,
): Transport {
  return {
    call(branch) {
      const source = find();
      if (source === undefined) return transport.call(branch);
      if (typeof source === 'function') return callWithComputed(transport, source, branch, after);
      return transport.call({ ...branch, headers: mergeBranchHeaders(source, branch.headers) });
    },
    isOverHttp: (url) => isOverHttp(url, transport),
    check: (target) => transport.check?.(target),
    close: () => transport.close(),
  };
}

/** The time of the function is part of the time-out of the call. */
async function callWithComputed(
  transport: Transport,
  source: Extract<BranchHeadersSource, (...args: never[]) => unknown>,
  branch: OutgoingBranchCall,
  after: After,
): Promise<Outcome> {
  const { url, context, timeoutSeconds } = branch;
  const { gid, transType, branchId, op } = context;
  const begin = performance.now();
  let added: ComputedBranchHeaders = {};
  const compute = async (): Promise<void> => {
    added = await source({ gid, transType, url, branchId, op });
  };
  try {
    if (!(await holdProcess(endsWithin(timeoutSeconds * 1000, compute(), after)))) {
      return {
        kind: 'unknown',
        message: `not called: the branch headers were not known after ${timeoutSeconds} s; let the function of branchHeaders answer from a cache`,
      };
    }
  } catch (cause) {
    return { kind: 'unknown', message: `not called: ${errorText(cause)}`, cause };
  }
  const leftMs = Math.max(Math.round(timeoutSeconds * 1000 - (performance.now() - begin)), 1);
  return transport.call({
    ...branch,
    headers: mergeBranchHeaders(added, branch.headers),
    timeoutSeconds: leftMs / 1000,
  });
}
