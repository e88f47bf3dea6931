import type { OutgoingBranchCall, Transport } from 'nestjs-dtm/client';
import type { Outcome } from 'nestjs-dtm/protocol';
import { CALL_FAULTS } from '../faults/faults.js';
import { MOST_CLOCK_ERROR_MS, type Process } from '../scheduler/process.js';
import type { Simulation } from '../simulation.js';

/** Longest time for one way as long as nothing is wrong. */
const LATENCY_MS = 20;

/** What is late arrives within this time. */
const MOST_DELAY_MS = 300_000;

/** Something that answers branch calls. */
export interface Participant {
  /** Does what is asked, and answers; never when it dies meanwhile. */
  handle(call: OutgoingBranchCall): Promise<Outcome>;
}

/** Whom the network tells of calls. */
export interface NetworkObserver {
  /** A process calls a branch. */
  called(process: Process, call: OutgoingBranchCall): void;
  /** The call came to an end for the process that made it. */
  answered(process: Process, call: OutgoingBranchCall, outcome: Outcome): void;
  /** Time does not go on as usual. */
  disturbed(reason: string): void;
}

type CallFault = (typeof CALL_FAULTS)[number];

/** The network between processes and participants, in which everything may happen to a call. */
export class SimulatedNetwork {
  /** Until this time participants take nearly as long as they may. */
  isSlowUntil = 0;
  readonly #simulation: Simulation;
  readonly #observer: NetworkObserver;
  readonly #participants = new Map<string, Participant>();
  readonly #downUntil = new Map<string, number>();

  constructor(simulation: Simulation, observer: NetworkObserver) {
    this.#simulation = simulation;
    this.#observer = observer;
  }

  /** Makes a participant known under the host of its URLs. */
  mount(host: string, participant: Participant): void {
    this.#participants.set(host, participant);
  }

  /** Takes a participant down until a time; connections to it are refused. */
  takeDown(host: string, until: number): void {
    this.#downUntil.set(host, until);
  }

  /** How a process calls branches. */
  transportOf(process: Process): Transport {
    return { call: (call) => this.#call(process, call), close: () => Promise.resolve() };
  }

  #call(process: Process, call: OutgoingBranchCall): Promise<Outcome> {
    if (!process.isAlive) return new Promise(() => undefined);
    const { scheduler } = this.#simulation;
    this.#simulation.log(process.name, `calls ${describe(call)}`);
    this.#observer.called(process, call);
    const fault = this.#simulation.fault(faultsOf(process, call), process);
    return new Promise((resolve) => {
      if (fault === 'crash before call') return process.kill();
      let isOpen = true;
      const settle = (outcome: Outcome): void => {
        if (!isOpen) return;
        isOpen = false;
        cancelTimeout();
        const text = outcome.kind === 'success' ? '' : ` (${outcome.message})`;
        this.#simulation.log(process.name, `got ${outcome.kind}${text} from ${describe(call)}`);
        this.#observer.answered(process, call, outcome);
        resolve(outcome);
      };
      const answer = (outcome: Outcome): void => void scheduler.after(this.#latency(), process, () => settle(outcome));
      const cancelTimeout = scheduler.after(call.timeoutSeconds * 1000, process, () =>
        settle({ kind: 'unknown', message: 'no answer in time', unreachable: true }),
      );
      this.#misbehave(process, fault, call);
      this.#send(fault, call, answer);
    });
  }

  /** What the fault does to the process that calls. */
  #misbehave(process: Process, fault: CallFault | undefined, call: OutgoingBranchCall): void {
    const { scheduler, dice } = this.#simulation;
    switch (fault) {
      case 'crash after call':
      case 'crash and late call':
        return process.kill();
      case 'stall during call':
        // long enough for the lease to be over
        process.stalledUntil = scheduler.now + 2 * (call.timeoutSeconds * 1000 + 10_000);
        return this.#observer.disturbed('stall');
      case 'clock ahead during call':
        process.machine.jump(dice.between(60_000, MOST_CLOCK_ERROR_MS));
        return this.#observer.disturbed('clock');
      case 'clock back during call':
        process.machine.jump(-dice.between(60_000, MOST_CLOCK_ERROR_MS));
        return this.#observer.disturbed('clock');
    }
  }

  /** What the fault does to the call. */
  #send(fault: CallFault | undefined, call: OutgoingBranchCall, answer: (outcome: Outcome) => void): void {
    const { dice } = this.#simulation;
    const silence = () => undefined;
    switch (fault) {
      case 'call refused':
        return answer({ kind: 'unknown', message: 'connection refused', unreachable: true });
      case 'call lost':
        return undefined;
      case 'error before effect':
        return answer({ kind: 'unknown', message: 'status 500' });
      case 'ongoing':
        return answer({ kind: 'ongoing', message: 'wait' });
      case 'unexpected failure':
        return answer({ kind: 'failure', message: 'not now' });
      case 'error after effect':
        return this.#deliver(call, this.#latency(), () => answer({ kind: 'unknown', message: 'status 500' }));
      case 'answer lost':
        return this.#deliver(call, this.#latency(), silence);
      case 'call hung':
        return this.#deliver(call, dice.below(2 * call.timeoutSeconds * 1000), silence);
      case 'call late':
      case 'crash and late call':
        return this.#deliver(call, dice.below(MOST_DELAY_MS), silence);
      case 'call duplicated':
        this.#deliver(call, dice.below(dice.pick([50, 20_000, MOST_DELAY_MS])), silence);
        return this.#deliver(call, this.#latency(), answer);
      default: {
        const isSlow = fault === 'call slow' || this.isSlowUntil > this.#simulation.scheduler.now;
        const share = isSlow ? dice.between(50, 95) / 100 : 0;
        return this.#deliver(call, this.#latency() + share * call.timeoutSeconds * 1000, answer);
      }
    }
  }

  #deliver(call: OutgoingBranchCall, ms: number, answer: (outcome: Outcome) => void): void {
    const { scheduler } = this.#simulation;
    const host = new URL(call.url).host;
    scheduler.after(ms, undefined, async () => {
      const participant = this.#participants.get(host);
      if (!participant || (this.#downUntil.get(host) ?? 0) > scheduler.now) {
        answer({ kind: 'unknown', message: 'connection refused', unreachable: true });
        return;
      }
      this.#simulation.log(host, `is called ${describe(call)}`);
      answer(await participant.handle(call));
    });
  }

  #latency(): number {
    return this.#simulation.dice.below(LATENCY_MS);
  }
}

/** A call in the trace. */
export function describe({ url, context: { gid, branchId, op } }: OutgoingBranchCall): string {
  return `${gid} ${branchId} ${op} ${url}`;
}

/** What may happen to a call: nobody may invent a decision, and only coordinators have clocks that matter. */
function faultsOf(process: Process, { context: { transType, op } }: OutgoingBranchCall): readonly CallFault[] {
  const isDecision = op === 'msg' || (transType === 'workflow' && op === 'action');
  return CALL_FAULTS.filter(
    (kind) =>
      !(isDecision && kind === 'unexpected failure') && (process.kind === 'coordinator' || !kind.startsWith('clock')),
  );
}
