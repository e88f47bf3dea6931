/**
 * The server that a branch URL leads to: scheme, host and port, or what stands before the first slash of a gRPC URL.
 *
 * @param url - branch URL
 */
export function targetOf(url: string): string {
  const scheme = url.indexOf('://');
  const host = scheme < 0 ? 0 : scheme + 3;
  // drivers write protocol1:///host:port/method
  const from = url[host] === '/' ? host + 1 : host;
  const end = url.slice(from).search(/[/?#]/);
  return end < 0 ? url : url.slice(0, from + end);
}
