import { systemAfter, type After } from '../support/after.js';

/** What {@link boundShutdown} needs of a server of `@grpc/grpc-js`. */
export interface BoundedServer {
  tryShutdown(callback: (error?: Error) => void): void;
  forceShutdown(): void;
}

/**
 * Makes the graceful shutdown of a server end in time. Nest waits for it without a limit, and one request that is half sent would
 * hold up the shutdown.
 *
 * @param server - is changed
 * @param timeoutMs - time after which the connections are closed, whatever runs on them
 * @param after - timers of the machine, or those of a test
 */
export function boundShutdown(server: BoundedServer, timeoutMs: number, after: After = systemAfter): void {
  const tryShutdown = server.tryShutdown.bind(server);
  server.tryShutdown = (callback) => {
    let isOver = false;
    const end = (error?: Error): void => {
      if (isOver) return;
      isOver = true;
      cancel();
      callback(error);
    };
    const cancel = after(timeoutMs, () => {
      server.forceShutdown();
      end();
    });
    tryShutdown(end);
  };
}
