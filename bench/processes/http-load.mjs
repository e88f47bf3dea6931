import { exchange } from '../support/http-connection.mjs';
import { percentile } from '../support/statistics.mjs';
import { serve } from '../support/worker.mjs';

/**
 * Options of the load.
 *
 * @typedef {object} LoadOptions
 * @property {string} url
 * @property {number} connections
 * @property {number} seconds
 */

const success = '{"dtm_result":"SUCCESS"}';
const payload = JSON.stringify({ userId: 1, amount: 30 });
let calls = 0;

const handlers = {
  /**
   * Calls a branch as dtm does; fails for any answer other than success.
   *
   * @param {LoadOptions} options
   */
  load: async ({ url, connections, seconds }) => {
    const target = new URL(url);
    const head = `host: ${target.host}\r\ncontent-type: application/json\r\ncontent-length: ${payload.length}\r\n`;
    /** @type {number[]} */
    const milliseconds = [];
    const start = performance.now();
    const end = start + seconds * 1000;
    const callUntilEnd = () => {
      let sent = 0;
      return exchange(target, {
        nextRequest: () => {
          sent = performance.now();
          if (sent > end) return undefined;
          const query = `branch_id=01&gid=bench-${(calls += 1)}&op=action&trans_type=saga`;
          return `POST ${target.pathname}?${query} HTTP/1.1\r\n${head}\r\n${payload}`;
        },
        onAnswer: (status, body) => {
          if (status !== 200 || body !== success) throw new Error(`${url} answered ${status} ${body}`);
          milliseconds.push(performance.now() - sent);
        },
      });
    };
    await Promise.all(Array.from({ length: connections }, callUntilEnd));
    const took = (performance.now() - start) / 1000;
    return {
      requests: milliseconds.length,
      seconds: took,
      p50: percentile(milliseconds, 50),
      p99: percentile(milliseconds, 99),
    };
  },
};

/** @typedef {typeof handlers} HttpLoad */

serve(handlers);
