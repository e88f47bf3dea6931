import { resolve } from 'node:path';
import { memoryStore, sqliteStore, type Store } from '../../server/index.js';
import type { ServeConfig } from './config/settings.js';

/**
 * Creates the store that a configuration chooses. The SQL stores are loaded only when they are chosen.
 *
 * @returns the store, not open yet
 * @throws DtmConfigError when the package of the database is not installed
 */
export async function createStore(config: ServeConfig): Promise<Store> {
  switch (config['Store.Driver']) {
    case 'memory':
      return memoryStore();
    case 'postgres': {
      const { postgresStore } = await import('../../server/store/postgres/index.js');
      return postgresStore({ ...connectionOf(config), schema: config['Store.Schema'] });
    }
    case 'mysql': {
      const { mysqlStore } = await import('../../server/store/mysql/index.js');
      return mysqlStore(connectionOf(config));
    }
    default:
      return sqliteStore({ path: resolve(config['Store.Path']), acceptLoss: config['Store.AcceptLoss'] === 1 });
  }
}

function connectionOf(config: ServeConfig) {
  return {
    host: config['Store.Host'],
    port: config['Store.Port'],
    user: config['Store.User'],
    password: config['Store.Password'],
    database: config['Store.Db'],
    ssl: { off: false, verify: true, 'no-verify': { rejectUnauthorized: false } }[config['Store.Tls']],
    maxConnections: config['Store.MaxOpenConns'],
    timeoutSeconds: config['Store.Timeout'],
  };
}
