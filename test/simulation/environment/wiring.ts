import { createCoordinator, type RunningCoordinator } from '../../../lib/server/create-coordinator.js';

export type { RunningCoordinator };

/** Creates a coordinator as `embeddedServer` does, without its sockets and its randomness. */
export type Wire = typeof createCoordinator;

/** Wiring of the package. */
export const wireCoordinator: Wire = createCoordinator;

/** Stops a coordinator gracefully, as `embeddedServer` does. The second stop covers work that a last request started. */
export async function stopCoordinator(services: RunningCoordinator): Promise<void> {
  await services.stop();
  await services.stop();
}
