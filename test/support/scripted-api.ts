import type {
  BranchRegistration,
  DtmApi,
  Protocol,
  TransactionDetails,
  TransactionPage,
  TransactionRequest,
} from 'nestjs-dtm/protocol';

type Operation = 'newGid' | 'prepare' | 'submit' | 'abort' | 'registerBranch' | 'query';

/** A coordinator API that records requests and fails as scripted. */
export class ScriptedApi implements DtmApi {
  readonly address: string | undefined = 'http://dtm:36789/api/dtmsvr';
  readonly protocol: Protocol = 'http';
  /** Operations in order, e.g. `registerBranch 01`. */
  readonly log: string[];
  readonly requests: TransactionRequest[] = [];
  readonly branches: BranchRegistration[] = [];
  /** Answer of query. */
  details: TransactionDetails | undefined;
  #gids = 0;
  readonly #failures = new Map<Operation, unknown[]>();

  constructor(log: string[] = []) {
    this.log = log;
  }

  /** Scripts failures of an operation: one error per call; the last one repeats; undefined = success. */
  fail(operation: Operation, ...errors: unknown[]): this {
    this.#failures.set(operation, errors);
    return this;
  }

  async newGid(): Promise<string> {
    this.#note('newGid');
    return `gid${++this.#gids}`;
  }

  async prepare(request: TransactionRequest): Promise<void> {
    this.requests.push(request);
    this.#note('prepare');
  }

  async submit(request: TransactionRequest): Promise<void> {
    this.requests.push(request);
    this.#note('submit');
  }

  async abort(request: TransactionRequest): Promise<void> {
    this.requests.push(request);
    this.#note('abort');
  }

  async registerBranch(branch: BranchRegistration): Promise<void> {
    this.branches.push(branch);
    this.#note('registerBranch', branch.branchId);
  }

  async query(): Promise<TransactionDetails | undefined> {
    this.#note('query');
    return this.details;
  }

  async all(): Promise<TransactionPage> {
    return { transactions: [], nextPosition: '' };
  }

  async forceStop(): Promise<void> {}

  async retryNow(): Promise<void> {}

  async subscribe(): Promise<void> {}

  async unsubscribe(): Promise<void> {}

  async deleteTopic(): Promise<void> {}

  async version(): Promise<string> {
    return 'v0';
  }

  #note(operation: Operation, ...details: string[]): void {
    this.log.push([operation, ...details].join(' '));
    const errors = this.#failures.get(operation);
    const error = errors && errors.length > 1 ? errors.shift() : errors?.[0];
    if (error !== undefined) throw error;
  }
}
