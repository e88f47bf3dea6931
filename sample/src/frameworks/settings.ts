import { fileURLToPath } from 'node:url';

/** All that differs between frameworks; see the README. */
const { env } = process;

/** Name of the driver. */
export const DRIVER = env.DRIVER ?? 'default';

/** The registry in which services are looked up, for drivers whose addresses do not say it. */
export const REGISTRY = env.REGISTRY;

/** The coordinator. */
export const DTM_SERVER = env.DTM_SERVER ?? '127.0.0.1:36790';

/** Where the service is registered; nowhere by default. */
export const TARGET = env.TARGET;

/** As what. */
export const ENDPOINT = env.ENDPOINT ?? '';

/** How the service is called. */
export const BUSI = env.BUSI ?? '127.0.0.1:58081';

/** What the initiator transfers, in cents. */
export const AMOUNT = Number(env.AMOUNT ?? 30);

/** Where the service listens, both on the loopback address. */
export const GRPC_PORT = env.GRPC_PORT ?? '58081';
export const HTTP_PORT = env.HTTP_PORT ?? '58080';

/** Messages of the service over gRPC; not compiled, so it stays where it is. */
export const PROTO = fileURLToPath(new URL('../../src/frameworks/busi.proto', import.meta.url));
