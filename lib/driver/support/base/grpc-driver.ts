import { DtmArgumentError, DtmConfigError, type ServerMethod } from '../../../protocol/internal.js';
import { loadGrpc } from '../../../support/load-grpc.js';
import { redactUrls } from '../../../support/redact-urls.js';
import type { DriverRegistration, DtmDriver, RegisterOptions } from '../../driver.js';
import type { AddressSource } from '../lookup/grpc-resolver/address-source.js';
import { registerGrpcScheme, type GrpcSchemeHandle } from '../lookup/grpc-resolver/register-scheme.js';
import { splitBranchUrl } from './split-branch-url.js';

/** A scheme of a {@link grpcDriver}. */
export interface DriverScheme {
  /** How the URL of a branch is written, for messages. */
  readonly form: string;
  /** Where the addresses of its targets come from. */
  readonly source: AddressSource;
  /**
   * The registry that is asked, where its URLs do not say it; without a password.
   *
   * @default they say it
   */
  readonly registry?: string | undefined;
  /** Nobody knows its addresses yet: another source of the driver takes its place. @default false */
  readonly isProvisional?: boolean | undefined;
  /** Its URLs may have a user and a query behind the service. @default false */
  readonly withOptions?: boolean | undefined;
}

/** What makes a {@link grpcDriver}. */
export interface GrpcDriverParts {
  /** Name of the driver. */
  readonly name: string;
  /** What gRPC is to resolve; asked each time, as it may depend on the target that was given. */
  schemes(): Readonly<Record<string, DriverScheme>>;
  /**
   * Checks a target, without touching the registry.
   *
   * @param target - which registry, and under which name
   * @param endpoint - where the service is reached
   * @returns enters it
   * @throws DtmConfigError or DtmArgumentError when one of the two cannot be used
   */
  target(target: string, endpoint: string): Register;
}

/** Enters a service; see {@link DtmDriver.registerService}. */
export type Register = (options?: RegisterOptions) => Promise<DriverRegistration>;

/**
 * A driver whose services are called over gRPC and stand in registries.
 *
 * @param parts - what is the framework's own
 */
export function grpcDriver({ name, schemes, target: targetOf }: GrpcDriverParts): DtmDriver {
  const handles = new Map<string, GrpcSchemeHandle>();
  const registrationOf = (target: string, endpoint: string): Register => {
    try {
      return targetOf(target, endpoint);
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
    registerService: async (target, endpoint, options) => registrationOf(target, endpoint)(options),
    useTarget: (target, endpoint) => void registrationOf(target, endpoint),
    parseServerMethod,
    branchUrl(service, method) {
      const url = service + method;
      const refusal = (why: string): DtmArgumentError => new DtmArgumentError(`bad url: '${redactUrls(url)}'. ${why}`);
      if (/[?@]/.test(service)) {
        throw refusal(
          'Go dtm drops the user and the query of a service, and asks the registry without them; leave them out, and let ' +
            'the service stand where dtm looks: in the default namespace and group, readable for everybody',
        );
      }
      const found = parseServerMethod(url);
      if (found.server === service && found.method === method) return url;
      throw refusal(`the driver ${name} takes ${found.server} for the service, ${found.method} for the method`);
    },
    async close() {
      for (const handle of handles.values()) handle.endUnused();
    },
  };
}
