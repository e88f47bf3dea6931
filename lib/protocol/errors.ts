/**
 * The errors of the package. Each has a stable `code` and keeps its `cause`. `instanceof` also recognises an error that a
 * second installed copy of the package threw: it compares a brand behind `Symbol.for`, not the prototype.
 */

/** Options of every error of the package. */
export interface DtmErrorOptions {
  /** Error that caused this one. @default none */
  readonly cause?: unknown;
  /** Global transaction of the error. @default none */
  readonly gid?: string | undefined;
}

/** The branch that an error is about. */
export interface DtmErrorBranch {
  /** Id within the transaction, e.g. `02`. */
  readonly branchId: string;
  /** Operation that was called, e.g. `action` or `try`. */
  readonly op: string;
  /** URL of the branch, without passwords. It may be internal: log it, and do not answer it to callers of your API. @default not known */
  readonly url?: string | undefined;
}

/** Options of the errors that tell the outcome of a branch or transaction. */
export interface DtmOutcomeErrorOptions extends DtmErrorOptions {
  /** Words of the branch, or those of the coordinator when no branch decided. @default the message */
  readonly reason?: string | undefined;
  /** The branch that decided, or that the transaction waits for. @default none */
  readonly branch?: DtmErrorBranch | undefined;
  /** When the coordinator tries again. @default not known */
  readonly nextAttempt?: Date | undefined;
}

const brandOf = (name: string): symbol => Symbol.for(`nestjs-dtm:${name}`);

/** Marks a class so that `instanceof` compares the brand; subclasses of users still compare the prototype. */
function brand(name: string) {
  return (type: abstract new (...args: never[]) => Error): void => {
    const symbol = brandOf(name);
    Object.defineProperty(type.prototype, symbol, { value: true });
    Object.defineProperty(type.prototype, 'name', { value: name, writable: true, configurable: true });
    Object.defineProperty(type, Symbol.hasInstance, {
      value(this: unknown, value: unknown) {
        return this === type
          ? typeof value === 'object' && value !== null && symbol in value
          : Function.prototype[Symbol.hasInstance].call(this as () => void, value);
      },
    });
  };
}

/** Base of all errors of the package. */
@brand('DtmError')
export class DtmError extends Error {
  /** Stable kind of the error for programs, `DTM_<WHAT>`. */
  readonly code: string;
  /** Global transaction of the error, if it belongs to one. */
  readonly gid: string | undefined;

  /**
   * @param code - stable kind, `DTM_<WHAT>`
   * @param message - what failed, why, and what to do
   * @param options - cause and gid
   */
  constructor(code: string, message: string, options: DtmErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.gid = options.gid;
  }
}

/** Base of the errors that tell the outcome of a branch or transaction: failure, ongoing, or unknown. */
@brand('DtmOutcomeError')
export abstract class DtmOutcomeError extends DtmError {
  /** Words of the branch, or those of the coordinator when no branch decided. Those of a {@link DtmBranchError} may name hosts. */
  readonly reason: string | undefined;
  /** The branch that decided, or that the transaction waits for, when it is known. */
  readonly branch: DtmErrorBranch | undefined;
  /** When the coordinator tries again, for a transaction that is not finished; while it calls a branch, when its lease ends. */
  readonly nextAttempt: Date | undefined;

  /**
   * @param code - stable kind, `DTM_<WHAT>`
   * @param message - what failed, and why
   * @param options - what is known about branch and transaction
   */
  constructor(code: string, message: string, options: DtmOutcomeErrorOptions = {}) {
    super(code, message, options);
    this.reason = 'reason' in options ? options.reason : message;
    this.branch = options.branch;
    this.nextAttempt = options.nextAttempt;
  }
}

/**
 * A definite failure, which no retry can mend. A branch throws it to roll the transaction back (HTTP 409, gRPC ABORTED). An
 * initiator gets it when the transaction was rolled back, or will be.
 */
