/**
 * The coordinator's store in PostgreSQL; needs the package `pg`.
 *
 * @module nestjs-dtm/server/store/postgres
 */
export type { ConnectionOptions } from '../sql/connection-options.js';
export type { PgStatement, PgStoreClient, PgStorePool } from './pg-pool.js';
export { postgresStore, type PostgresStoreOptions } from './postgres-store.js';
