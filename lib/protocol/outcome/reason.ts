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
