import { DtmArgumentError, DtmConfigError } from '../../../protocol/internal.js';
import { formatHostPort } from '../../../support/host-port.js';
import { parseRegistryUrl, type RegistryUrl } from '../registry/registry-url.js';
import type { InstanceRegistry } from './instance-registry.js';

/** A type of registry that a framework can use. */
export interface RegistryType {
  /** Port of a host without one. */
  readonly defaultPort: number;
  /** The namespace that the query of a URL names. @default the registry has no namespaces */
  readonly namespaceOf?: ((query: URLSearchParams) => string | undefined) | undefined;
  /** Opens the registry at a URL. */
  open(url: RegistryUrl): InstanceRegistry;
}

/** A registry that a driver uses. */
export interface DiscoveryRegistry {
  /** Names the registry in messages, without secrets. */
  readonly url: string;
  /** Its instances. */
  readonly instances: InstanceRegistry;
}

/** The registries of a driver; each is opened once. */
export class DiscoveryRegistries {
  readonly #driver: string;
  readonly #types: Readonly<Record<string, RegistryType>>;
  readonly #aliases: Readonly<Record<string, string>>;
  readonly #opened = new Map<string, DiscoveryRegistry>();

  /**
   * @param driver - names the driver in messages
   * @param types - the types of registries by the scheme of their URLs
   * @param aliases - other names of schemes
   */
  constructor(
    driver: string,
    types: Readonly<Record<string, RegistryType>>,
    aliases: Readonly<Record<string, string>> = {},
  ) {
    this.#driver = driver;
    this.#types = types;
    this.#aliases = aliases;
  }

  /** Formats of the registries' URLs. */
  get forms(): readonly [string, ...string[]] {
    return Object.keys(this.#types).map((scheme) => `${scheme}://host:port`) as [string, ...string[]];
  }

  /**
   * Parses the URL of a registry.
   *
   * @param url - the URL, without a service
   * @throws DtmConfigError when the URL cannot be used
   */
  parseRegistry(url: string): DiscoveryRegistry {
    try {
      const { path, registry } = this.parseTarget(url);
      if (path === '') return registry;
    } catch (cause) {
      if (!(cause instanceof DtmArgumentError)) throw cause;
      throw new DtmConfigError(`driver ${this.#driver}: the registry cannot be used: ${cause.message}`, { cause });
    }
    throw new DtmConfigError(
      `driver ${this.#driver}: the URL of the registry has a path; expected ${this.forms.join(' or ')}`,
    );
  }

  /**
   * Parses a target, the URL of a service in its registry.
   *
   * @returns the registry, and the path of the service in it
   * @throws DtmArgumentError for a malformed URL
   * @throws DtmConfigError for a registry that the driver does not know
   */
  parseTarget(target: string): { readonly path: string; readonly registry: DiscoveryRegistry } {
    const written = target.split(':', 1)[0]!.toLowerCase();
    const scheme = Object.hasOwn(this.#aliases, written) ? this.#aliases[written]! : written;
    const type = Object.hasOwn(this.#types, scheme) ? this.#types[scheme] : undefined;
    const url = { ...parseRegistryUrl(target, type?.defaultPort), scheme };
    if (!type || url.hosts.length === 0) {
      const why = type ? 'no host' : `the scheme ${JSON.stringify(scheme)}`;
      throw new DtmConfigError(
        `driver ${this.#driver}: the URL of the registry has ${why}; expected ${this.forms.join(' or ')}`,
      );
    }
    return { path: url.path, registry: this.#open(url, type) };
  }

  #open(url: RegistryUrl, type: RegistryType): DiscoveryRegistry {
    const { scheme, hosts, user, password, query } = url;
    const members = hosts.map(formatHostPort).join();
    const key = JSON.stringify([scheme, members, user, password, [...query]]);
    const namespace = type.namespaceOf?.(query);
    const registry = this.#opened.get(key) ?? {
      url: `${scheme}://${members}${namespace === undefined ? '' : `/${namespace}`}`,
      instances: type.open(url),
    };
    this.#opened.set(key, registry);
    return registry;
  }
}
