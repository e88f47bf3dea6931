import { describe, expect, it } from 'vitest';
import { AnswerHead } from '../../../lib/transport/http/answer-head.js';

const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** Takes text in parts of a size. @returns what was let through */
function take(text: string, size: number): string {
  const head = new AnswerHead();
  for (let at = 0; at < text.length; at += size) {
    const answer = head.take(Buffer.from(text.slice(at, at + size)));
    if (answer) return answer.toString() + text.slice(at + size);
  }
  return '';
}

describe('the head of an answer', () => {
  it.each([1, 3, 10, 1000])('is let through once it is complete, in parts of %i bytes', (size) => {
    expect(take(ANSWER, size)).toBe(ANSWER);
    expect(take(ANSWER.slice(0, -3), size)).toBe('');
  });

  it.each([1, 7, 1000])('loses the interim answers before it, in parts of %i bytes', (size) => {
    const interim = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.0 102 x\r\n\r\n';
    expect(take(interim + ANSWER, size)).toBe(ANSWER);
  });

  it.each(['HTTP/1.1 101 Switching Protocols\r\n\r\n', 'SSH-2.0\r\n\r\n', 'HTTP/1.1 1000 x\r\n\r\n'])(
    'is not judged here: %j',
    (text) => {
      expect(take(text + ANSWER, 1000)).toBe(text + ANSWER);
    },
  );

  it('has at most 16 KiB, with the interim answers before it', () => {
    expect(() => take(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(3000)}`, 1000)).toThrow(
      'the headers of the answer have more than 16384 bytes',
    );
    expect(() => take('HTTP/1.1 100 Continue\r\n\r\n'.repeat(1000), 1000)).toThrow('more than 16384 bytes');
    expect(take(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(2700)}\r\nok`, 1000)).toHaveLength(16_221);
  });
});
