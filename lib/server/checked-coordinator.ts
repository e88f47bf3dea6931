import {
  DtmArgumentError,
  checkBranchUrl,
  decodeWorkflowCall,
  isHttpUrl,
  stepBranchId,
  type BranchContext,
  type BranchRegistration,
  type TransactionDetails,
  type TransactionRequest,
} from '../protocol/index.js';
import type { Transport } from '../transport/index.js';
import { Coordinator } from './coordinator.js';
import type { Runner } from './runner.js';
import type { Surroundings } from './surroundings.js';
import type { Topics } from './topics.js';

const TOPIC = 'topic://';

/**
 * The coordinator, refusing at once what its transport could never call: it would be tried for ever. HTTP branches are
 * checked by the engine.
 */
export class CheckedCoordinator extends Coordinator {
  readonly #transport: Transport;

  constructor(surroundings: Surroundings, runner: Runner, topics: Topics) {
    super(surroundings, runner, topics);
    this.#transport = surroundings.transport;
  }

  override async prepare(request: TransactionRequest): Promise<void> {
    this.#checkRequest(request);
    return super.prepare(request);
  }

  override async prepareWorkflow(request: TransactionRequest): Promise<TransactionDetails> {
    this.#checkRequest(request);
    return super.prepareWorkflow(request);
  }

  override async submit(request: TransactionRequest): Promise<void> {
    this.#checkRequest(request);
    return super.submit(request);
  }

  override async registerBranch(branch: BranchRegistration): Promise<void> {
    const urls = Object.entries(urlsOf(branch)).filter(([, url]) => url !== '' && !isHttpUrl(url));
    if (urls.length > 0) await this.#checkRegistration(branch, urls);
    return super.registerBranch(branch);
  }

  #checkRequest(request: TransactionRequest): void {
    const { gid, transType, protocol, steps = [], queryPrepared, branchHeaders } = request;
    // any other has HTTP branches only
    if (protocol !== 'grpc') return;
    const context = { gid, transType };
    for (const [index, { action, compensate }] of steps.entries()) {
      const branchId = stepBranchId(index + 1);
      this.#check('action', action, { ...context, branchId, op: 'action' }, branchHeaders);
      this.#check('compensate', compensate, { ...context, branchId, op: 'compensate' }, branchHeaders);
    }
    if (!queryPrepared) return;
    const op = transType === 'workflow' ? decodeWorkflowCall(request.customData).name : 'msg';
    this.#check('query_prepared', queryPrepared, { ...context, branchId: '00', op }, branchHeaders);
  }

  /** Costs a look at the transaction, which HTTP branches need not. */
  async #checkRegistration(branch: BranchRegistration, urls: readonly (readonly [string, string])[]): Promise<void> {
    const { gid, transType, branchId } = branch;
    const protocol = (await this.query(gid))?.transaction.protocol;
    // nothing is registered in a transaction that does not exist
    if (protocol === undefined) return;
    for (const [op, url] of urls) {
      checkBranchUrl(url, op, protocol);
      this.#check(op, url, { gid, transType, branchId, op });
    }
  }

  #check(what: string, url: string | undefined, context: BranchContext, headers?: Record<string, string>): void {
    if (!url || isHttpUrl(url) || url.startsWith(TOPIC)) return;
    try {
      this.#transport.check?.({ url, context, headers });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new DtmArgumentError(`${what} ${JSON.stringify(url)} cannot be called: ${reason}`, {
        cause,
        gid: context.gid,
      });
    }
  }
}

function urlsOf(branch: BranchRegistration): Record<string, string> {
  switch (branch.transType) {
    case 'tcc':
      return { confirm: branch.confirm, cancel: branch.cancel };
    case 'xa':
      return { url: branch.url };
    case 'workflow':
      return {};
  }
}
