import { coordinatorParts, type CoordinatorParts } from '../../../lib/server/parts.js';

export type { CoordinatorParts };

/** Puts a coordinator together as `embeddedServer` does, but for its sockets and its own randomness. */
export type Wire = typeof coordinatorParts;

/** The coordinator of the package. */
export const wireCoordinator: Wire = coordinatorParts;

/** Ends a coordinator in order, as `embeddedServer` does: once more for what a last request began. */
export async function stopCoordinator(parts: CoordinatorParts): Promise<void> {
  await parts.stop();
  await parts.stop();
}
