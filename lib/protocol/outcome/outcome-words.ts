/** A word that decides an outcome wherever a reader of dtm finds it: docs/protocol.md#http-outcomes. */
export type OutcomeWord = 'FAILURE' | 'ONGOING';

/** Removes the outcome word that ends a message for old readers. */
export function stripOutcomeWord(message: string): string {
  return message.replace(/(^| )(FAILURE|ONGOING)$/, '');
}

/**
 * Writes JSON in which outcome words are escaped (`\u0046AILURE`): a JSON reader gets the same value, and a reader that
 * searches the text finds no word.
 *
 * @param value - any JSON value; `undefined` is written as `null`
 */
export function stringifyEscaped(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  return text.replaceAll('FAILURE', '\\u0046AILURE').replaceAll('ONGOING', '\\u004fNGOING');
}
