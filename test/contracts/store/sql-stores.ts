// the only place that imports these entries by their path
export { postgresStore, type PostgresStoreOptions } from '../../../lib/server/store/postgres/index.js';
export { mysqlStore, type MysqlStoreOptions } from '../../../lib/server/store/mysql/index.js';
