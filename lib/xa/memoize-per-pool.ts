/**
 * Makes a function that finds something out once for each pool, and again only after it has failed.
 *
 * @param find - finds it out
 */
export function memoizePerPool<Pool extends object, T>(find: (pool: Pool) => Promise<T>): (pool: Pool) => Promise<T> {
  const found = new WeakMap<Pool, Promise<T>>();
  return (pool) => {
    const known = found.get(pool);
    if (known) return known;
    const finding = find(pool);
    found.set(pool, finding);
    finding.catch(() => found.delete(pool));
    return finding;
  };
}
