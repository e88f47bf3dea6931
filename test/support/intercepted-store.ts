import type { Store } from 'nestjs-dtm/server';
import { deferred } from './deferred.js';

/** Operations of a store that a test can intercept. */
export type StoreOperation =
  | 'create'
  | 'find'
  | 'findRecord'
  | 'countUnfinished'
  | 'addBranches'
  | 'update'
  | 'claim'
  | 'list'
  | 'wake'
  | 'prune'
  | 'getKv'
  | 'putKv'
  | 'deleteKv'
  | 'listKv'
  | 'assertWritable';

/** Called instead of an operation; `call` executes the operation. */
export type StoreInterceptor = <T>(operation: StoreOperation, call: () => Promise<T>) => Promise<T>;

/** Wraps a store with an interceptor around each operation. */
export function interceptStore(inner: Store, intercept: StoreInterceptor): Store {
  return {
    name: inner.name,
    isShared: inner.isShared,
    open: () => inner.open(),
    close: () => inner.close(),
    assertWritable: () => intercept('assertWritable', async () => inner.assertWritable?.()),
    create: (...args) => intercept('create', () => inner.create(...args)),
    find: (...args) => intercept('find', () => inner.find(...args)),
    findRecord: (...args) => intercept('findRecord', () => inner.findRecord(...args)),
    countUnfinished: (...args) => intercept('countUnfinished', () => inner.countUnfinished(...args)),
    addBranches: (...args) => intercept('addBranches', () => inner.addBranches(...args)),
    update: (...args) => intercept('update', () => inner.update(...args)),
    claim: (...args) => intercept('claim', () => inner.claim(...args)),
    list: (...args) => intercept('list', () => inner.list(...args)),
    wake: (...args) => intercept('wake', () => inner.wake(...args)),
    prune: (...args) => intercept('prune', () => inner.prune(...args)),
    getKv: (...args) => intercept('getKv', () => inner.getKv(...args)),
    putKv: (...args) => intercept('putKv', () => inner.putKv(...args)),
    deleteKv: (...args) => intercept('deleteKv', () => inner.deleteKv(...args)),
    listKv: (...args) => intercept('listKv', () => inner.listKv(...args)),
  };
}

/** A store whose operations a test can hold, to force an order between two of them. */
export interface GatedStore {
  readonly store: Store;
  /** Holds the next call of an operation until its release; later calls pass. */
  hold(operation: StoreOperation): { readonly arrived: Promise<void>; release(): void };
}

export function gatedStore(inner: Store): GatedStore {
  const gates = new Map<StoreOperation, { arrive(): void; readonly released: Promise<void> }>();
  const store = interceptStore(inner, async (operation, call) => {
    const gate = gates.get(operation);
    gates.delete(operation);
    gate?.arrive();
    await gate?.released;
    return call();
  });
  return {
    store,
    hold(operation) {
      const [arrived, released] = [deferred(), deferred()];
      gates.set(operation, { arrive: () => arrived.resolve(), released: released.promise });
      return { arrived: arrived.promise, release: () => released.resolve() };
    },
  };
}
