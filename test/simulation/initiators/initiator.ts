import type { Transport } from 'nestjs-dtm/client';
import { DtmFailureError } from 'nestjs-dtm/protocol';
import type { Bank } from '../bank/bank.js';
import type { Process } from '../scheduler/process.js';
import type { Simulation } from '../simulation.js';
import type { InitiatorApi } from '../environment/simulated-api.js';

/** Whom initiators tell what they came to believe. */
export interface InitiatorObserver {
  /** An initiator was told how its transaction ended, or will end for certain. */
  told(gid: string, end: 'succeed' | 'failed'): void;
  /** The initiator's own transaction of a message was committed. */
  committedLocally(gid: string): void;
}

/** What an initiator works with. */
export interface InitiatorContext {
  readonly simulation: Simulation;
  /** Dies with everything that it waits for. */
  readonly process: Process;
  readonly api: InitiatorApi;
  readonly transport: Transport;
  /** Where its own transactions run. */
  readonly bank: Bank;
  readonly observer: InitiatorObserver;
}

/**
 * Repeats what gave no answer, or an undecided one, after a pause.
 *
 * @throws the last error; DtmFailureError at once
 */
export async function persist(
  context: InitiatorContext,
  retries: number,
  attempt: () => Promise<unknown>,
): Promise<void> {
  for (let left = retries; ; left--) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (error instanceof DtmFailureError || left === 0) throw error;
      const { scheduler, dice } = context.simulation;
      await scheduler.pause(dice.between(500, 8000), context.process);
    }
  }
}

/** Seconds that an initiator waits for a branch that it calls itself. */
export const CALL_TIMEOUT_SECONDS = 3;
