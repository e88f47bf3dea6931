/**
 * How services of a microservice framework are found and registered: the port for authors of drivers, and what a driver is
 * built from.
 *
 * @module nestjs-dtm/driver
 */
export { defaultDriver } from './default/default-driver.js';
export type { DriverRegistration, DtmDriver, OutgoingGrpcCall, PreparedService, RegisterOptions } from './driver.js';
export { DriverRegistry } from './driver-registry.js';
export { protocol1Driver } from './protocol1/protocol1-driver.js';
export { resolveDriver } from './resolve-driver.js';
export { branchUrlOf } from './support/base/branch-url-of.js';
export { splitBranchUrl, type BranchUrlRules } from './support/base/split-branch-url.js';
export type { AddressListener, AddressSource, GrpcTarget, WatchAddresses } from './support/lookup/address-source.js';
export {
  registerGrpcScheme,
  type GrpcScheme,
  type GrpcSchemeHandle,
} from './support/lookup/grpc-resolver/register-grpc-scheme.js';
export type { ServiceAddress } from './support/tools/service-address.js';
export type {
  HttpDestination,
  HttpNameResolver,
  HttpUrlRole,
} from './support/lookup/http-resolver/http-name-resolver.js';
export { formatHostPort, parseHostPort, type HostPort } from '../support/host-port.js';
export { redactUrls } from '../support/redact-urls.js';
