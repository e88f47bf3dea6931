import { DtmBranchError, DtmFailureError, DtmOngoingError } from 'nestjs-dtm';
import type { Lane } from './lane.js';
import { MODES, type Mode } from './modes.js';
import { InitiatorDied, type Step } from './mortal-initiator.js';
import type { Trouble } from './troubles.js';

/** What is to happen to one transfer, and what has to come of it. */
export interface Row {
  readonly mode: Mode;
  readonly title: string;
  readonly troubles: readonly Trouble[];
  /** After how many half steps the initiator dies, see `MortalInitiators`. */
  readonly diesAfter?: number;
  /** Error that the initiator, which waits for the result, is given. */
  readonly told?: new (...parameters: never[]) => Error;
  /** What the initiator asks the coordinator for. */
  readonly steps?: readonly Step[];
  /** How the transaction ends; undefined: there is none. */
  readonly end: 'succeed' | 'failed' | undefined;
}

/** Every mode with everything that can happen to it. */
const ROWS: readonly Row[] = MODES.flatMap((mode) => [...outcomesOf(mode), ...deathsOf(mode)]);

/** Those that make sense over certain transports. */
export function rowsOf({ isRpc }: Lane): readonly Row[] {
  return isRpc ? ROWS.filter(({ mode }) => mode.canBeRpc) : ROWS;
}

function outcomesOf(mode: Mode): Row[] {
  const { steps, refusable, cannotFail, repeated, undo, calledByInitiator } = mode;
  const refused = { op: refusable, how: 'refused' } as const;
  const rows: Row[] = [
    { mode, title: 'success', troubles: [], steps, end: 'succeed' },
    {
      mode,
      title: `business failure${cannotFail ? ', which is none and repeated' : ''}`,
      troubles: [refused],
      told: cannotFail ? DtmOngoingError : DtmFailureError,
      end: cannotFail ? 'succeed' : 'failed',
    },
  ];
  for (const how of ['ongoing', 'broken'] as const) {
    const name = how === 'broken' ? 'unknown error' : how;
    const title = `${repeated} ${name}, then success`;
    rows.push({ mode, title, troubles: [{ op: repeated, how }], told: DtmOngoingError, end: 'succeed' });
    if (undo)
      rows.push({
        mode,
        title: `business failure, ${undo} ${name}, then rolled back`,
        troubles: [refused, { op: undo, how }],
        // a saga is undone while its initiator waits; the others are told what their work threw
        told: calledByInitiator ? DtmFailureError : DtmOngoingError,
        end: 'failed',
      });
    if (calledByInitiator)
      rows.push({
        mode,
        title: `${calledByInitiator} ${name}, which rolls back`,
        troubles: [{ op: calledByInitiator, how }],
        told: how === 'broken' ? DtmBranchError : DtmOngoingError,
        end: 'failed',
      });
  }
  return rows;
}

function deathsOf(mode: Mode): Row[] {
  const { steps, isDecidedLocally } = mode;
  const last = 2 * steps.length - 1;
  const decided = isDecidedLocally ? last - 1 : last;
  return Array.from({ length: last + 1 }, (_, diesAfter): Row => {
    const when = diesAfter % 2 === 0 ? 'before' : 'after';
    const step = Math.floor(diesAfter / 2);
    return {
      mode,
      title: `initiator dies ${when} step ${step + 1}, ${steps[step]}`,
      troubles: [],
      diesAfter,
      told: InitiatorDied,
      end: diesAfter === 0 ? undefined : diesAfter >= decided ? 'succeed' : 'failed',
    };
  });
}
