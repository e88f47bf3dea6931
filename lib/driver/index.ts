/**
 * How the services of a microservice framework are found and registered.
 *
 * @module nestjs-dtm/driver
 */
export { branchUrlOf } from './branch-url-of.js';
export { splitBranchUrl, type BranchUrlRules } from './branch-url.js';
export { defaultDriver } from './default/default-driver.js';
export type { DriverRegistration, DtmDriver, GrpcCallParts, RegisterOptions } from './driver.js';
export { DriverRegistry } from './driver-registry.js';
export type { AddressListener, AddressSource, GrpcTarget } from './grpc-resolver/address-source.js';
export { registerGrpcScheme, type GrpcScheme, type GrpcSchemeHandle } from './grpc-resolver/register-scheme.js';
export { hostPort, parseHostPort, type Address } from './host-port.js';
export type { HttpDestination, HttpNames, HttpUrlOf } from './http-names/http-names.js';
export type { After } from './keep-trying.js';
export { protocol1Driver } from './protocol1/protocol1-driver.js';
export { resolveDriver } from './resolve-driver.js';
export { driversOf } from './scheme-drivers.js';
export { withoutPassword } from './without-password.js';
