import type { DriverRegistration, DtmDriver, RegisterOptions } from './driver.js';
import type { AddressSource } from './grpc-resolver/address-source.js';
import { registerGrpcScheme, type GrpcSchemeHandle } from './grpc-resolver/register-scheme.js';
import { splitBranchUrl } from './branch-url.js';

/** A scheme of a {@link registryDriver}. */
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
  /** Its URLs may have a user and a query behind the service. @default false */
  readonly withOptions?: boolean | undefined;
}

/** What makes a {@link registryDriver}. */
export interface RegistryDriverParts {
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
   * @throws DtmConfigError when one of the two cannot be used
   */
  target(target: string, endpoint: string): Register;
}

/** Enters a service; see {@link DtmDriver.registerGrpcService}. */
export type Register = (options?: RegisterOptions) => Promise<DriverRegistration>;

/**
 * A driver whose services stand in registries.
 *
 * @param parts - what is the framework's own
 */
export function registryDriver({ name, schemes, target: registrationOf }: RegistryDriverParts): DtmDriver {
  const handles = new Map<string, GrpcSchemeHandle>();
  return {
    name,
    async registerGrpcResolver() {
      const grpc = await import('@grpc/grpc-js');
      for (const [scheme, { source, registry }] of Object.entries(schemes())) {
        handles.set(scheme, registerGrpcScheme(grpc, { scheme, driver: name, source, registry }));
      }
    },
    registerGrpcService: async (target, endpoint, options) => registrationOf(target, endpoint)(options),
    useTarget: (target, endpoint) => void registrationOf(target, endpoint),
    parseServerMethod(uri) {
      const entries = Object.entries(schemes());
      const forms = Object.fromEntries(entries.map(([scheme, { form }]) => [scheme, form]));
      const withOptions = entries.filter(([, one]) => one.withOptions).map(([scheme]) => scheme);
      return splitBranchUrl(uri, { driver: name, schemes: forms, withOptions });
    },
    async close() {
      for (const handle of handles.values()) handle.endUnused();
    },
  };
}
