import { payloadText } from '../payload.js';
import type { NotExecutedBranches } from './not-executed-branches.js';
import type { Outcome } from './outcome.js';
import { stringifyEscaped, stripOutcomeWord, type OutcomeWord } from './outcome-words.js';
import { reasonInBody } from './reason.js';

/** HTTP answer of a branch or of the coordinator. */
export interface HttpAnswer {
  /** 200, 409, 425 or 500. */
  readonly status: number;
  /** JSON text, `application/json`. */
  readonly body: string;
}

/** Statuses below 500 that ask the client to try again: time-out, too early, too many requests. */
const TEMPORARY: ReadonlySet<number> = new Set([408, 425, 429]);

/** Body of a success without a result; old SDKs look for the word: docs/protocol.md#http-outcomes. */
export const SUCCESS_BODY = '{"dtm_result":"SUCCESS"}';

/**
 * Reads the outcome in an HTTP answer: docs/protocol.md#http-outcomes. The order of the rules is part of the protocol: a word
 * in the body overrides the status.
 *
 * @param status - HTTP status
 * @param body - whole body text
 */
export function readHttpOutcome(status: number, body: string): Outcome {
  if (status === 425 || body.includes('ONGOING')) return { kind: 'ongoing', message: reasonInBody(body).reason };
  if (status === 409 || body.includes('FAILURE')) {
    const { reason: message, notExecuted } = reasonInBody(body);
    return notExecuted ? { kind: 'failure', message, notExecuted } : { kind: 'failure', message };
  }
  if (status !== 200) {
    return {
      kind: 'unknown',
      message: `status ${status}${status < 300 ? ' (only 200 is a success)' : ''}: ${reasonInBody(body).reason}`,
      unreachable: status >= 502 && status <= 504,
      definite: isDefinite(status),
    };
  }
  return { kind: 'success', body };
}

/**
 * Writes an outcome as an HTTP answer: docs/protocol.md#http-outcomes. Only a failure contains the word FAILURE, and only an ongoing the word ONGOING;
 * elsewhere the words are escaped, so that no reader takes them for a decision.
 *
 * @param outcome - the outcome; the body of a success is sent unchanged
 */
export function writeHttpOutcome(outcome: Outcome): HttpAnswer {
  switch (outcome.kind) {
    case 'success':
      return { status: 200, body: payloadText(outcome.body) };
    case 'failure':
      return { status: 409, body: decisive('FAILURE', outcome.message, outcome.notExecuted) };
    case 'ongoing':
      return { status: 425, body: decisive('ONGOING', outcome.message) };
    case 'unknown':
      return { status: 500, body: `{"message":${stringifyEscaped(outcome.message)}}` };
  }
}

/** Whether a server answers this status again, however often it is asked: all but server errors and "try again later". */
function isDefinite(status: number): boolean {
  return (status < 500 && !TEMPORARY.has(status)) || status === 501;
}

/** The message also ends with the word, where old readers look for it. */
function decisive(word: OutcomeWord, message: string, notExecuted?: NotExecutedBranches): string {
  const text = stripOutcomeWord(message);
  const quoted = stringifyEscaped(text === '' ? '' : `${text} `);
  const branches = notExecuted ? `,"not_executed":${JSON.stringify(notExecuted)}` : '';
  return `{"dtm_result":"${word}","message":${quoted.slice(0, -1)}${word}"${branches}}`;
}
