import { stringifyEscaped } from '../../protocol/internal.js';
import { nextTurn } from '../../support/next-turn.js';

/** A JSON object. A field with a list may produce it while it is written. */
export type JsonFields = Readonly<Record<string, unknown>>;

/** Characters that are written in one turn of the event loop. */
const TURN_LENGTH = 256 * 1024;

/**
 * Writes an object as JSON in which outcome words are escaped. A large list is written over several turns of the event loop, so
 * that other requests do not wait for it.
 */
export async function writeJson(fields: JsonFields): Promise<Buffer> {
  const written: Buffer[] = [];
  let text = '';
  for (const part of parts(fields)) {
    text += part;
    if (text.length < TURN_LENGTH) continue;
    // bytes are outside of the heap, which the text of a large answer would fill
    written.push(Buffer.from(text));
    text = '';
    await nextTurn();
  }
  const last = Buffer.from(text);
  return written.length === 0 ? last : Buffer.concat([...written, last]);
}

function* parts(fields: JsonFields): Generator<string> {
  let separator = '{';
  for (const [name, value] of Object.entries(fields)) {
    yield `${separator}${JSON.stringify(name)}:`;
    if (isList(value)) yield* listParts(value);
    else yield stringifyEscaped(value);
    separator = ',';
  }
  yield separator === '{' ? '{}' : '}';
}

function* listParts(list: Iterable<unknown>): Generator<string> {
  let separator = '[';
  for (const item of list) {
    yield separator + stringifyEscaped(item);
    separator = ',';
  }
  yield separator === '[' ? '[]' : ']';
}

function isList(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}
