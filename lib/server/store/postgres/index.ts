/**
 * Stores the transactions of the coordinator in PostgreSQL. Needs the package `pg`.
 *
 * @module nestjs-dtm/server/store/postgres
 */
export type { ConnectionOptions } from '../sql/connection-options.js';
export type { PgStatement, PgStoreClient, PgStorePool } from './pg-pool.js';
export { postgresStore, type PostgresStoreOptions } from './postgres-store.js';
