import type { DtmConnection, DtmEndpointOptions } from 'nestjs-dtm';
import { embeddedServer, sqliteStore } from 'nestjs-dtm/server';
import { postgresStore } from 'nestjs-dtm/server/store/postgres';
import { GRPC_PORT, HOST, HTTP_PORT } from './addresses.js';
import { dataFolder } from './data-folder.js';
import { dtmConnection } from './dtm-connection.js';

/**
 * - `DTM_SERVER`: a coordinator in another process, http://localhost:36789 or, over gRPC, localhost:36790
 * - `DTM_STORE`: PostgreSQL of the embedded coordinators of all replicas, postgres://…
 * - `DTM_LISTEN`: port of the API of the embedded coordinator
 */
const { DTM_SERVER, DTM_STORE, DTM_LISTEN } = process.env;

/** Whether the coordinator is in this process, so that it can call branches without a socket. */
export const IS_EMBEDDED = !DTM_SERVER;

/** Whether other replicas of this application use the same store. Branches in process need no address that all of them reach. */
export const IS_REPLICA = IS_EMBEDDED && Boolean(DTM_STORE);

/** The coordinator: in another process, or embedded with a SQLite file or with PostgreSQL. */
export function coordinator(): string | DtmConnection {
  if (DTM_SERVER) return dtmConnection(DTM_SERVER);
  return embeddedServer({
    store: DTM_STORE ? postgresStore({ url: DTM_STORE }) : sqliteStore({ path: dataFolder('dtm.db') }),
    listen: DTM_LISTEN ? { port: Number(DTM_LISTEN) } : undefined,
  });
}

/** Addresses of this application for the coordinator. */
export function endpoint(): DtmEndpointOptions | undefined {
  return IS_REPLICA ? undefined : { http: `http://${HOST}:${HTTP_PORT}`, grpc: `${HOST}:${GRPC_PORT}` };
}
