import { FairSlots } from './fair-slots.js';

/** {@link FairSlots} for each of many servers; only servers with taken slots take memory. */
export class SlotsByServer {
  readonly #slotsPerServer: number;
  readonly #servers = new Map<string, FairSlots>();

  constructor(slotsPerServer: number) {
    this.#slotsPerServer = slotsPerServer;
  }

  /** See {@link FairSlots.tryAcquire}. */
  tryAcquire(server: string, party: string): boolean {
    return this.#of(server).tryAcquire(party);
  }

  /** See {@link FairSlots.wait}. */
  wait(server: string, party: string, begin: () => void): () => void {
    return this.#of(server).wait(party, begin);
  }

  /** See {@link FairSlots.waiting}. */
  waiting(server: string, party: string): number {
    return this.#servers.get(server)?.waiting(party) ?? 0;
  }

  /** How many callers wait for a slot of a server. */
  waitingAt(server: string): number {
    return this.#servers.get(server)?.waitingCount ?? 0;
  }

  /** See {@link FairSlots.running}. */
  running(server: string, party: string): number {
    return this.#servers.get(server)?.running(party) ?? 0;
  }

  /** See {@link FairSlots.release}. */
  release(server: string, party: string): void {
    const slots = this.#of(server);
    slots.release(party);
    if (slots.isIdle) this.#servers.delete(server);
  }

  #of(server: string): FairSlots {
    const known = this.#servers.get(server);
    if (known) return known;
    const slots = new FairSlots(this.#slotsPerServer);
    this.#servers.set(server, slots);
    return slots;
  }
}
