/** A word that decides an outcome wherever a reader of dtm finds it. */
export type OutcomeWord = 'FAILURE' | 'ONGOING';

/** A message without the outcome word that stands at its end for old readers. */
export function stripOutcomeWord(message: string): string {
  return message.replace(/(^| )(FAILURE|ONGOING)$/, '');
}

/**
 * JSON text in which the words that decide an outcome appear only in escaped form (`\u0046AILURE`): any JSON reader
 * gets the same value, and a reader that searches the text finds nothing.
 *
 * @param value - anything JSON can hold; `undefined` is written as `null`
 */
export function stringifyEscaped(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  return text.replaceAll('FAILURE', '\\u0046AILURE').replaceAll('ONGOING', '\\u004fNGOING');
}
