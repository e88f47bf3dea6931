import type { StandardSchemaV1 } from '@standard-schema/spec';

/** Issues in one message: the coordinator stores and shows the message. */
const MAX_ISSUES = 10;

const MAX_LENGTH = 200;

/** Values of a payload that are looked for in its issues. */
const MAX_VALUES = 1000;

/** Shorter values that are not at the path of the issue may be words and limits of the message itself. */
const MIN_LENGTH = 4;

/** Shorter numbers at the path of the issue may be limits of the message: `expected number to be >0`. */
const MIN_DIGITS = 3;

const REDACTED = '…';

/**
 * Says what a schema has against a payload: the path and the message of each issue. Some libraries quote the value in the message,
 * as in `Expected number but received "4111…"`. The values of the payload are redacted.
 *
 * @param payload - what the schema refused
 */
export function describeIssues(issues: readonly StandardSchemaV1.Issue[], payload: unknown): string[] {
  const values = new Set<string>();
  const isComplete = collectValues(payload, values);
  const texts = issues.slice(0, MAX_ISSUES).map((issue) => {
    const keys = (issue.path ?? []).map((segment) => (typeof segment === 'object' ? segment.key : segment));
    const path = keys.map(String).join('.');
    const message = isComplete
      ? redact(issue.message, [...quotedValues(issue), valueAt(payload, keys), ...values])
      : 'is not valid';
    // messages of ArkType begin with the path
    const text = path === '' || message.startsWith(`${path} `) ? message : `${path}: ${message}`;
    return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
  });
  const left = issues.length - MAX_ISSUES;
  return left > 0 ? [...texts, `${left} more`] : texts;
}

/** @returns whether all values were collected */
function collectValues(value: unknown, values: Set<string>): boolean {
  const pending = [value];
  for (let count = 0; pending.length > 0; count++) {
    if (count >= MAX_VALUES) return false;
    const next = pending.pop();
    if (typeof next !== 'object' || next === null) {
      const text = textOf(next);
      if (text !== undefined && text.length >= MIN_LENGTH) values.add(text);
    } else if (Object.keys(next).length > MAX_VALUES) return false;
    else pending.push(...(Object.values(next) as unknown[]));
  }
  return true;
}

/** The value as Valibot (`received`) and ArkType (`actual`) quote it, also when the schema had changed it before. Names of types stay. */
function quotedValues(issue: StandardSchemaV1.Issue): (string | undefined)[] {
  const { received, actual } = issue as { readonly received?: unknown; readonly actual?: unknown };
  return [received, actual].map((text) => (typeof text === 'string' && !/^[a-z ]*$/i.test(text) ? text : undefined));
}

function valueAt(payload: unknown, keys: readonly PropertyKey[]): string | undefined {
  let value = payload;
  for (const key of keys) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  const text = textOf(value);
  return typeof value === 'string' || (text && text.length >= MIN_DIGITS) ? text : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
    ? String(value)
    : undefined;
}

function redact(message: string, values: readonly (string | undefined)[]): string {
  const forms = new Set(
    values.filter((value) => !!value).flatMap((value) => [value!, JSON.stringify(value).slice(1, -1)]),
  );
  // a longer value first, which may contain a shorter one
  return [...forms]
    .filter((form) => message.includes(form))
    .toSorted((a, b) => b.length - a.length)
    .reduce((text, form) => text.replace(wordPattern(form), REDACTED), message);
}

/** Matches the text where it is not a part of a longer word or number. */
function wordPattern(text: string): RegExp {
  const escaped = text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
  return new RegExp(String.raw`(?<![\p{L}\p{N}])${escaped}(?![\p{L}\p{N}])`, 'gu');
}
