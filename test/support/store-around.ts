import type { Store } from 'nestjs-dtm/server';
import { deferred } from './deferred.js';

/** Operations of a store that a test can come between. */
export type StoreOperation =
  | 'create'
  | 'find'
  | 'addBranches'
  | 'update'
  | 'claim'
  | 'list'
  | 'wake'
  | 'prune'
  | 'getKv'
  | 'putKv'
  | 'deleteKv'
  | 'listKv';

/** Called instead of an operation; goes on with `call`, or does not. */
export type Around = <T>(operation: StoreOperation, call: () => Promise<T>) => Promise<T>;

/** A store that does what another one does, with something around each operation. */
export function storeAround(inner: Store, around: Around): Store {
  return {
    name: inner.name,
    open: () => inner.open(),
    close: () => inner.close(),
    create: (...args) => around('create', () => inner.create(...args)),
    find: (...args) => around('find', () => inner.find(...args)),
    addBranches: (...args) => around('addBranches', () => inner.addBranches(...args)),
    update: (...args) => around('update', () => inner.update(...args)),
    claim: (...args) => around('claim', () => inner.claim(...args)),
    list: (...args) => around('list', () => inner.list(...args)),
    wake: (...args) => around('wake', () => inner.wake(...args)),
    prune: (...args) => around('prune', () => inner.prune(...args)),
    getKv: (...args) => around('getKv', () => inner.getKv(...args)),
    putKv: (...args) => around('putKv', () => inner.putKv(...args)),
    deleteKv: (...args) => around('deleteKv', () => inner.deleteKv(...args)),
    listKv: (...args) => around('listKv', () => inner.listKv(...args)),
  };
}

/** A store whose operations a test can hold back, to bring two of them into the order that it wants. */
export interface GatedStore {
  readonly store: Store;
  /** Holds the next call of an operation back until it is released; those after it pass. */
  hold(operation: StoreOperation): { readonly arrived: Promise<void>; release(): void };
}

/** Makes a {@link GatedStore}. */
export function gatedStore(inner: Store): GatedStore {
  const gates = new Map<StoreOperation, { arrive(): void; readonly released: Promise<void> }>();
  const store = storeAround(inner, async (operation, call) => {
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
