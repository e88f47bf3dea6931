import type * as Grpc from '@grpc/grpc-js';
import { DtmConfigError } from '../../../../protocol/internal.js';
import type { AddressSource, GrpcTarget } from '../address-source.js';
import { DEFAULT_WATCH_TIMES, SharedWatches, type Lookup, type WatchTimes } from '../shared-watches.js';
import { safeAuthority } from './safe-authority.js';
import { SourceResolver } from './source-resolver.js';

/** A URL scheme that gRPC is to resolve. */
export interface GrpcScheme {
  /** The scheme in lower case, without `://`. */
  readonly scheme: string;
  /** Name of the driver. */
  readonly driver: string;
  /** Finds the addresses of the targets. */
  readonly source: AddressSource;
  /**
   * The registry behind the scheme, without a password. gRPC has one table of schemes for the process, so that a second
   * registry is refused.
   *
   * @default each target names its registry
   */
  readonly registry?: string | undefined;
  /** The registry is not known yet; the driver will register the scheme again with another source. @default false */
  readonly isProvisional?: boolean | undefined;
  /** Seconds without an answer after which calls fail, while the lookup goes on. @default 5 */
  readonly answerTimeoutSeconds?: number | undefined;
}

/** A scheme that gRPC resolves. */
export interface GrpcSchemeHandle {
  /** Ends the watches that no channel uses. Without the call they end 10 seconds after their last use. */
  endUnused(): void;
}

/** gRPC resolves these itself. */
const RESERVED = ['dns', 'unix', 'ipv4', 'ipv6', 'xds'];

/** The driver of a scheme. */
interface Owner extends GrpcSchemeHandle {
  readonly driver: string;
  readonly registry: string | undefined;
  readonly isProvisional: boolean;
}

/** Names the registries of a driver whose options are empty. */
const WITHOUT_OPTIONS = 'registries without options';

/** The owners of schemes are kept on the loaded copy of gRPC, because the table of schemes is that copy's. */
const OWNERS = Symbol.for('nestjs-dtm:grpc-schemes');

/**
 * Registers the targets of a scheme in a copy of gRPC, for all its channels: those of the coordinator, of the client and of Nest's
 * `ClientGrpc`. Idempotent: the first source of a driver stays.
 *
 * @param grpc - the copy of `@grpc/grpc-js` that makes the calls
 * @param scheme - see {@link GrpcScheme}
 * @throws DtmConfigError when gRPC is too old, when another driver owns the scheme in this process, or when the same driver
 *   owns it with another registry
 */
export function registerGrpcScheme(grpc: typeof Grpc, scheme: GrpcScheme): GrpcSchemeHandle {
  const { answerTimeoutSeconds } = scheme;
  return registerTimedScheme(grpc, scheme, {
    ...DEFAULT_WATCH_TIMES,
    ...(answerTimeoutSeconds !== undefined && { answerTimeoutMs: answerTimeoutSeconds * 1000 }),
  });
}

/** {@link registerGrpcScheme} with all times and timers, for tests. */
export function registerTimedScheme(grpc: typeof Grpc, scheme: GrpcScheme, times: WatchTimes): GrpcSchemeHandle {
  const { scheme: name, driver, source, registry, isProvisional = false } = scheme;
  assertResolverApi(grpc, driver);
  if (!/^[a-z][a-z\d+.-]*$/.test(name) || RESERVED.includes(name)) {
    const why = RESERVED.includes(name) ? 'belongs to gRPC' : 'must be in lower case, as in a URL';
    throw new DtmConfigError(`driver ${driver}: the scheme ${JSON.stringify(name)} ${why}; choose another one`);
  }

  const owners = ownersIn(grpc);
  const owner = owners.get(name);
  if (owner?.driver === driver && (owner.registry === registry || isProvisional)) return owner;
  if (owner && !(owner.driver === driver && owner.isProvisional)) throw takenError(scheme, owner);
  const watches = new SharedWatches(times);
  grpc.experimental.registerResolver(name, resolverClass(grpc, sharedLookups(source, watches)));
  const added = { driver, registry, isProvisional, endUnused: () => watches.endUnused() };
  owners.set(name, added);
  return added;
}

function takenError(
  { scheme, driver, registry = WITHOUT_OPTIONS }: GrpcScheme,
  { driver: owner, registry: taken = WITHOUT_OPTIONS }: Owner,
): DtmConfigError {
  const [use, other, remedy] =
    owner === driver
      ? [`looks ${scheme}:// up in ${taken}`, registry, 'give the drivers the same registry and options']
      : [`uses ${owner} for ${scheme}://`, driver, 'give each process one of the two drivers'];
  return new DtmConfigError(`driver ${driver}: this process already ${use}, so it cannot use ${other}; ${remedy}`);
}

/** All channels with one target share one watch. */
function sharedLookups(source: AddressSource, watches: SharedWatches): (target: GrpcTarget) => Lookup {
  return (target) => {
    const watch = source.parse(target);
    return (listener) => watches.join(`${target.authority}/${target.path}`, watch, listener);
  };
}

type ResolverClass = Parameters<typeof Grpc.experimental.registerResolver>[1];

function resolverClass(grpc: typeof Grpc, parse: (target: GrpcTarget) => Lookup): ResolverClass {
  return class extends SourceResolver {
    static getDefaultAuthority(uri: Grpc.experimental.GrpcUri): string {
      return safeAuthority(targetOf(uri));
    }

    constructor(...[uri, listener, options]: ConstructorParameters<ResolverClass>) {
      super(grpc, parse, targetOf(uri), listener, options);
    }
  };
}

/** gRPC finds an authority only when a path follows: it splits `scheme://h:1` into the path `//h:1` and no authority. */
function targetOf({ scheme = '', authority, path }: Grpc.experimental.GrpcUri): GrpcTarget {
  if (authority !== undefined || !path.startsWith('//')) return { scheme, authority: authority ?? '', path };
  return { scheme, authority: path.slice(2).replace(/\/$/, ''), path: '' };
}

function assertResolverApi(grpc: typeof Grpc, driver: string): void {
  const { experimental } = grpc as { experimental?: Partial<typeof Grpc.experimental> };
  const functions = ['registerResolver', 'statusOrFromValue', 'statusOrFromError'] as const;
  const missing = functions.filter((name) => typeof experimental?.[name] !== 'function');
  if (missing.length === 0) return;
  throw new DtmConfigError(
    `driver ${driver} needs the resolvers of @grpc/grpc-js 1.14 or newer; the installed version lacks ` +
      `${missing.map((name) => `experimental.${name}`).join(' and ')}: npm install @grpc/grpc-js@^1.14`,
  );
}

function ownersIn(grpc: typeof Grpc): Map<string, Owner> {
  const table = grpc.experimental.registerResolver as { [OWNERS]?: Map<string, Owner> };
  if (!table[OWNERS]) Object.defineProperty(table, OWNERS, { value: new Map() });
  return table[OWNERS]!;
}
