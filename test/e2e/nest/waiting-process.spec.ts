import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const program = fileURLToPath(new URL('processes/waiting-process.mjs', import.meta.url));

describe('a process without a socket goes on', () => {
  test.each([
    ['retry', 'succeeded'],
    ['headers', 'DtmOngoingError'],
    ['method', 'DtmOngoingError'],
  ])('while it waits for: %s', async (wait, outcome) => {
    const { stdout } = await promisify(execFile)(process.execPath, [program, wait]);
    expect(stdout).toBe(`${outcome}, closed\n`);
  });
});
