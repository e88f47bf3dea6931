import type { OutgoingBranchCall, Transport } from 'nestjs-dtm/client';
import { SUCCESS_BODY, errorOutcome, type Outcome } from 'nestjs-dtm/protocol';
import type { Bank } from '../bank/bank.js';
import type { Plan } from '../scenarios/plan.js';
import { Process } from '../scheduler/process.js';
import type { Simulation } from '../simulation.js';
import type { InitiatorApi } from '../environment/simulated-api.js';
import type { Participant } from '../environment/simulated-network.js';
import type { InitiatorContext, InitiatorObserver } from './initiator.js';
import { answerQueryBack, initiateMsg } from './msg.js';
import { initiateSaga } from './saga.js';
import { initiateTcc, initiateXa } from './two-phase.js';
import { executeWorkflow, initiateWorkflow } from './workflow.js';

/** Longest restart delay of a dead initiator. */
const MAX_DOWN_MS = 20_000;

/** Environment that all initiator processes share. */
export interface InitiatorEnvironment {
  readonly simulation: Simulation;
  readonly bank: Bank;
  readonly observer: InitiatorObserver;
  api(process: Process): InitiatorApi;
  transport(process: Process): Transport;
}

/** The application that initiates one transaction. After a crash it has lost its progress but answers query-backs again. */
export class InitiatorHost implements Participant {
  readonly #plan: Plan;
  readonly #environment: InitiatorEnvironment;
  #context: InitiatorContext;

  constructor(plan: Plan, environment: InitiatorEnvironment) {
    this.#plan = plan;
    this.#environment = environment;
    this.#context = this.#start();
  }

  /** Starts the planned transaction. */
  async initiate(): Promise<void> {
    try {
      await initiateAny(this.#plan, this.#context);
    } catch (error) {
      this.#environment.simulation.log(this.#context.process.name, `gives up: ${String(error)}`);
    }
  }

  async handle(call: OutgoingBranchCall): Promise<Outcome> {
    const { process, bank } = this.#context;
    if (!process.isAlive) return { kind: 'unknown', message: 'connection refused', unreachable: true };
    if (this.#plan.mode !== 'workflow') return answerQueryBack(call, bank);
    try {
      await executeWorkflow(this.#plan, this.#context);
      return { kind: 'success', body: SUCCESS_BODY };
    } catch (error) {
      return errorOutcome(error);
    }
  }

  #start(): InitiatorContext {
    const { simulation, bank, observer, api, transport } = this.#environment;
    const process = new Process('initiator', this.#plan.gid);
    process.onDeath(() => {
      simulation.log(process.name, 'is dead');
      simulation.scheduler.after(simulation.random.below(MAX_DOWN_MS), undefined, () => {
        this.#context = this.#start();
      });
    });
    return { simulation, bank, observer, process, api: api(process), transport: transport(process) };
  }
}

function initiateAny(plan: Plan, context: InitiatorContext): Promise<void> {
  switch (plan.mode) {
    case 'saga':
      return initiateSaga(plan, context);
    case 'tcc':
      return initiateTcc(plan, context);
    case 'xa':
      return initiateXa(plan, context);
    case 'msg':
      return initiateMsg(plan, context);
    case 'workflow':
      return initiateWorkflow(plan, context);
  }
}
