const DIGIT = /\d/;

/**
 * A path with `*` in place of each segment that contains a digit, because such a segment is mostly an id. So
 * `/orders/17/pay` and `/orders/18/pay` are of one kind.
 *
 * @param path - path of a URL
 */
export function pathKind(path: string): string {
  if (!DIGIT.test(path)) return path;
  return path
    .split('/')
    .map((segment) => (DIGIT.test(segment) ? '*' : segment))
    .join('/');
}
