import { expect, it } from 'vitest';
import { AnswerBody } from '../../../lib/transport/http/answer-body.js';

function bodyOf(...parts: readonly string[]): string {
  const body = new AnswerBody();
  for (const part of parts) body.add(Buffer.from(part));
  return body.toString();
}

it('the body of an answer is its parts in order', () => {
  expect(bodyOf()).toBe('');
  expect(bodyOf('one')).toBe('one');
  expect(bodyOf('', 'a', 'bc', 'def')).toBe('abcdef');
});

it('a body of very many parts is one text, and characters may be cut in two', () => {
  const bytes = Buffer.from('ä😀'.repeat(1000));
  const body = new AnswerBody();
  for (let at = 0; at < bytes.length; at++) body.add(bytes.subarray(at, at + 1));
  expect(body.toString()).toBe('ä😀'.repeat(1000));
});
