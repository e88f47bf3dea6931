import { errorText } from '../error-text.js';
import { payloadText, type Payload } from '../payload.js';
import { DtmBranchError, DtmFailureError, DtmOngoingError, type DtmError, type DtmErrorOptions } from '../errors.js';

/**
 * What a call to a branch or to the coordinator came to. Only `success`, `failure` and `ongoing` decide anything; `unknown`
 * is everything else (no answer, a 500, a 201), and the call is repeated.
 */
export type Outcome =
  | {
      readonly kind: 'success';
      /** What was answered: text over HTTP, the message's bytes over gRPC. */
      readonly body: Payload;
    }
  | {
      readonly kind: 'failure' | 'ongoing' | 'unknown';
      readonly message: string;
      readonly cause?: unknown;
      /** Unknown because nobody is there: no answer came, or a proxy says that it got none. @default false */
      readonly unreachable?: boolean | undefined;
    };

/** An HTTP answer that carries an outcome: status and JSON text. */
export interface HttpAnswer {
  /** 200, 409, 425 or 500. */
  readonly status: number;
  /** JSON text, `application/json`. */
  readonly body: string;
}

/** Success body when nobody reads the result; old SDKs look for the word. */
export const SUCCESS_BODY = '{"dtm_result":"SUCCESS"}';

/** Text of an answer that is kept as a reason; longer ones are cut. */
const MAX_REASON_LENGTH = 1000;

/**
 * Reads an HTTP answer by the rules of docs/protocol.md#http-outcomes. Their order is part of the protocol: words in the body
 * override the status.
 *
 * @param status - HTTP status
 * @param body - whole body text
 */
export function readHttpOutcome(status: number, body: string): Outcome {
  if (status === 425 || body.includes('ONGOING')) return { kind: 'ongoing', message: reasonIn(body) };
  if (status === 409 || body.includes('FAILURE')) return { kind: 'failure', message: reasonIn(body) };
  if (status !== 200) {
    return {
      kind: 'unknown',
      message: `status ${status}: ${reasonIn(body)}`,
      unreachable: status >= 502 && status <= 504,
    };
  }
  return { kind: 'success', body };
}

/**
 * Writes an outcome as an HTTP answer. Only a failure carries the word FAILURE and only an
 * ongoing the word ONGOING: anywhere else they are escaped, so that no reader takes them for a decision.
 *
 * @param outcome - the outcome; the body of a success is sent as it is
 */
export function writeHttpOutcome(outcome: Outcome): HttpAnswer {
  switch (outcome.kind) {
    case 'success':
      return { status: 200, body: payloadText(outcome.body) };
    case 'failure':
      return { status: 409, body: decisive('FAILURE', outcome.message) };
    case 'ongoing':
      return { status: 425, body: decisive('ONGOING', outcome.message) };
    case 'unknown':
      return { status: 500, body: `{"message":${stringifyQuietly(outcome.message)}}` };
  }
}

/** The word stands once at the end of the message, too, where old readers look for it. */
function decisive(word: 'FAILURE' | 'ONGOING', message: string): string {
  const text = withoutWord(message);
  const quoted = stringifyQuietly(text === '' ? '' : `${text} `);
  return `{"dtm_result":"${word}","message":${quoted.slice(0, -1)}${word}"}`;
}

function withoutWord(message: string): string {
  return message.replace(/(^| )(FAILURE|ONGOING)$/, '');
}

/**
 * JSON text in which the words that decide an outcome appear only in escaped form (`\u0046AILURE`): any JSON reader
 * gets the same value, and a reader that searches the text finds nothing.
 *
 * @param value - anything JSON can hold; `undefined` is written as `null`
 */
export function stringifyQuietly(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  return text.replaceAll('FAILURE', '\\u0046AILURE').replaceAll('ONGOING', '\\u004fNGOING');
}

/**
 * The error that stands for an outcome other than success.
 *
 * @param outcome - failure, ongoing or unknown
 * @param what - names the branch that answered, for the message
 * @param options - gid
 */
export function outcomeError(
  outcome: Exclude<Outcome, { kind: 'success' }>,
  what: string,
  options: DtmErrorOptions = {},
): DtmError {
  const details = { cause: outcome.cause, ...options };
  switch (outcome.kind) {
    case 'failure':
      return new DtmFailureError(outcome.message || `${what} failed`, details);
    case 'ongoing':
      return new DtmOngoingError(outcome.message || `${what} is not decided yet`, details);
    case 'unknown':
      return new DtmBranchError(`${what}: ${outcome.message}`, details);
  }
}

/**
 * The outcome that an error thrown by user code stands for: {@link DtmFailureError} and {@link DtmOngoingError} say what
 * they mean, everything else is unknown and will be asked again.
 *
 * @param error - anything thrown
 */
export function errorOutcome(error: unknown): Exclude<Outcome, { kind: 'success' }> {
  const message = errorText(error);
  if (error instanceof DtmFailureError) return { kind: 'failure', message, cause: error };
  if (error instanceof DtmOngoingError) return { kind: 'ongoing', message, cause: error };
  return { kind: 'unknown', message, cause: error };
}

/** The `message` of a JSON answer, else the text itself, cut to a bearable length. */
function reasonIn(body: string): string {
  let reason = body;
  if (body.startsWith('{')) {
    try {
      const { message, error } = JSON.parse(body) as { message?: unknown; error?: unknown };
      if (typeof message === 'string') reason = message;
      else if (typeof error === 'string') reason = error;
    } catch {
      // not JSON after all: the text itself is the reason
    }
  }
  reason = withoutWord(reason);
  return reason.length > MAX_REASON_LENGTH ? `${reason.slice(0, MAX_REASON_LENGTH)}…` : reason;
}
