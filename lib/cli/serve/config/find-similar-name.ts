/**
 * Finds the name that a misspelt name most likely stands for.
 *
 * @param name - the misspelt name
 * @param candidates - the names that exist
 * @returns undefined when no name is similar
 */
export function findSimilarName(name: string, candidates: readonly string[]): string | undefined {
  const written = name.toLowerCase();
  const allowed = Math.max(1, Math.floor(written.length / 4));
  let best: string | undefined;
  let leastDistance = allowed + 1;
  for (const candidate of candidates) {
    const distance = editDistance(written, candidate.toLowerCase(), leastDistance);
    if (distance < leastDistance) {
      best = candidate;
      leastDistance = distance;
    }
  }
  // the right name in the wrong group
  return best ?? candidates.find((candidate) => lastPart(candidate) === lastPart(written));
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1).toLowerCase();
}

/** The Levenshtein distance of two texts, or `limit` when the distance is that long or longer. */
function editDistance(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) >= limit) return limit;
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column++) {
      const change = (row[column - 1] ?? 0) + (letter === to[column - 1] ? 0 : 1);
      next.push(Math.min(change, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return Math.min(row[to.length] ?? limit, limit);
}
