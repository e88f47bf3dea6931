import { DtmBranchError, DtmFailureError, DtmOngoingError } from 'nestjs-dtm';
import type { Route } from './route.js';
import { MODES, type Mode } from './modes.js';
import { InitiatorCrashed, type Step } from './crashing-initiators.js';
import type { Fault } from './fault-injector.js';

/** A test case: faults of one transfer, and the expected result. */
export interface Row {
  readonly mode: Mode;
  readonly title: string;
  readonly faults: readonly Fault[];
  /** Half steps before the initiator crashes, see `CrashingInitiators`. */
  readonly crashesAfter?: number;
  /** Error of the initiator, which waits for the result. */
  readonly error?: new (...parameters: never[]) => Error;
  /** Requests of the initiator to the coordinator. */
  readonly steps?: readonly Step[];
  /** Final status; undefined = no transaction exists. */
  readonly status: 'succeed' | 'failed' | undefined;
}

/** Every mode with each fault and each crash. */
const ROWS: readonly Row[] = MODES.flatMap((mode) => [...outcomesOf(mode), ...crashesOf(mode)]);

/** Rows that apply to a route. */
export function rowsOf({ isRpc }: Route): readonly Row[] {
  return isRpc ? ROWS.filter(({ mode }) => mode.canBeRpc) : ROWS;
}

function outcomesOf(mode: Mode): Row[] {
  const { steps, refusable, cannotFail, repeated, undo, calledByInitiator } = mode;
  const failure = { op: refusable, kind: 'failure' } as const;
  const rows: Row[] = [
    { mode, title: 'success', faults: [], steps, status: 'succeed' },
    {
      mode,
      title: `business failure${cannotFail ? ', which is retried' : ''}`,
      faults: [failure],
      error: cannotFail ? DtmOngoingError : DtmFailureError,
      status: cannotFail ? 'succeed' : 'failed',
    },
  ];
  for (const kind of ['ongoing', 'error'] as const) {
    const name = kind === 'error' ? 'unknown error' : kind;
    const title = `${repeated} ${name}, then success`;
    rows.push({ mode, title, faults: [{ op: repeated, kind }], error: DtmOngoingError, status: 'succeed' });
    if (undo)
      rows.push({
        mode,
        title: `business failure, ${undo} ${name}, then rolled back`,
        faults: [failure, { op: undo, kind }],
        // the initiator of a saga waits for the rollback; the others get the error of their own work
        error: calledByInitiator ? DtmFailureError : DtmOngoingError,
        status: 'failed',
      });
    if (calledByInitiator)
      rows.push({
        mode,
        title: `${calledByInitiator} ${name}, which rolls back`,
        faults: [{ op: calledByInitiator, kind }],
        error: kind === 'error' ? DtmBranchError : DtmOngoingError,
        status: 'failed',
      });
  }
  return rows;
}

function crashesOf(mode: Mode): Row[] {
  const { steps, isDecidedLocally } = mode;
  const last = 2 * steps.length - 1;
  const decided = isDecidedLocally ? last - 1 : last;
  return Array.from({ length: last + 1 }, (_, crashesAfter): Row => {
    const when = crashesAfter % 2 === 0 ? 'before' : 'after';
    const step = Math.floor(crashesAfter / 2);
    return {
      mode,
      title: `initiator crashes ${when} step ${step + 1}, ${steps[step]}`,
      faults: [],
      crashesAfter,
      error: InitiatorCrashed,
      status: crashesAfter === 0 ? undefined : crashesAfter >= decided ? 'succeed' : 'failed',
    };
  });
}
