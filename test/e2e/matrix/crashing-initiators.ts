import { AsyncLocalStorage } from 'node:async_hooks';
import type { DtmConnection } from 'nestjs-dtm';

/** Error for each request of a crashed initiator. The request has no effect. */
export class InitiatorCrashed extends Error {}

/** Requests that advance a transaction. */
export const STEPS = ['prepare', 'registerBranch', 'submit', 'abort'] as const;

export type Step = (typeof STEPS)[number];

/** Initiators by gid. Each crashes after a given number of half steps. */
export class CrashingInitiators {
  readonly #progress = new Map<string, { half: number; readonly steps: Step[] }>();
  readonly #initiator = new AsyncLocalStorage<true>();

  /**
   * @param gid - gid of the transaction
   * @param halfSteps - half steps before the crash: with an odd number, the last request took effect but its answer is lost
   */
  begin(gid: string, halfSteps = Infinity): void {
    this.#progress.set(gid, { half: halfSteps, steps: [] });
  }

  /** Runs what an initiator does. Requests of branches in the same process do not count. */
  run<T>(work: () => T): T {
    return this.#initiator.run(true, work);
  }

  /** Requests that reached the coordinator. */
  stepsOf(gid: string): readonly Step[] {
    return this.#progress.get(gid)!.steps;
  }

  /** Wraps a coordinator so that the initiators crash as planned. */
  around(server: DtmConnection): DtmConnection {
    const intercepted: Partial<Pick<DtmConnection, Step>> = {};
    for (const step of STEPS)
      intercepted[step] = (request) => this.#take(step, request.gid, () => server[step](request as never));
    return wrapped(server, intercepted);
  }

  async #take(step: Step, gid: string, call: () => Promise<void>): Promise<void> {
    if (!this.#initiator.getStore()) return call();
    const progress = this.#progress.get(gid)!;
    this.#halfStep(gid);
    progress.steps.push(step);
    await call();
    this.#halfStep(gid);
  }

  #halfStep(gid: string): void {
    const progress = this.#progress.get(gid)!;
    if (progress.half <= 0) throw new InitiatorCrashed(`the initiator of ${gid} crashed`);
    progress.half -= 1;
  }
}

/**
 * A coordinator that several applications share. They neither open nor close it.
 *
 * @param attach - takes an application, whose branches are called in process. @default they are called over the network
 */
export function shared(server: DtmConnection, attach?: DtmConnection['attach']): DtmConnection {
  return wrapped(server, {
    open: async () => undefined,
    recover: () => undefined,
    close: async () => undefined,
    attach,
  });
}

function wrapped(server: DtmConnection, others: Partial<DtmConnection>): DtmConnection {
  return new Proxy(server, {
    get(target, name) {
      const member: unknown = Reflect.get(name in others ? others : target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
