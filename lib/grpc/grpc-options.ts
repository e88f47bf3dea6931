import { createRequire } from 'node:module';
import type { Type } from '@nestjs/common';
import type { GrpcOptions, Transport } from '@nestjs/microservices';
import { findBranchDefinition } from '../nest/branch/definition/branch-definition.js';
import { genericMethod } from '../nest/branch/serve/generic-message.js';
import { QueryPreparedController } from '../nest/query-prepared/query-prepared.controller.js';
import { DtmConfigError } from '../protocol/internal.js';

type NestGrpcOptions = GrpcOptions['options'];
type PackageDefinition = NonNullable<NestGrpcOptions['packageDefinition']>;

/** Options of {@link dtmGrpcOptions}: those of Nest for gRPC, without what follows from the controllers. */
export interface DtmGrpcOptions extends Omit<NestGrpcOptions, 'package' | 'packageDefinition'> {
  /** Packages of the .proto files whose services the application serves. @default none */
  readonly package?: string | string[] | undefined;
  /** Loaded .proto files, instead of their paths. @default those of `protoPath` */
  readonly packageDefinition?: PackageDefinition | undefined;
}

/** Package of the services that need no .proto. */
const GENERIC_PACKAGE = 'nestjsdtm';

/**
 * Options of a Nest microservice that serves branches over gRPC: those of the application's own .proto files, and those
 * that have none, which take and answer JSON (`nestjsdtm.Payload`). It also answers the coordinator about the local
 * transactions of messages.
 *
 * @param controllers - all controllers with branches
 * @param options - url, credentials, .proto files and whatever else Nest takes
 * @throws DtmConfigError when a controller has no branches, or two of them have the same name over gRPC
 *
 * @example
 * app.connectMicroservice(dtmGrpcOptions([BankController], { url: '0.0.0.0:50051' }));
 */
export function dtmGrpcOptions(controllers: readonly Type[], options: DtmGrpcOptions = {}): GrpcOptions {
  const { package: own, packageDefinition, protoPath, loader, ...others } = options;
  const ownPackages = own === undefined ? [] : typeof own === 'string' ? [own] : own;
  const protos = packageDefinition ?? (protoPath === undefined ? {} : loadProtos(protoPath, loader));
  return {
    // the number of gRPC: the package itself is not loaded for it
    transport: 4 as Transport.GRPC,
    options: {
      ...others,
      package: [...ownPackages, GENERIC_PACKAGE],
      packageDefinition: { ...protos, ...genericServices([QueryPreparedController, ...controllers]) },
    },
  };
}

function genericServices(controllers: readonly Type[]): PackageDefinition {
  const owners = new Map<string, string>();
  const services: Record<string, Record<string, ReturnType<typeof genericMethod>>> = {};
  for (const controller of controllers) {
    const branches = branchesOf(controller);
    if (branches.length === 0) {
      throw new DtmConfigError(
        `dtmGrpcOptions: ${controller.name} has no branches; list controllers with branches only`,
      );
    }
    for (const { name, service, method } of branches) {
      if (!service.startsWith(`${GENERIC_PACKAGE}.`)) continue;
      const key = `${service}/${method}`;
      const owner = owners.get(key);
      if (owner !== undefined) {
        throw new DtmConfigError(
          `${controller.name}.${name} and ${owner} are both ${key} over gRPC; give one of them another service or rpc in its decorator`,
        );
      }
      owners.set(key, `${controller.name}.${name}`);
      (services[service] ??= {})[method] = genericMethod(service, method);
    }
  }
  return services as PackageDefinition;
}

function branchesOf(controller: Type): { name: string; service: string; method: string }[] {
  const found = new Map<string, { name: string; service: string; method: string }>();
  for (let prototype = controller.prototype as object; prototype !== Object.prototype;) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const value = Object.getOwnPropertyDescriptor(prototype, name)?.value as unknown;
      const rpc = findBranchDefinition(value)?.rpc;
      if (rpc && !found.has(name)) found.set(name, { name, ...rpc });
    }
    prototype = Object.getPrototypeOf(prototype) as object;
  }
  return [...found.values()];
}

/** As Nest does it, and with the package that Nest needs itself. */
function loadProtos(path: string | string[], loader: NestGrpcOptions['loader']): PackageDefinition {
  const require = createRequire(import.meta.url);
  const { loadSync } = require('@grpc/proto-loader') as {
    loadSync: (path: string | string[], options: unknown) => PackageDefinition;
  };
  return loadSync(path, loader);
}
