import type { OutgoingBranchCall } from 'nestjs-dtm/client';
import { isFinal, type Outcome, type TransactionDetails } from 'nestjs-dtm/protocol';
import { START_TIME } from '../environment/coordinator-node.js';
import type { Process } from '../scheduler/process.js';
import type { Simulation } from '../simulation.js';
import { isOwner } from './calls.js';

/** Time in which a coordinator must wake transactions after an answer. */
const GRACE_MS = 1000;

/** Longest time in which a slow or refusing store affects writes. */
const DISTURBANCE_MS = 60_000;

/** What a coordinator says when it begins to defer the calls of a target. */
const OPENED = 'circuit breaker opened: the target does not answer';

/** What is known of the circuit breakers of one process. */
interface Circuits {
  /** Open circuits by their target, with the number of calls before. */
  readonly open: Map<string, number>;
  /** Transactions that wait for a target, by gid. */
  readonly deferred: Map<string, TransactionDetails>;
}

/**
 * Checks that a transaction is woken when the target that it was deferred for answers again. A pass that calls nothing while a
 * circuit is open defers its transaction; the answer to a call that began after the opening closes the circuit.
 */
export class WakeChecks {
  readonly #simulation: Simulation;
  readonly #circuits = new Map<Process, Circuits>();
  /** Passes that have called a branch, by gid. */
  readonly #hasCalled = new Set<string>();
  readonly #callNumbers = new WeakMap<OutgoingBranchCall, number>();
  #callCount = 0;
  /** Transactions that must be woken, and what cancels the check. */
  readonly #expected = new Map<string, () => void>();
  #disturbedUntil = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** Writes may take longer, or be refused. */
  timingChanged(reason: string): void {
    if (reason === 'wake') return;
    this.#disturbedUntil = this.#simulation.scheduler.now + DISTURBANCE_MS;
    for (const cancel of this.#expected.values()) cancel();
    this.#expected.clear();
  }

  logged(process: Process, message: string, { target }: Readonly<Record<string, unknown>>): void {
    if (message !== OPENED || typeof target !== 'string') return;
    const circuits = this.#circuits.get(process) ?? { open: new Map(), deferred: new Map() };
    this.#circuits.set(process, circuits);
    circuits.open.set(target, this.#callCount);
    // what has begun to wake transactions stops
    for (const [gid, details] of circuits.deferred) if (isWaitingFor(details, target)) this.#resolve(gid);
  }

  called(call: OutgoingBranchCall): void {
    this.#callNumbers.set(call, ++this.#callCount);
    this.#hasCalled.add(call.context.gid);
  }

  answered(process: Process, call: OutgoingBranchCall, outcome: Outcome): void {
    const circuits = this.#circuits.get(process);
    if (!circuits || process.isStopping || (outcome.kind === 'unknown' && outcome.unreachable)) return;
    for (const [target, callsBefore] of circuits.open) {
      if (!leadsTo(call.url, target) || this.#callNumbers.get(call)! <= callsBefore) continue;
      circuits.open.delete(target);
      for (const [gid, details] of circuits.deferred) {
        if (isWaitingFor(details, target)) this.#expect(process, gid, details, target);
      }
    }
  }

  wrote(operation: string, process: Process, before: TransactionDetails | undefined, after: TransactionDetails): void {
    const { gid, owner, status } = after.transaction;
    this.#resolve(gid);
    for (const { deferred } of this.#circuits.values()) deferred.delete(gid);
    if (owner !== before?.transaction.owner && owner) this.#hasCalled.delete(gid);
    const circuits = this.#circuits.get(process);
    const isEndOfPass = operation === 'update' && !owner && isOwner(process, before?.transaction.owner);
    if (!circuits || !isEndOfPass || isFinal(status) || process.isStopping || this.#hasCalled.has(gid)) return;
    circuits.deferred.set(gid, after);
  }

  #expect(process: Process, gid: string, { transaction }: TransactionDetails, target: string): void {
    const { scheduler } = this.#simulation;
    const now = START_TIME + scheduler.now + process.machine.clockErrorMs;
    const isDueSoon = transaction.nextCronTime <= now + GRACE_MS;
    if (isDueSoon || scheduler.now < this.#disturbedUntil || this.#expected.has(gid)) return;
    this.#simulation.count('deferred transaction woken');
    const cancel = scheduler.after(GRACE_MS, process, () => {
      this.#simulation.violate('wake', `${gid} still waits for ${target}, which has answered ${process.name}`);
    });
    this.#expected.set(gid, cancel);
  }

  #resolve(gid: string): void {
    this.#expected.get(gid)?.();
    this.#expected.delete(gid);
  }
}

function isWaitingFor({ transaction, branches }: TransactionDetails, target: string): boolean {
  const asksInitiator = transaction.status === 'prepared' && leadsTo(transaction.queryPrepared ?? '', target);
  return asksInitiator || branches.some(({ status, url }) => status === 'prepared' && leadsTo(url, target));
}

function leadsTo(url: string, target: string): boolean {
  return url === target || url.startsWith(`${target}/`) || url.startsWith(`${target}?`);
}
