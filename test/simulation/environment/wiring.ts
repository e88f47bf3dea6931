import type { CoordinatorEnvironment } from '../../../lib/server/environment/coordinator-environment.js';
import { Coordinator } from '../../../lib/server/operations/coordinator.js';

export type { Coordinator };

/** Creates a coordinator as `embeddedServer` does, without sockets and randomness of its own. */
export type Wire = (environment: CoordinatorEnvironment) => Coordinator;

/** The coordinator of the package. */
export const wireCoordinator: Wire = (environment) => new Coordinator(environment);

/** Stops a coordinator as `embeddedServer` does: twice, because a last request may have started a pass. */
export async function stopCoordinator(coordinator: Coordinator): Promise<void> {
  await coordinator.stop();
  await coordinator.stop();
}
