import { DtmArgumentError, DtmServerError, type BranchContext, type DtmApi } from '../protocol/internal.js';
import type { XaAdapter } from './xa-adapter.js';

/** What an XA branch needs of the coordinator. */
export type XaCoordinator = Pick<DtmApi, 'registerBranch' | 'query'>;

/**
 * A participant's side of one request to an XA branch: {@link XaParticipant.call} for `action`,
 * {@link XaParticipant.finish} for `commit` and `rollback`, which dtm sends to the same URL.
 *
 * @typeParam Tx - connection of the database library
 */
export class XaParticipant<Tx> {
  /** Who calls the branch, and for what. */
  readonly context: BranchContext;
  readonly #adapter: XaAdapter<Tx>;
  readonly #api: XaCoordinator;

  /**
   * @param context - of the request
   * @param adapter - database of the branch
   * @param api - the application's own coordinator, never the address that came with the request
   * @throws DtmArgumentError when the request is none to an XA branch
   */
  constructor(context: BranchContext, adapter: XaAdapter<Tx>, api: XaCoordinator) {
    const { gid, transType, op, phase2Url } = context;
    if (transType !== 'xa' || !['action', 'commit', 'rollback'].includes(op)) {
      throw new DtmArgumentError(`an XA branch serves xa action, commit and rollback, not ${transType} ${op}`, { gid });
    }
    if (op === 'action' && !phase2Url) {
      throw new DtmArgumentError(
        'phase2_url is missing: the initiator of an XA transaction must say where dtm calls phase 2',
        { gid },
      );
    }
    this.context = context;
    this.#adapter = adapter;
    this.#api = api;
  }

  /** Whether dtm has decided, and wants {@link finish}; otherwise the initiator wants {@link call}. */
  get isSecondPhase(): boolean {
    return this.context.op !== 'action';
  }

  /**
   * Phase 1: does the work, registers the branch, and prepares.
   *
   * @param work - business code; all its writes must go through the connection that it is given
   * @returns what the work returned; undefined when an earlier call had done it
   * @throws what `work` and {@link DtmApi.registerBranch} throw, unchanged, after the rollback; what
   *   {@link XaAdapter.prepare} throws
   */
  async call<T>(work: (tx: Tx) => Promise<T>): Promise<T | undefined> {
    if (this.isSecondPhase) throw this.#wrongPhase('finish');
    return this.#adapter.prepare(this.context, work, () => this.#register());
  }

  /**
   * Phase 2: commits or rolls back, as dtm has decided. Repeating it does nothing.
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
      // An earlier call may have registered the branch, and failed afterwards: dtm refuses it, and will call it all the same.
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
    return new DtmArgumentError(`this XA branch was called for ${op}: use ${right}()`, { gid });
  }
}
