import type { Transport } from 'nestjs-dtm/client';
import { DtmFailureError } from 'nestjs-dtm/protocol';
import type { Bank } from '../bank/bank.js';
import type { Process } from '../scheduler/process.js';
import type { Simulation } from '../simulation.js';
import type { InitiatorApi } from '../environment/simulated-api.js';

/** Is notified of the outcomes that initiators learn. */
export interface InitiatorObserver {
  /** An initiator learned the outcome of its transaction, which may lie in the future. */
  outcomeReported(gid: string, outcome: 'succeed' | 'failed'): void;
  /** The local transaction of a message was committed. */
  committedLocally(gid: string): void;
}

/** Environment of an initiator. */
export interface InitiatorContext {
  readonly simulation: Simulation;
  /** The process of the initiator; its death cancels all pending work. */
  readonly process: Process;
  readonly api: InitiatorApi;
  readonly transport: Transport;
  /** The bank of its local transactions. */
  readonly bank: Bank;
  readonly observer: InitiatorObserver;
}

/**
 * Repeats a request after a pause while its outcome is unknown.
 *
 * @throws the last error; DtmFailureError at once
 */
export async function retry(
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
      const { scheduler, random } = context.simulation;
      await scheduler.pause(random.between(500, 8000), context.process);
    }
  }
}

/** Time-out of branch calls by initiators. */
export const CALL_TIMEOUT_SECONDS = 3;
