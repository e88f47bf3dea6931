interface Party {
  running: number;
  /** What begins when a slot is free, first in, first out. */
  readonly waiting: Set<() => void>;
}

/**
 * Slots that parties share. A party takes at most half of the slots that the others leave free, so that parties whose slots
 * never become free do not take all of them. Waiting parties get free slots in turn.
 */
export class FairSlots {
  readonly #total: number;
  readonly #parties = new Map<string, Party>();
  /** Names of the parties that wait, in turn. */
  readonly #waiting = new Set<string>();
  #running = 0;
  #waitingCount = 0;

  /**
   * @param total - number of slots; one party alone gets half of them, but at least one
   */
  constructor(total: number) {
    this.#total = total;
  }

  /** No slot is taken, and no caller waits. */
  get isIdle(): boolean {
    return this.#parties.size === 0;
  }

  /** How many callers of all parties wait for a slot. */
  get waitingCount(): number {
    return this.#waitingCount;
  }

  /** Number of slots that a party has taken. */
  running(name: string): number {
    return this.#parties.get(name)?.running ?? 0;
  }

  /** How often a party waits for a slot. */
  waiting(name: string): number {
    return this.#parties.get(name)?.waiting.size ?? 0;
  }

  /** Takes a slot; false when none is free for the party. */
  tryAcquire(name: string): boolean {
    const party = this.#parties.get(name);
    if (party ? !this.#mayTake(party) : this.#running >= this.#total) return false;
    this.#take(party ?? this.#add(name));
    return true;
  }

  /**
   * Waits for a slot, after {@link tryAcquire} had none.
   *
   * @param begin - called when the slot is taken
   * @returns cancels the wait
   */
  wait(name: string, begin: () => void): () => void {
    const party = this.#parties.get(name) ?? this.#add(name);
    party.waiting.add(begin);
    this.#waitingCount++;
    this.#waiting.add(name);
    return () => {
      if (!party.waiting.delete(begin)) return;
      this.#waitingCount--;
      this.#forgetIfIdle(name, party);
    };
  }

  /** Gives a slot back, and hands free slots to those that wait. */
  release(name: string): void {
    const party = this.#parties.get(name)!;
    party.running--;
    this.#running--;
    this.#handOver();
    this.#forgetIfIdle(name, party);
  }

  #mayTake({ running }: Party): boolean {
    const share = Math.floor((this.#total - this.#running + running) / 2);
    return this.#running < this.#total && running < Math.max(1, share);
  }

  #take(party: Party): void {
    party.running++;
    this.#running++;
  }

  #handOver(): void {
    for (const name of this.#waiting) {
      if (this.#running >= this.#total) return;
      const party = this.#parties.get(name)!;
      if (!this.#mayTake(party)) continue;
      const [begin] = party.waiting;
      party.waiting.delete(begin!);
      this.#waitingCount--;
      // to the end of the turn
      this.#waiting.delete(name);
      if (party.waiting.size > 0) this.#waiting.add(name);
      this.#take(party);
      begin!();
    }
  }

  #add(name: string): Party {
    const party = { running: 0, waiting: new Set<() => void>() };
    this.#parties.set(name, party);
    return party;
  }

  #forgetIfIdle(name: string, party: Party): void {
    if (party.waiting.size > 0) return;
    this.#waiting.delete(name);
    if (party.running === 0 && this.#parties.get(name) === party) this.#parties.delete(name);
  }
}
