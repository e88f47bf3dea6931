/** Whose URL it is: plain `http://` URLs of branches are never taken for names, that of the coordinator may be one. */
export type HttpUrlRole = 'branch' | 'coordinator';

/** Where an HTTP request goes in the end. */
export interface HttpDestination {
  /** Absolute http or https URL. */
  readonly url: string;
  /** Headers that belong to it. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Finds services of HTTP by name: a part of `DtmDriver`. */
export interface HttpNameResolver {
  /**
   * Whether a URL holds a name that has to be looked up. Such a URL is called over HTTP, whatever its scheme.
   *
   * @param url - any URL
   * @param of - whose it is
   */
  isNamed(url: string, of: HttpUrlRole): boolean;
  /**
   * Refuses what could never be called.
   *
   * @param url - one that is named
   * @throws DtmArgumentError saying what is wrong
   */
  check(url: string): void;
  /**
   * One of the places where a URL leads at present; another one the next time, where there are several.
   *
   * @param url - one that is named
   * @throws Error when nobody serves it, or the registry cannot be asked
   */
  resolve(url: string): Promise<HttpDestination>;
}
