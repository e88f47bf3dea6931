import { DtmArgumentError, DtmServerError, type BranchContext, type DtmApi } from '../protocol/internal.js';
import type { XaAdapter } from './xa-adapter.js';

/** The operations of the coordinator that an XA branch uses. */
export type XaCoordinator = Pick<DtmApi, 'registerBranch' | 'query'>;

/**
 * Serves one request to an XA branch: {@link XaParticipant.call} for `action`, {@link XaParticipant.finish} for `commit` and
 * `rollback`, which dtm sends to the same URL: docs/protocol.md#xa-branches.
 *
 * @typeParam Tx - connection of the database library
 */
export class XaParticipant<Tx> {
  /** Transaction, branch and operation of the request. */
  readonly context: BranchContext;
  readonly #adapter: XaAdapter<Tx>;
  readonly #api: XaCoordinator;

  /**
   * @param context - of the request
   * @param adapter - database of the branch
   * @param api - the application's own coordinator, never the address that came with the request
   * @throws DtmArgumentError when the request is not for an XA branch
   */
  constructor(context: BranchContext, adapter: XaAdapter<Tx>, api: XaCoordinator) {
    const { gid, transType, op, phase2Url } = context;
    if (transType !== 'xa' || !['action', 'commit', 'rollback'].includes(op)) {
      throw new DtmArgumentError(`an XA branch serves xa action, commit and rollback, not ${transType} ${op}`, { gid });
    }
    if (op === 'action' && !phase2Url) {
      throw new DtmArgumentError(
        'phase2_url is missing; the initiator of an XA transaction must send the URL of the second phase',
        { gid },
      );
    }
    this.context = context;
    this.#adapter = adapter;
    this.#api = api;
  }

  /** Whether the request belongs to the second phase: {@link finish} serves it. {@link call} serves the first phase. */
  get isSecondPhase(): boolean {
    return this.context.op !== 'action';
  }

  /**
   * First phase: does the work, registers the branch at the coordinator, and prepares.
   *
   * @param work - business code; make all changes through the connection that it receives
   * @returns the result of `work`; undefined when an earlier call did the work
   * @throws what `work` and {@link DtmApi.registerBranch} throw, unchanged, after the rollback; what
   *   {@link XaAdapter.prepare} throws
   */
  async call<T>(work: (tx: Tx) => Promise<T>): Promise<T | undefined> {
    if (this.isSecondPhase) throw this.#wrongPhase('finish');
    return this.#adapter.prepare(this.context, work, () => this.#register());
  }

  /**
   * Second phase: commits or rolls back, as dtm has decided. A repeated call does nothing.
   *
   * @throws what {@link XaAdapter.commit} and {@link XaAdapter.rollback} throw
   */
  async finish(): Promise<void> {
    const { op } = this.context;
    if (op === 'commit') await this.#adapter.commit(this.context);
    else if (op === 'rollback') await this.#adapter.rollback(this.context);
    else throw this.#wrongPhase('call');
  }

  async #register(): Promise<void> {
    const { gid, branchId, phase2Url: url = '' } = this.context;
    try {
      await this.#api.registerBranch({ gid, transType: 'xa', branchId, url });
    } catch (error) {
      // dtm refuses a second registration, but an earlier call that failed afterwards may have registered this branch
      if (error instanceof DtmServerError && (await this.#isRegistered())) return;
      throw error;
    }
  }

  async #isRegistered(): Promise<boolean> {
    const { gid, branchId, phase2Url } = this.context;
    const details = await this.#api.query(gid).catch(() => undefined);
    return (
      details?.transaction.transType === 'xa' &&
      details.transaction.status === 'prepared' &&
      details.branches.some((branch) => branch.branchId === branchId && branch.url === phase2Url)
    );
  }

  #wrongPhase(right: string): DtmArgumentError {
    const { op, gid } = this.context;
    const request = this.isSecondPhase ? `a ${op}, not an action` : 'an action, not a commit or rollback';
    return new DtmArgumentError(`this request is ${request}; call ${right}()`, { gid });
  }
}
