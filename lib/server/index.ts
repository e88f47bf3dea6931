/**
 * The embedded coordinator and its stores. Works without Nest.
 *
 * @module nestjs-dtm/server
 */
export type { ListenOptions } from './api/listen-options.js';
export type { DriverRegistration, DtmDriver } from '../driver/index.js';
export type { Clock } from './environment/clock.js';
export {
  embeddedServer,
  type EmbeddedServer,
  type EmbeddedServerOptions,
  type RegisterServerOptions,
} from './embedded-server.js';
export { stderrLogger } from './environment/stderr-logger.js';
export type { CoordinatorLogger } from '../protocol/internal.js';
export type { CoordinatorSettings } from './settings.js';
export { memoryStore } from './store/memory/memory-store.js';
export { sqliteStore, type SqliteStoreOptions } from './store/sqlite/sqlite-store.js';
export type {
  AddBranchesResult,
  BranchLimits,
  ExpectedState,
  KvFilter,
  LeaseFilter,
  PruneResult,
  Store,
  UnfinishedCounts,
  WakeBatch,
  WakeFilter,
} from './store/store.js';
