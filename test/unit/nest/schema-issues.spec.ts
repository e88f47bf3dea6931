import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { describeIssues } from '../../../lib/nest/branch/serve/schema-issues.js';

async function refusalOf(schema: StandardSchemaV1, payload: unknown): Promise<string[]> {
  const { issues } = await schema['~standard'].validate(payload);
  if (!issues) throw new Error('the schema accepts the payload');
  return describeIssues(issues, payload);
}

describe('describeIssues', () => {
  it.each<[string, StandardSchemaV1, unknown, string[]]>([
    [
      'Valibot',
      v.object({ card: v.pipe(v.string(), v.trim(), v.creditCard()) }),
      { card: '  4111-1111-1111-1112 ' },
      ['card: Invalid credit card: Received …'],
    ],
    ['Valibot', v.object({ pin: v.string() }), { pin: 7 }, ['pin: Invalid type: Expected string but received …']],
    ['Valibot', v.object({ pin: v.string() }), {}, ['pin: Invalid key: Expected "pin" but received undefined']],
    [
      'ArkType',
      type({ to: { mail: 'string.email' } }),
      { to: { mail: 'a' } },
      ['to.mail must be an email address (was …)'],
    ],
    ['ArkType', type({ amount: 'number > 0' }), { amount: -5 }, ['amount must be positive (was …)']],
    ['ArkType', type({ amount: 'number' }), { amount: 'x' }, ['amount must be a number (was a string)']],
    [
      'Zod',
      z.object({
        items: z.array(
          z.object({ pin: z.string().refine(() => false, { error: (issue) => `bad ${String(issue.input)}` }) }),
        ),
      }),
      { items: [{ pin: '1' }, { pin: 'x"y' }] },
      ['items.0.pin: bad …', 'items.1.pin: bad …'],
    ],
  ])('names the path, and no value: %s', async (_library, schema, payload, expected) => {
    expect(await refusalOf(schema, payload)).toEqual(expected);
  });

  it('redacts values elsewhere in the payload, a longer one before a shorter one', () => {
    const payload = { code: '4929', card: '4929-1234-5678', from: 'a' };
    const message = 'a card 4929-1234-5678 needs the code 4929, not 49290';
    expect(describeIssues([{ message }], payload)).toEqual(['a card … needs the code …, not 49290']);
  });

  it('keeps the limits of a message', () => {
    expect(describeIssues([{ message: 'expected number to be >0', path: ['amount'] }], { amount: 0 })).toEqual([
      'amount: expected number to be >0',
    ]);
    expect(describeIssues([{ message: '737 is no code', path: ['code'] }], { code: 737 })).toEqual([
      'code: … is no code',
    ]);
  });

  it('leaves messages out when the payload has too many values to look for', () => {
    const payload = { card: 'secret', list: Array.from({ length: 5000 }, (_, index) => index) };
    expect(describeIssues([{ message: 'bad secret', path: ['card'] }], payload)).toEqual(['card: is not valid']);
    const nested = { card: 'secret', list: Array.from({ length: 900 }, (_, index) => [index]) };
    expect(describeIssues([{ message: 'bad secret', path: ['card'] }], nested)).toEqual(['card: is not valid']);
  });

  it('limits the number and the length of messages', () => {
    const issues = Array.from({ length: 12 }, (_, index) => ({ message: 'x'.repeat(1000), path: [{ key: index }] }));
    const texts = describeIssues(issues, []);
    expect(texts).toHaveLength(11);
    expect(texts[0]).toMatch(/^0: x{197}…$/);
    expect(texts.at(-1)).toBe('2 more');
  });
});
