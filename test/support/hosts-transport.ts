import type { OutgoingBranchCall } from 'nestjs-dtm/client';
import type { Outcome } from 'nestjs-dtm/protocol';
import { ScriptedTransport, type TransportCall } from './scripted-transport.js';

/** Outcome of a call to a stopped host. */
export const NO_ANSWER: Outcome = { kind: 'unknown', message: 'no answer: refused', unreachable: true };

/** Branches on several hosts. Stopped hosts do not answer; the others answer as scripted. */
export class HostsTransport extends ScriptedTransport {
  readonly #stopped = new Set<string>();

  /** Stops hosts: they no longer answer. */
  stopHost(...hosts: readonly string[]): void {
    for (const host of hosts) this.#stopped.add(host);
  }

  /** Starts hosts: they answer again. */
  startHost(...hosts: readonly string[]): void {
    for (const host of hosts) this.#stopped.delete(host);
  }

  /** Calls to a host, in order. */
  to(host: string): TransportCall[] {
    return this.calls.filter((call) => hostOf(call.url) === host);
  }

  override async call(call: OutgoingBranchCall): Promise<Outcome> {
    const isStopped = this.#stopped.has(hostOf(call.url));
    const outcome = await super.call(call);
    return isStopped ? NO_ANSWER : outcome;
  }
}

/** Host and port of a branch URL of HTTP or gRPC. */
function hostOf(url: string): string {
  return url.replace(/^[a-z\d]+:\/\/\/?/, '').split('/')[0]!;
}
