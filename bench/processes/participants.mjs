import { once } from 'node:events';
import { createServer } from 'node:http';
import { serve } from '../support/worker.mjs';

let calls = 0;

const server = createServer((request, response) => {
  request.resume().once('end', () => {
    calls += 1;
    response.setHeader('content-type', 'application/json').end('{"dtm_result":"SUCCESS"}');
  });
});

const handlers = {
  /**
   * Serves branches that do nothing, at every path.
   *
   * @returns {Promise<string>} base URL
   */
  start: async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
  },
  calls: () => calls,
};

/** @typedef {typeof handlers} Participants */

serve(handlers);
