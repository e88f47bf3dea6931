import { embeddedServer, sqliteStore } from 'nestjs-dtm/server';
import { serve } from '../support/worker.mjs';

/** Logs like Go dtm with log level `error`. */
const logger = { info() {}, warn() {}, error: console.error };

/** @type {ReturnType<typeof embeddedServer>} */
let server;

const handlers = {
  /**
   * Starts the coordinator.
   *
   * @param {string} path - file of the store
   * @returns {Promise<{ url: string, pid: number }>}
   */
  start: async (path) => {
    server = embeddedServer({ store: sqliteStore({ path }), listen: { port: 0 }, logger });
    await server.open();
    server.recover();
    return { url: /** @type {string} */ (server.address), pid: process.pid };
  },
  stop: () => server.close(),
};

/** @typedef {typeof handlers} CoordinatorProcess */

serve(handlers);
