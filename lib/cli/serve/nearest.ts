/**
 * What somebody who misspelt a name most likely meant.
 *
 * @param name - as it was written
 * @param candidates - names that exist
 * @returns undefined when nothing resembles it
 */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const written = name.toLowerCase();
  const allowed = Math.max(1, Math.floor(written.length / 4));
  let best: string | undefined;
  let least = allowed + 1;
  for (const candidate of candidates) {
    const distance = editDistance(written, candidate.toLowerCase(), least);
    if (distance < least) {
      best = candidate;
      least = distance;
    }
  }
  // the right name in the wrong group
  return best ?? candidates.find((candidate) => lastWord(candidate) === lastWord(written));
}

function lastWord(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1).toLowerCase();
}

/** Letters to add, leave out or change (Levenshtein); `limit` when it is that many or more. */
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
