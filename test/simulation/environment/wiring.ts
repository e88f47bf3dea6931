import { createCoordinator, type RunningCoordinator } from '../../../lib/server/create-coordinator.js';

export type { RunningCoordinator };

/** Puts a coordinator together as `embeddedServer` does, but for its sockets and its own randomness. */
export type Wire = typeof createCoordinator;

/** The coordinator of the package. */
export const wireCoordinator: Wire = createCoordinator;

/** Ends a coordinator in order, as `embeddedServer` does: once more for what a last request began. */
export async function stopCoordinator(parts: RunningCoordinator): Promise<void> {
  await parts.stop();
  await parts.stop();
}
