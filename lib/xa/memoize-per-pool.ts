/** Memoizes a function for each pool. A failure is not kept: the next call runs the function again. */
export function memoizePerPool<Pool extends object, T>(load: (pool: Pool) => Promise<T>): (pool: Pool) => Promise<T> {
  const results = new WeakMap<Pool, Promise<T>>();
  return (pool) => {
    const known = results.get(pool);
    if (known) return known;
    const result = load(pool);
    results.set(pool, result);
    result.catch(() => results.delete(pool));
    return result;
  };
}
