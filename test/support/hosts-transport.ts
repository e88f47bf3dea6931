import type { OutgoingBranchCall } from 'nestjs-dtm/client';
import type { Outcome } from 'nestjs-dtm/protocol';
import { ScriptedTransport, type TransportCall } from './scripted-transport.js';

/** What a caller sees when nobody is there. */
export const NO_ANSWER: Outcome = { kind: 'unknown', message: 'no answer: refused', unreachable: true };

/** Branches on several hosts, any of which may be gone; hosts that are there answer as scripted. */
export class HostsTransport extends ScriptedTransport {
  readonly #gone = new Set<string>();

  /** Nobody answers there from now on. */
  stopHost(...hosts: readonly string[]): void {
    for (const host of hosts) this.#gone.add(host);
  }

  /** Somebody answers again. */
  startHost(...hosts: readonly string[]): void {
    for (const host of hosts) this.#gone.delete(host);
  }

  /** Calls to a host, in order. */
  to(host: string): TransportCall[] {
    return this.calls.filter((call) => hostOf(call.url) === host);
  }

  override async call(call: OutgoingBranchCall): Promise<Outcome> {
    const isGone = this.#gone.has(hostOf(call.url));
    const outcome = await super.call(call);
    return isGone ? NO_ANSWER : outcome;
  }
}

/** Host and port of a branch URL of HTTP or gRPC. */
function hostOf(url: string): string {
  return url.replace(/^[a-z\d]+:\/\/\/?/, '').split('/')[0]!;
}
