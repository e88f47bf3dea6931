/**
 * The errors of the package. Each has a stable `code`, keeps its `cause`, and is recognised by `instanceof` even when it
 * was thrown by a second installed copy of the package: a brand behind `Symbol.for` stands in for the prototype.
 */

/** What every error of the package may carry. */
export interface DtmErrorOptions {
  /** The error underneath, kept as `cause`. @default none */
  readonly cause?: unknown;
  /** Global transaction that the error is about. @default none */
  readonly gid?: string | undefined;
}

const brandOf = (name: string): symbol => Symbol.for(`nestjs-dtm:${name}`);

/** Marks a class so that `instanceof` follows the brand; subclasses made by users keep the prototype rule. */
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
  /** Stable, machine-readable kind of the error, `DTM_<WHAT>`. */
  readonly code: string;
  /** Global transaction that the error is about, when it is about one. */
  readonly gid: string | undefined;

  /**
   * @param code - stable kind, `DTM_<WHAT>`
   * @param message - names the thing and the remedy
   * @param options - cause and gid
   */
  constructor(code: string, message: string, options: DtmErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.gid = options.gid;
  }
}

/**
 * A definite failure: no retry can mend it. Thrown by a branch, it rolls the transaction back (HTTP 409, gRPC ABORTED).
 * Received by an initiator, it says that the transaction was, or will be, rolled back.
 */
@brand('DtmFailureError')
export class DtmFailureError extends DtmError {
  /** @param message - why it cannot succeed; becomes the rollback reason */
  constructor(message: string, options?: DtmErrorOptions) {
    super('DTM_FAILURE', message, options);
  }
}

/**
 * Not decided yet. Thrown by a branch, it asks the coordinator to call again after the same interval (HTTP 425, gRPC
 * FAILED_PRECONDITION). Received by an initiator, it says that the transaction is still running.
 */
@brand('DtmOngoingError')
export class DtmOngoingError extends DtmError {
  /** @param message - what is being waited for */
  constructor(message: string, options?: DtmErrorOptions) {
    super('DTM_ONGOING', message, options);
  }
}

/** A branch that an initiator called itself (TCC try) answered neither success, failure nor ongoing. */
@brand('DtmBranchError')
export class DtmBranchError extends DtmError {
  /** @param message - names the branch and what it answered */
  constructor(message: string, options?: DtmErrorOptions) {
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

/** The coordinator could not be reached, or gave no answer in time: whether it did what was asked is unknown. */
@brand('DtmConnectionError')
export class DtmConnectionError extends DtmError {
  /** @param message - names the address and the call */
  constructor(message: string, options?: DtmErrorOptions) {
    super('DTM_CONNECTION', message, options);
  }
}

/** A call of the package, or a request from the network, has an argument that is not allowed. */
@brand('DtmArgumentError')
export class DtmArgumentError extends DtmError {
  /** @param message - names the argument, what it was and what is allowed */
  constructor(message: string, options?: DtmErrorOptions) {
    super('DTM_ARGUMENT', message, options);
  }
}

/** The application is wired wrongly; thrown at bootstrap wherever that is possible. */
@brand('DtmConfigError')
export class DtmConfigError extends DtmError {
  /** @param message - names the class, method or option, and the remedy */
  constructor(message: string, options?: DtmErrorOptions) {
    super('DTM_CONFIG', message, options);
  }
}

/** The barrier could not do its work, e.g. because its table is missing. Always means "retry", never "roll back". */
@brand('DtmBarrierError')
export class DtmBarrierError extends DtmError {
  /** @param message - names the table or adapter and the remedy */
  constructor(message: string, options?: DtmErrorOptions) {
    super('DTM_BARRIER', message, options);
  }
}

/** The message of this global id was decided before: its local transaction ran already, or was checked back first. */
@brand('DtmDuplicatedError')
export class DtmDuplicatedError extends DtmError {
  /** @param message - names the gid */
  constructor(message: string, options?: DtmErrorOptions) {
    super('DTM_DUPLICATED', message, options);
  }
}

/** The coordinator's store refused or failed, e.g. because another process holds the file. */
@brand('DtmStoreError')
export class DtmStoreError extends DtmError {
  /** @param message - names the store and the remedy */
  constructor(message: string, options?: DtmErrorOptions) {
    super('DTM_STORE', message, options);
  }
}
