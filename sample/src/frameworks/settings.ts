import { fileURLToPath } from 'node:url';

/** Everything that differs between frameworks; see the README. */
const { env } = process;

/** Name of the driver. */
export const DRIVER = env.DRIVER ?? 'default';

/** The registry in which services are looked up, for drivers whose addresses do not name it. */
export const REGISTRY = env.REGISTRY;

/** The coordinator. */
export const DTM_SERVER = env.DTM_SERVER ?? '127.0.0.1:36790';

/** The target of the registration; by default the service does not register. */
export const TARGET = env.TARGET;

/** The endpoint of the registration. */
export const ENDPOINT = env.ENDPOINT ?? '';

/** Address of the service. */
export const BUSI = env.BUSI ?? '127.0.0.1:58081';

/** The amount that the initiator transfers, in cents. */
export const AMOUNT = Number(env.AMOUNT ?? 30);

/** Ports of the service on the loopback address. */
export const GRPC_PORT = env.GRPC_PORT ?? '58081';
export const HTTP_PORT = env.HTTP_PORT ?? '58080';

/** The gRPC messages of the service. The build does not copy the file, so it is read from the sources. */
export const PROTO = fileURLToPath(new URL('../../src/frameworks/busi.proto', import.meta.url));
