import type { OutgoingBranchCall, Transport } from 'nestjs-dtm/client';
import type { Outcome } from 'nestjs-dtm/protocol';
import { CALL_FAULTS } from '../faults/faults.js';
import { MAX_CLOCK_ERROR_MS, type Process } from '../scheduler/process.js';
import type { Simulation } from '../simulation.js';

/** Longest latency of one direction without faults. */
const LATENCY_MS = 20;

/** Longest delay of a late call. */
const MAX_DELAY_MS = 300_000;

/** Answers branch calls. */
export interface Participant {
  /** Executes a call and answers; never answers after its death. */
  handle(call: OutgoingBranchCall): Promise<Outcome>;
}

/** Is notified of calls. */
export interface NetworkObserver {
  /** A process calls a branch. */
  called(process: Process, call: OutgoingBranchCall): void;
  /** The calling process got the outcome of its call. */
  answered(process: Process, call: OutgoingBranchCall, outcome: Outcome): void;
  /** Timing changed: a stall, or a clock was set. */
  timingChanged(reason: string): void;
}

type CallFault = (typeof CALL_FAULTS)[number];

/** The network between processes and participants, with faults for each call. */
export class SimulatedNetwork {
  /** Participants answer just before the time-out until this time. */
  isSlowUntil = 0;
  readonly #simulation: Simulation;
  readonly #observer: NetworkObserver;
  readonly #participants = new Map<string, Participant>();
  readonly #downUntil = new Map<string, number>();

  constructor(simulation: Simulation, observer: NetworkObserver) {
    this.#simulation = simulation;
    this.#observer = observer;
  }

  /** Registers a participant under the host of its URLs. */
  mount(host: string, participant: Participant): void {
    this.#participants.set(host, participant);
  }

  /** Refuses connections to a participant until the given time. */
  takeDown(host: string, until: number): void {
    this.#downUntil.set(host, until);
  }

  /** The transport of one process. */
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
        settle({ kind: 'unknown', message: 'no answer in time', unreachable: true, connected: true }),
      );
      this.#applyToCaller(process, fault, call);
      this.#send(fault, call, answer);
    });
  }

  /** Applies a fault to the calling process. */
  #applyToCaller(process: Process, fault: CallFault | undefined, call: OutgoingBranchCall): void {
    const { scheduler, random } = this.#simulation;
    switch (fault) {
      case 'crash after call':
      case 'crash and late call':
        return process.kill();
      case 'stall during call':
        // long enough for the lease to expire
        process.stalledUntil = scheduler.now + 2 * (call.timeoutSeconds * 1000 + 10_000);
        return this.#observer.timingChanged('stall');
      case 'clock ahead during call':
        process.machine.adjustClock(random.between(60_000, MAX_CLOCK_ERROR_MS));
        return this.#observer.timingChanged('clock');
      case 'clock back during call':
        process.machine.adjustClock(-random.between(60_000, MAX_CLOCK_ERROR_MS));
        return this.#observer.timingChanged('clock');
    }
  }

  /** Sends the call, subject to a fault. */
  #send(fault: CallFault | undefined, call: OutgoingBranchCall, answer: (outcome: Outcome) => void): void {
    const { random } = this.#simulation;
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
        return this.#deliver(call, random.below(2 * call.timeoutSeconds * 1000), silence);
      case 'call late':
      case 'crash and late call':
        return this.#deliver(call, random.below(MAX_DELAY_MS), silence);
      case 'call duplicated':
        this.#deliver(call, random.below(random.pick([50, 20_000, MAX_DELAY_MS])), silence);
        return this.#deliver(call, this.#latency(), answer);
      default: {
        const isSlow = fault === 'call slow' || this.isSlowUntil > this.#simulation.scheduler.now;
        const share = isSlow ? random.between(50, 95) / 100 : 0;
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
      this.#simulation.log(host, `receives ${describe(call)}`);
      answer(await participant.handle(call));
    });
  }

  #latency(): number {
    return this.#simulation.random.below(LATENCY_MS);
  }
}

/** Text of a call for the trace. */
export function describe({ url, context: { gid, branchId, op } }: OutgoingBranchCall): string {
  return `${gid} ${branchId} ${op} ${url}`;
}

/** Possible faults of a call. A fault never invents a decision, and only the clocks of coordinators matter. */
function faultsOf(process: Process, { context: { transType, op } }: OutgoingBranchCall): readonly CallFault[] {
  const isDecision = op === 'msg' || (transType === 'workflow' && op === 'action');
  return CALL_FAULTS.filter(
    (kind) =>
      !(isDecision && kind === 'unexpected failure') && (process.kind === 'coordinator' || !kind.startsWith('clock')),
  );
}
