/** Longest time in milliseconds for the answers of one turn of the event loop. */
const TURN_MS = 20;

/** A connection whose answer can be read later. */
export interface Postponed {
  readonly destroyed: boolean;
  /** Continues to read. */
  emit(event: 'readable'): boolean;
}

/** Spreads the answers of many connections over several turns of the event loop, so that they do not block it together. */
export class AnswerTurns {
  #end: number | undefined;
  #postponed: Postponed[] = [];

  /** The answers of this turn have used up their time. */
  get isOver(): boolean {
    const now = performance.now();
    if (this.#end === undefined) {
      this.#end = now + TURN_MS;
      setImmediate(() => this.#begin());
    }
    return now >= this.#end;
  }

  /** Continues with a connection in the next turn. */
  postpone(connection: Postponed): void {
    this.#postponed.push(connection);
  }

  #begin(): void {
    this.#end = undefined;
    const postponed = this.#postponed;
    this.#postponed = [];
    for (const connection of postponed) if (!connection.destroyed) connection.emit('readable');
  }
}
