import type { Type } from '@nestjs/common';
import type { GrpcOptions, Transport } from '@nestjs/microservices';
import { loadProtos } from '../client/payload/proto/load-protos.js';
import { findBranchDefinition } from '../nest/branch/definition/branch-definition.js';
import type { RpcName } from '../nest/branch/definition/rpc-name.js';
import { genericMethod } from '../nest/branch/serve/generic-message.js';
import { parseShutdownTimeout } from '../nest/options/parse-shutdown-timeout.js';
import { QUERY_PREPARED_RPC } from '../nest/query-prepared/query-prepared.controller.js';
import { GRPC_TRANSPORT } from '../nest/undocumented/message-pattern.js';
import { DtmConfigError } from '../protocol/internal.js';
import { acceptEmptyAuthority } from '../support/empty-authority/accept-empty-authority.js';
import { boundShutdown, type BoundedServer } from './bound-shutdown.js';

type PackageDefinition = NonNullable<GrpcOptions['options']['packageDefinition']>;

/** Options of {@link dtmGrpcOptions}: Nest's options for gRPC, without the ones that the controllers determine. */
export interface DtmGrpcOptions extends Omit<
  GrpcOptions['options'],
  'package' | 'packageDefinition' | 'loader' | 'gracefulShutdown'
> {
  /** Packages of the .proto files whose services the application serves. @default none */
  readonly package?: string | string[] | undefined;
  /** Loaded .proto files, instead of their paths. @default the files of `protoPath` */
  readonly packageDefinition?: GrpcOptions['options']['packageDefinition'];
  /**
   * Options of `@grpc/proto-loader` for `protoPath`.
   *
   * @default `{ longs: String, enums: String, defaults: true, oneofs: true }`, as for the option `protos` of `DtmModule`
   */
  readonly loader?: GrpcOptions['options']['loader'];
  /** Waits at shutdown until running calls are answered, see `shutdownTimeoutSeconds`. @default true */
  readonly gracefulShutdown?: boolean | undefined;
  /** Longest time, in seconds, that the shutdown waits for the answers to running calls. @default 20 */
  readonly shutdownTimeoutSeconds?: number | undefined;
}

/** Package of the services that need no .proto. */
const GENERIC_PACKAGE = 'nestjsdtm';

/** A branch method of a controller with its name over gRPC. */
interface BranchRpc extends RpcName {
  /** `Class.method`. */
  readonly handler: string;
}

/**
 * Creates the options of a Nest microservice that serves branches over gRPC: in the services of the application's own .proto
 * files, and in services that need no .proto and take JSON (`nestjsdtm.Payload`). The microservice also answers the
 * coordinator's query-back about messages.
 *
 * @param controllers - all controllers with branches
 * @param options - url, credentials, .proto files and Nest's other options
 * @throws DtmConfigError when a controller has no branches, or two branches have the same name over gRPC
 *
 * @example
 * app.connectMicroservice(dtmGrpcOptions([BankController], { url: '0.0.0.0:50051' }));
 */
export function dtmGrpcOptions(controllers: readonly Type[], options: DtmGrpcOptions = {}): GrpcOptions {
  const { package: own, packageDefinition, protoPath, loader, shutdownTimeoutSeconds, ...others } = options;
  const { gracefulShutdown = true, onLoadPackageDefinition } = options;
  const timeoutSeconds = parseShutdownTimeout('dtmGrpcOptions', shutdownTimeoutSeconds);
  const ownPackages = own === undefined ? [] : typeof own === 'string' ? [own] : own;
  // read as the option `protos` reads them, so that a message looks the same to the caller and to the branch
  const files = protoPath === undefined ? {} : loadProtos({ protoPath, loader: { ...loader } }, 'dtmGrpcOptions');
  return {
    transport: GRPC_TRANSPORT as Transport.GRPC,
    options: {
      ...others,
      gracefulShutdown,
      onLoadPackageDefinition: (definition: unknown, server: BoundedServer) => {
        boundShutdown(server, timeoutSeconds * 1000);
        acceptEmptyAuthority(server);
        onLoadPackageDefinition?.(definition, server);
      },
      package: [...ownPackages, GENERIC_PACKAGE],
      packageDefinition: {
        ...(packageDefinition ?? files),
        ...genericServices(controllers),
      },
    },
  };
}

function genericServices(controllers: readonly Type[]): PackageDefinition {
  const owners = new Map<string, string>();
  const { service: queryBack, method: ask } = QUERY_PREPARED_RPC;
  const services: Record<string, Record<string, ReturnType<typeof genericMethod>>> = {
    [queryBack]: { [ask]: genericMethod(queryBack, ask) },
  };
  for (const controller of controllers) {
    const branches = listBranches(controller);
    if (branches.length === 0) {
      throw new DtmConfigError(
        `dtmGrpcOptions: ${controller.name} has no branches; list only controllers with branches`,
      );
    }
    for (const { handler, service, method } of branches) {
      if (!service.startsWith(`${GENERIC_PACKAGE}.`)) continue;
      const key = `${service}/${method}`;
      const owner = owners.get(key);
      if (owner !== undefined) {
        throw new DtmConfigError(
          `dtmGrpcOptions: ${handler} and ${owner} have the same gRPC name ${key}; set service or rpc on one of the two decorators`,
        );
      }
      owners.set(key, handler);
      (services[service] ??= {})[method] = genericMethod(service, method);
    }
  }
  return services as PackageDefinition;
}

function listBranches(controller: Type): BranchRpc[] {
  const found = new Map<string, BranchRpc>();
  for (let prototype = controller.prototype as object; prototype !== Object.prototype;) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const value = Object.getOwnPropertyDescriptor(prototype, name)?.value as unknown;
      const rpc = findBranchDefinition(value)?.rpc;
      if (rpc && !found.has(name)) found.set(name, { handler: `${controller.name}.${name}`, ...rpc });
    }
    prototype = Object.getPrototypeOf(prototype) as object;
  }
  return [...found.values()];
}
