import type * as Grpc from '@grpc/grpc-js';
import { DtmConfigError } from '../../../../protocol/internal.js';
import type { After } from '../../../../support/after.js';
import type { AddressSource, GrpcTarget } from './address-source.js';
import { safeAuthority } from './safe-authority.js';
import { DEFAULT_TIMEOUTS, SharedAddressSource } from './shared-address-source.js';
import { SourceResolver } from './source-resolver.js';

/** A scheme that a driver makes known to gRPC. */
export interface GrpcScheme {
  /** In lower case, without `://`. */
  readonly scheme: string;
  /** Name of the driver. */
  readonly driver: string;
  /** Where the addresses of its targets come from. */
  readonly source: AddressSource;
  /**
   * The registry that is asked, where the targets do not say which; without a password. gRPC has one table for the process:
   * another one is refused.
   *
   * @default they say it
   */
  readonly registry?: string | undefined;
  /** Nobody knows its addresses yet: another source of the driver takes its place. @default false */
  readonly isProvisional?: boolean | undefined;
  /** Calls fail when there is no address for this long; the source goes on trying. @default 5 */
  readonly silenceSeconds?: number | undefined;
  /** Timers. @default those of the machine; tests give virtual ones */
  readonly after?: After | undefined;
}

/** A scheme that was made known. */
export interface GrpcSchemeHandle {
  /** Ends the watches that nobody uses at present, which would linger otherwise. */
  endUnused(): void;
}

/** Served by gRPC itself. */
const RESERVED = ['dns', 'unix', 'ipv4', 'ipv6', 'xds'];

/** Who serves a scheme. */
interface Owner extends GrpcSchemeHandle {
  readonly driver: string;
  readonly registry: string | undefined;
  readonly isProvisional: boolean;
}

/** Who serves which scheme, kept on the loaded copy of gRPC, whose table of schemes it is. */
const OWNERS = Symbol.for('nestjs-dtm:grpc-schemes');

/**
 * Makes the targets of a scheme known to a copy of gRPC, for all its channels: those of the coordinator, of the client and
 * of Nest's `ClientGrpc`. Idempotent; the first registration of a driver stays.
 *
 * @param grpc - the copy that makes the calls
 * @param scheme - what is registered
 * @throws DtmConfigError when gRPC is too old, or another driver serves the scheme in this process, or the same one with
 *   another registry
 */
export function registerGrpcScheme(grpc: typeof Grpc, scheme: GrpcScheme): GrpcSchemeHandle {
  const {
    scheme: name,
    driver,
    source,
    registry,
    isProvisional = false,
    silenceSeconds = DEFAULT_TIMEOUTS.silenceMs / 1000,
    after = DEFAULT_TIMEOUTS.after,
  } = scheme;
  checkResolverApi(grpc, driver);
  if (!/^[a-z][a-z\d+.-]*$/.test(name) || RESERVED.includes(name)) {
    const why = RESERVED.includes(name) ? 'belongs to gRPC' : 'must be in lower case, as in a URL';
    throw new DtmConfigError(`driver ${driver}: the scheme ${JSON.stringify(name)} ${why}; choose another one`);
  }

  const owners = ownersIn(grpc);
  const owner = owners.get(name);
  if (owner?.driver === driver && (owner.registry === registry || isProvisional)) return owner;
  if (owner && !(owner.driver === driver && owner.isProvisional)) {
    const [other, remedy] =
      owner.driver === driver
        ? [`looked up in ${shown(owner)}, not in ${shown(scheme)},`, 'give its drivers the same registry and options']
        : [`served by ${owner.driver}`, 'give each process one of the two drivers'];
    throw new DtmConfigError(
      `driver ${driver}: the scheme ${name}:// is ${other} in this process, and gRPC has one table of schemes; ${remedy}`,
    );
  }
  const shared = new SharedAddressSource(source, { ...DEFAULT_TIMEOUTS, silenceMs: silenceSeconds * 1000, after });
  grpc.experimental.registerResolver(name, resolverClass(grpc, shared));
  const made = { driver, registry, isProvisional, endUnused: () => shared.endUnused() };
  owners.set(name, made);
  return made;
}

function shown({ registry = 'registries without options' }: Pick<GrpcScheme, 'registry'>): string {
  return registry;
}

type ResolverClass = Parameters<typeof Grpc.experimental.registerResolver>[1];

function resolverClass(grpc: typeof Grpc, source: AddressSource): ResolverClass {
  return class extends SourceResolver {
    static getDefaultAuthority(uri: Grpc.experimental.GrpcUri): string {
      return safeAuthority(targetOf(uri));
    }

    constructor(...[uri, listener, options]: ConstructorParameters<ResolverClass>) {
      super(grpc, source, targetOf(uri), listener, options);
    }
  };
}

/** gRPC finds an authority only where a path follows: of `scheme://h:1` it makes the path `//h:1`. */
function targetOf({ scheme = '', authority, path }: Grpc.experimental.GrpcUri): GrpcTarget {
  if (authority !== undefined || !path.startsWith('//')) return { scheme, authority: authority ?? '', path };
  return { scheme, authority: path.slice(2).replace(/\/$/, ''), path: '' };
}

function checkResolverApi(grpc: typeof Grpc, driver: string): void {
  const { experimental } = grpc as { experimental?: Partial<typeof Grpc.experimental> };
  const functions = ['registerResolver', 'statusOrFromValue', 'statusOrFromError'] as const;
  const missing = functions.filter((name) => typeof experimental?.[name] !== 'function');
  if (missing.length === 0) return;
  throw new DtmConfigError(
    `driver ${driver} needs the resolvers of @grpc/grpc-js 1.14 or newer; the installed one has no ` +
      `${missing.map((name) => `experimental.${name}`).join(', no ')}: npm install @grpc/grpc-js@^1.14`,
  );
}

function ownersIn(grpc: typeof Grpc): Map<string, Owner> {
  const table = grpc.experimental.registerResolver as { [OWNERS]?: Map<string, Owner> };
  if (!table[OWNERS]) Object.defineProperty(table, OWNERS, { value: new Map() });
  return table[OWNERS]!;
}