@brand('DtmFailureError')
export class DtmFailureError extends DtmOutcomeError {
  /** @param message - why the branch cannot succeed; becomes the rollback reason */
  constructor(message: string, options?: DtmOutcomeErrorOptions) {
    super('DTM_FAILURE', message, options);
  }
}

/**
 * No decision yet. A branch throws it to be called again after the same interval (HTTP 425, gRPC FAILED_PRECONDITION). An
 * initiator gets it while the transaction is still running.
 */
@brand('DtmOngoingError')
export class DtmOngoingError extends DtmOutcomeError {
  /** Whether the transaction is being rolled back, so that it cannot succeed any more. `reason` is why. */
  readonly isRollingBack: boolean;

  /**
   * @param message - what the branch waits for
   * @param options - what is known about branch and transaction; `isRollingBack` when it cannot succeed any more
   */
  constructor(
    message: string,
    options: DtmOutcomeErrorOptions & { readonly isRollingBack?: boolean | undefined } = {},
  ) {
    super('DTM_ONGOING', message, options);
    this.isRollingBack = options.isRollingBack ?? false;
  }
}

/** A branch that an initiator called itself (TCC try, XA action) answered neither success nor failure nor ongoing. */
@brand('DtmBranchError')
export class DtmBranchError extends DtmOutcomeError {
  /** @param message - names the branch and its answer */
  constructor(message: string, options?: DtmOutcomeErrorOptions) {
    super('DTM_BRANCH', message, options);
  }
}

/** The coordinator answered with an error that is neither failure nor ongoing (HTTP 500). */
@brand('DtmServerError')
export class DtmServerError extends DtmError {
  /** @param message - the coordinator's own message */
  constructor(message: string, options?: DtmErrorOptions) {
    super('DTM_SERVER', message, options);
  }
}

/** The coordinator did not answer: it is unknown whether it received and executed the request. */
@brand('DtmConnectionError')
export class DtmConnectionError extends DtmError {
  /** @param message - names the address and the call */
  constructor(message: string, options?: DtmErrorOptions) {
    super('DTM_CONNECTION', message, options);
  }
}

/** An argument of a call, or of a request from the network, is not allowed. */
@brand('DtmArgumentError')
export class DtmArgumentError extends DtmError {
  /** @param message - names the argument, its value and what is allowed */
  constructor(message: string, options?: DtmErrorOptions) {
    super('DTM_ARGUMENT', message, options);
  }
}

/** The application is configured or wired wrongly; thrown at bootstrap wherever possible. */
@brand('DtmConfigError')
export class DtmConfigError extends DtmError {
  /** @param message - names the class, method or option, and the remedy */
  constructor(message: string, options?: DtmErrorOptions) {
    super('DTM_CONFIG', message, options);
  }
}

/** The barrier could not do its work, e.g. because its table is missing. The call is retried, never rolled back. */
@brand('DtmBarrierError')
export class DtmBarrierError extends DtmError {
  /** @param message - names the table or adapter and the remedy */
  constructor(message: string, options?: DtmErrorOptions) {
    super('DTM_BARRIER', message, options);
  }
}

/** The local transaction of a message cannot run: it ran before, or the query-back came first. */
@brand('DtmDuplicatedError')
export class DtmDuplicatedError extends DtmError {
  /** @param message - names the gid */
  constructor(message: string, options?: DtmErrorOptions) {
    super('DTM_DUPLICATED', message, options);
  }
}

/** The store of the coordinator failed, e.g. because another process holds its file. */
@brand('DtmStoreError')
export class DtmStoreError extends DtmError {
  /** Whether it is unknown if the write was stored. False: nothing was stored. */
  readonly isOutcomeUnknown: boolean;

  /**
   * @param message - names the store and the remedy
   * @param options - cause and gid; `isOutcomeUnknown` when the write may have been stored all the same
   */
  constructor(message: string, options: DtmErrorOptions & { readonly isOutcomeUnknown?: boolean | undefined } = {}) {
    super('DTM_STORE', message, options);
    this.isOutcomeUnknown = options.isOutcomeUnknown ?? false;
  }
}
