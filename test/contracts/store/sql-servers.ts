import mysql from 'mysql2/promise';
import type { Store } from 'nestjs-dtm/server';
import { Client } from 'pg';
import type { DtmStore } from '../../services/dtm.mjs';
import { startMariadb } from '../../services/mariadb.mjs';
import { startPostgres } from '../../services/postgres.mjs';
import { mysqlStore, postgresStore } from './sql-stores.js';

/** Options that a test may set; the others lead to the tables. */
export interface StoreChange {
  readonly port?: number;
  readonly user?: string;
  readonly password?: string;
  readonly maxConnections?: number;
  readonly timeoutSeconds?: number;
  readonly migrate?: boolean;
}

/** A row of a result. */
export type Row = Record<string, unknown>;

/** Tables of a store. */
export interface SqlTables {
  /** A new store with these tables. */
  store(change?: StoreChange): Store;
  /** Runs a statement on a connection of its own. */
  sql(text: string): Promise<Row[]>;
  /** Runs statements on one connection, which is closed after the work. */
  alone<T>(work: (sql: (text: string) => Promise<Row[]>) => Promise<T>): Promise<T>;
}

/** A running database server. */
export interface SqlServer {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** The tables of Go dtm and its access to them. */
  readonly ofGo: SqlTables & { readonly forGo: DtmStore };
  /** A schema or database for tables that does not exist yet. */
  newTables(): SqlTables;
  /** Process ids of the connections of stores. */
  connections(): Promise<number[]>;
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** A kind of database server. */
export interface SqlServerKind {
  readonly service: 'postgres' | 'mariadb';
  readonly title: string;
  /** @param args - more arguments of the server */
  start(args?: readonly string[]): Promise<SqlServer>;
}

let places = 0;

/** PostgreSQL; each set of tables has a schema. */
export const postgres: SqlServerKind = {
  service: 'postgres',
  title: 'PostgreSQL',
  async start(args = []) {
    const server = await startPostgres({ args });
    const { host, port, user, password, database, url } = server;
    const tablesIn = (schema: string): SqlTables => {
      const alone: SqlTables['alone'] = async (work) => {
        const client = new Client({ connectionString: url, options: `-c search_path=${schema}` });
        client.on('error', () => undefined);
        await client.connect();
        try {
          return await work(async (text) => (await client.query<Row>(text)).rows);
        } finally {
          await client.end();
        }
      };
      return {
        store: (change) => postgresStore({ host, port, user, password, database, schema, ...change }),
        sql: (text) => alone((sql) => sql(text)),
        alone,
      };
    };
    const ofGo = tablesIn('public');
    return {
      ...server,
      ofGo: { ...ofGo, forGo: { driver: 'postgres', ...server } },
      newTables: () => tablesIn(`place_${++places}`),
      connections: async () => {
        const rows = await ofGo.sql(`select pid from pg_stat_activity where application_name = 'nestjs-dtm'`);
        return rows.map(({ pid }) => Number(pid));
      },
    };
  },
};

/** MariaDB; each set of tables has a database. */
export const mariadb: SqlServerKind = {
  service: 'mariadb',
  title: 'MariaDB',
  async start(args = []) {
    const server = await startMariadb({ args });
    const { host, port, user, password } = server;
    const tablesIn = (database: string): SqlTables => {
      const alone: SqlTables['alone'] = async (work) => {
        const connection = await mysql.createConnection({ host, port, user, password, charset: 'utf8mb4' });
        try {
          await connection.query(`create database if not exists ${database}`);
          await connection.query(`use ${database}`);
          return await work(async (text) => (await connection.query(text))[0] as Row[]);
        } finally {
          await connection.end();
        }
      };
      return {
        store: (change) => mysqlStore({ host, port, user, password, database, ...change }),
        sql: (text) => alone((sql) => sql(text)),
        alone,
      };
    };
    const ofGo = tablesIn('dtm');
    return {
      ...server,
      ofGo: { ...ofGo, forGo: { driver: 'mysql', ...server } },
      newTables: () => tablesIn(`place_${++places}`),
      connections: async () => {
        const rows = await ofGo.sql(
          `select id from information_schema.processlist where id <> connection_id() and user = 'dtm'`,
        );
        return rows.map(({ id }) => Number(id));
      },
    };
  },
};
