import { SqlFailure, type FailureKind } from './sql-failure.js';

/** Attempts by kind of failure; other failures are not retried. */
const MAX_ATTEMPTS: Readonly<Partial<Record<FailureKind, number>>> = { conflict: 6, interrupted: 2 };

/**
 * Repeats work that was rolled back because of a concurrent transaction or a closed connection.
 *
 * @param work - leaves nothing behind when it throws one of these failures
 */
export async function withRetries<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const maxAttempts = error instanceof SqlFailure ? (MAX_ATTEMPTS[error.kind] ?? 1) : 1;
      if (attempt >= maxAttempts) throw error;
      await pause(Math.random() * 5 * 2 ** attempt);
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
