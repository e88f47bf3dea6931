import { AsyncResource } from 'node:async_hooks';
import { appDriver, isAppUrl } from '../../driver/internal.js';
import { errorText, type ApplicationBranches, type Outcome } from '../../protocol/internal.js';
import { MAX_TIMEOUT_MS } from '../max-timeout.js';
import { TIME_OUT_HINT } from '../time-out.js';
import { isOverHttp, type OutgoingBranchCall, type Transport } from '../transport.js';

/**
 * Adds the branches of the application in this process to a transport. Branches that are named `app://…` are called without
 * a socket: docs/in-process.md.
 *
 * @param transport - calls all other branches
 * @param application - the application of this process
 */
export function withApplication(transport: Transport, application: ApplicationBranches): Transport {
  const driver = appDriver(application);
  // a branch must not see the AsyncLocalStorage of its initiator, e.g. a database transaction in it
  const outside = new AsyncResource('nestjs-dtm branch call', { requireManualDestroy: false });
  const call = ({ url, context, payload, headers, timeoutSeconds }: OutgoingBranchCall): Promise<Outcome> => {
    let path: string;
    try {
      path = driver.parseServerMethod(url).method;
    } catch (cause) {
      return Promise.resolve({ kind: 'unknown', message: errorText(cause), cause, definite: true });
    }
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => resolve(timedOut(timeoutSeconds)),
        Math.min(timeoutSeconds * 1000, MAX_TIMEOUT_MS),
      );
      const end = (outcome: Outcome): void => {
        clearTimeout(timer);
        resolve(outcome);
      };
      const begin = (): void => void application.call({ path, context, payload, headers }).then(end);
      // between two calls the event loop serves sockets and timers, as it does between two requests
      outside.runInAsyncScope(setImmediate, undefined, begin);
    });
  };
  return {
    call: (branch) => (isAppUrl(branch.url) ? call(branch) : transport.call(branch)),
    // payloads are JSON, as over HTTP
    isOverHttp: (url) => isAppUrl(url) || isOverHttp(url, transport),
    check(target) {
      if (isAppUrl(target.url)) driver.parseServerMethod(target.url);
      else transport.check?.(target);
    },
    close: () => transport.close(),
  };
}

/** The method of the branch goes on, as it does when a caller over HTTP gives up. */
function timedOut(seconds: number): Outcome {
  return { kind: 'unknown', message: `no answer: time-out after ${seconds} s; ${TIME_OUT_HINT}` };
}
