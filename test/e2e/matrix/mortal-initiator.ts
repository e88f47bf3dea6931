import type { DtmConnection } from 'nestjs-dtm';

/** Instead of an answer, to an initiator that is dead: nothing that it asks for happens any more. */
export class InitiatorDied extends Error {}

/** Calls with which an initiator moves its transaction on. */
export const STEPS = ['prepare', 'registerBranch', 'submit', 'abort'] as const;

export type Step = (typeof STEPS)[number];

/** Initiators by the gids of their transactions, each of which dies when it is told to. */
export class MortalInitiators {
  readonly #lives = new Map<string, { half: number; readonly steps: Step[] }>();

  /**
   * @param gid - of its transaction
   * @param halfSteps - after how many it dies: an odd number means that the last step was done, and its answer never read
   */
  begin(gid: string, halfSteps = Infinity): void {
    this.#lives.set(gid, { half: halfSteps, steps: [] });
  }

  /** What it asked the coordinator for. */
  stepsOf(gid: string): readonly Step[] {
    return this.#lives.get(gid)!.steps;
  }

  /** The coordinator as they see it. */
  around(server: DtmConnection): DtmConnection {
    const mortal: Partial<Pick<DtmConnection, Step>> = {};
    for (const step of STEPS)
      mortal[step] = (request) => this.#take(step, request.gid, () => server[step](request as never));
    return wrapped(server, mortal);
  }

  async #take(step: Step, gid: string, call: () => Promise<void>): Promise<void> {
    const life = this.#lives.get(gid)!;
    this.#halfStep(gid);
    life.steps.push(step);
    await call();
    this.#halfStep(gid);
  }

  #halfStep(gid: string): void {
    const life = this.#lives.get(gid)!;
    if (life.half <= 0) throw new InitiatorDied(`the initiator of ${gid} is dead`);
    life.half -= 1;
  }
}

/** A coordinator that several applications use, and none of them opens or closes. */
export function shared(server: DtmConnection): DtmConnection {
  return wrapped(server, { open: async () => undefined, recover: () => undefined, close: async () => undefined });
}

function wrapped(server: DtmConnection, others: Partial<DtmConnection>): DtmConnection {
  return new Proxy(server, {
    get(target, name) {
      const member: unknown = Reflect.get(name in others ? others : target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
