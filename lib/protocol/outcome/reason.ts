import { parseNotExecuted, type NotExecutedBranches } from './not-executed-branches.js';
import { stripOutcomeWord } from './outcome-words.js';

/** Longest reason that is stored and logged. */
const MAX_REASON_LENGTH = 1000;

/** Cuts a text from the network to a length that can be stored and logged. */
export function cutReason(text: string): string {
  return text.length > MAX_REASON_LENGTH ? `${text.slice(0, MAX_REASON_LENGTH)}…` : text;
}

/** Reads the reason in a message from the network. */
export function reasonIn(message: string): string {
  return cutReason(stripOutcomeWord(message));
}

/**
 * Reads the reason in a body: the `message` or `error` of a JSON answer, or else the text itself.
 *
 * @param body - body of a branch or coordinator
 */
export function reasonInBody(body: string): {
  readonly reason: string;
  readonly notExecuted: NotExecutedBranches | undefined;
} {
  let reason = body;
  let notExecuted: NotExecutedBranches | undefined;
  if (body.startsWith('{')) {
    try {
      const answer = JSON.parse(body) as { message?: unknown; error?: unknown; not_executed?: unknown };
      if (typeof answer.message === 'string') reason = answer.message;
      else if (typeof answer.error === 'string') reason = answer.error;
      notExecuted = parseNotExecuted(answer.not_executed);
    } catch {
      // not JSON: the text itself is the reason
    }
  }
  return { reason: reasonIn(reason), notExecuted };
}

/** A body that says the outcome and nothing else. */
const OUTCOME_ONLY = /^\{"dtm_result":"\w*"\}$/;

/** How dtm begins the rollback reason of a saga whose action failed. */
const FAILED_ACTION = /^url:\S+ return failed: /;

/**
 * The words of the branch in the rollback reason of a coordinator: `url:<url> return failed: <words>`. Go dtm has the whole body of
 * the branch there.
 *
 * @param rollbackReason - as the coordinator stores or answers it
 * @returns `''` when the branch gave no words
 */
export function branchReason(rollbackReason: string): string {
  const { reason } = reasonInBody(stripOutcomeWord(rollbackReason.replace(FAILED_ACTION, '')));
  return OUTCOME_ONLY.test(reason) ? '' : reason;
}

/** A text about a call that got no answer, from the network libraries. */
const NO_ANSWER = /\bno answer\b|^(?:UNAVAILABLE|DEADLINE_EXCEEDED): /;

/**
 * Hides the addresses in the answer to a call, or in the error of a call without an answer.
 *
 * @param text - for example `BranchRecord.lastError`
 */
export function withoutAddresses(text: string): string {
  const withoutUrls = text.replaceAll(/\b[a-z][a-z\d+.-]*:\/\/[^\s"'<>,;)]+/gi, '***');
  if (!NO_ANSWER.test(text)) return withoutUrls;
  // host and port, and the names that were not found
  return withoutUrls.replaceAll(/[\w.:[\]%-]+:\d{1,5}\b/g, '***').replaceAll(/(?<=ENOTFOUND |EAI_AGAIN )\S+/g, '***');
}
