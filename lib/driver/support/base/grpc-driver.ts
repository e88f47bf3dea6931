import { DtmArgumentError, DtmConfigError, type ServerMethod } from '../../../protocol/internal.js';
import { loadGrpc } from '../../../support/load-grpc.js';
import { redactUrls } from '../../../support/redact-urls.js';
import type { DtmDriver, PreparedService } from '../../driver.js';
import type { AddressSource } from '../lookup/address-source.js';
import { registerGrpcScheme, type GrpcSchemeHandle } from '../lookup/grpc-resolver/register-grpc-scheme.js';
import { joinBranchUrl } from './branch-url-of.js';
import { splitBranchUrl } from './split-branch-url.js';

/** A URL scheme of a {@link grpcDriver}. */
export interface DriverScheme {
  /** Format of the URL of a branch, for messages. */
  readonly form: string;
  /** Finds the addresses of a target. */
  readonly source: AddressSource;
  /**
   * The registry behind the scheme, without a password.
   *
   * @default each target names its registry
   */
  readonly registry?: string | undefined;
  /** The registry is not known yet; the driver will register another source. @default false */
  readonly isProvisional?: boolean | undefined;
  /** A URL may have a user, and a query behind the service. @default false */
  readonly withOptions?: boolean | undefined;
}

/** The parts of a {@link grpcDriver} that belong to the framework. */
export interface GrpcDriverDefinition {
  /** Name of the driver. */
  readonly name: string;
  /** The schemes that gRPC is to resolve. A function, because they may depend on the first target. */
  schemes(): Readonly<Record<string, DriverScheme>>;
  /**
   * Parses a target and an endpoint, without a request to the registry.
   *
   * @throws DtmConfigError or DtmArgumentError when one of them can never be used
   */
  prepareService(target: string, endpoint: string): PreparedService;
}

/** A driver of a framework whose services are registered in registries and called over gRPC. */
export function grpcDriver({ name, schemes, prepareService }: GrpcDriverDefinition): DtmDriver {
  const handles = new Map<string, GrpcSchemeHandle>();
  const prepare = (target: string, endpoint: string): PreparedService => {
    try {
      return prepareService(target, endpoint);
    } catch (cause) {
      if (!(cause instanceof DtmArgumentError)) throw cause;
      throw new DtmConfigError(`driver ${name}: the target cannot be used: ${cause.message}`, { cause });
    }
  };
  const parseServerMethod = (uri: string): ServerMethod => {
    const entries = Object.entries(schemes());
    const forms = Object.fromEntries(entries.map(([scheme, { form }]) => [scheme, form]));
    const withOptions = entries.filter(([, one]) => one.withOptions).map(([scheme]) => scheme);
    return splitBranchUrl(uri, { driver: name, schemes: forms, withOptions });
  };
  return {
    name,
    async registerGrpcResolver() {
      const grpc = await loadGrpc();
      for (const [scheme, { source, registry, isProvisional }] of Object.entries(schemes())) {
        handles.set(scheme, registerGrpcScheme(grpc, { scheme, driver: name, source, registry, isProvisional }));
      }
    },
    registerService: async (target, endpoint, options) => prepare(target, endpoint).register(options),
    prepareService: prepare,
    parseServerMethod,
    branchUrl(service, method) {
      if (/[?@]/.test(service)) {
        throw new DtmArgumentError(
          `branch URL '${redactUrls(service + method)}' is invalid: Go dtm ignores the user and the query of a service; ` +
            'remove them, register the service in the default namespace and group, and allow anonymous reads',
        );
      }
      return joinBranchUrl({ name, parseServerMethod }, service, method);
    },
    async close() {
      for (const handle of handles.values()) handle.endUnused();
    },
  };
}
