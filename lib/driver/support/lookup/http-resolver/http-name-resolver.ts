/**
 * Whether a URL belongs to a branch or to a coordinator. Only the `http://` URL of a coordinator may hold a service
 * name.
 */
export type HttpUrlRole = 'branch' | 'coordinator';

/** Where an HTTP request is sent. */
export interface HttpDestination {
  /** Absolute http or https URL. */
  readonly url: string;
  /** Headers to add to the request. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Resolves the names of HTTP services: a part of `DtmDriver`. */
export interface HttpNameResolver {
  /**
   * Whether a URL holds the name of a service. Such a URL is called over HTTP, whatever its scheme is.
   *
   * @param url - any URL
   * @param role - whose URL it is
   */
  isNamed(url: string, role: HttpUrlRole): boolean;
  /**
   * Checks a URL before it is stored.
   *
   * @param url - a URL that holds a name
   * @throws DtmArgumentError when it could never be called
   */
  check(url: string): void;
  /**
   * Chooses one instance of the named service; the next call may choose another one.
   *
   * @param url - a URL that holds a name
   * @param waitMs - milliseconds to wait for the first address, the time-out of the call. @default 5000
   * @throws Error when no instance is registered, or the registry does not answer
   */
  resolve(url: string, waitMs?: number): Promise<HttpDestination>;
}
