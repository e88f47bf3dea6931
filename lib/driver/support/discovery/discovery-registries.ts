import { DtmArgumentError, DtmConfigError } from '../../../protocol/internal.js';
import { formatHostPort } from '../../../support/host-port.js';
import { parseRegistryUrl, type RegistryUrl } from '../registry/registry-url.js';
import type { InstanceRegistry } from './instance-registry.js';

/** A kind of registry. */
export interface RegistryType {
  /** Where it listens by default. */
  readonly defaultPort: number;
  /** The part of it that the query of its URL names: services stand in one of them. @default it has no parts */
  readonly part?: ((query: URLSearchParams) => string | undefined) | undefined;
  /** @param url - of the registry */
  open(url: RegistryUrl): InstanceRegistry;
}

/** A registry that is used. */
export interface DiscoveryRegistry {
  /** Its URL without secrets. */
  readonly url: string;
  /** What stands in it. */
  readonly instances: InstanceRegistry;
}

/** The registries of a driver, each once. */
export class DiscoveryRegistries {
  readonly #driver: string;
  readonly #kinds: Readonly<Record<string, RegistryType>>;
  readonly #aliases: Readonly<Record<string, string>>;
  readonly #places = new Map<string, DiscoveryRegistry>();

  /**
   * @param driver - names it in messages
   * @param kinds - which registries there are, by the scheme of their URLs
   * @param aliases - other names of schemes
   */
  constructor(
    driver: string,
    kinds: Readonly<Record<string, RegistryType>>,
    aliases: Readonly<Record<string, string>> = {},
  ) {
    this.#driver = driver;
    this.#kinds = kinds;
    this.#aliases = aliases;
  }

  /** How their URLs are written. */
  get forms(): readonly [string, ...string[]] {
    return Object.keys(this.#kinds).map((scheme) => `${scheme}://host:port`) as [string, ...string[]];
  }

  /**
   * The registry in which services are found.
   *
   * @param url - of the registry, without a service
   * @throws DtmConfigError when there is none
   */
  registry(url: string): DiscoveryRegistry {
    try {
      const { path, place } = this.service(url);
      if (path === '') return place;
    } catch (cause) {
      if (!(cause instanceof DtmArgumentError)) throw cause;
      throw new DtmConfigError(`driver ${this.#driver}: the registry cannot be used: ${cause.message}`, { cause });
    }
    throw new DtmConfigError(`driver ${this.#driver}: the registry is written ${this.forms.join(', or ')}`);
  }

  /**
   * The registry of a service, and its path there.
   *
   * @param text - URL of the service in its registry
   * @throws DtmArgumentError when it is none
   * @throws DtmConfigError when there is no such registry
   */
  service(text: string): { readonly path: string; readonly place: DiscoveryRegistry } {
    const written = text.split(':', 1)[0]!.toLowerCase();
    const scheme = Object.hasOwn(this.#aliases, written) ? this.#aliases[written]! : written;
    const kind = Object.hasOwn(this.#kinds, scheme) ? this.#kinds[scheme] : undefined;
    const url = { ...parseRegistryUrl(text, kind?.defaultPort), scheme };
    if (!kind || url.hosts.length === 0) {
      const why = kind ? 'it has no host' : `${JSON.stringify(scheme)} is no registry of it`;
      throw new DtmConfigError(`driver ${this.#driver} takes the registries ${this.forms.join(', ')}; ${why}`);
    }
    return { path: url.path, place: this.#at(url, kind) };
  }

  #at(url: RegistryUrl, kind: RegistryType): DiscoveryRegistry {
    const { scheme, hosts, user, password, query } = url;
    const key = JSON.stringify([scheme, hosts.map(formatHostPort), user, password, [...query]]);
    const part = kind.part?.(query);
    const place = this.#places.get(key) ?? {
      url: `${scheme}://${hosts.map(formatHostPort).join()}${part === undefined ? '' : `/${part}`}`,
      instances: kind.open(url),
    };
    this.#places.set(key, place);
    return place;
  }
}
