import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startDtm } from '../../services/dtm.mjs';
import { requireOrSkip } from '../../services/require-or-skip.mjs';
import { temporaryFolder } from '../bank/beds.js';

/** Runs the built sample as `npm start -- --once` does. */
async function runSample(env: Record<string, string> = {}): Promise<{ exitCode: number; output: string }> {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  const program = fileURLToPath(new URL('../../../sample/dist/main.js', import.meta.url));
  const child = spawn(process.execPath, [program, '--once'], {
    cwd: folder.path,
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [exitCode] = (await once(child, 'close')) as [number];
  return { exitCode, output };
}

/** Both lines of the branches, the balances, and the states of the three transactions. */
function expectTransfers(output: string): void {
  expect(output).toContain('TransOut 30 from user 1');
  expect(output).toContain('TransIn 30 to user 2');
  expect(output).toMatch(/│ 1 +│ 10000 +│ 9940 +│ 9940 +│/);
  expect(output).toMatch(/│ 2 +│ 10000 +│ 10060 +│ 10060 +│/);
  expect(output).toMatch(/'saga' +│ '[^']+' +│ 'succeed'/);
  expect(output).toMatch(/'tcc' +│ '[^']+' +│ 'succeed'/);
  expect(output).toMatch(/'saga, receiver unknown' +│ '[^']+' +│ 'failed'/);
}

describe('the sample', () => {
  it('moves the money on the embedded coordinator', async () => {
    const { exitCode, output } = await runSample();
    expectTransfers(output);
    expect(exitCode, output).toBe(0);
  });

  it('fails with exit code 1 when the coordinator cannot be reached', async () => {
    const { exitCode, output } = await runSample({ DTM_SERVER: 'http://127.0.0.1:1/api/dtmsvr' });
    expect(output).toContain('gave no answer');
    expect(exitCode).toBe(1);
  });
});

const dtm = requireOrSkip('dtm');

describe.skipIf(!dtm.available)(dtm.title('the sample on the real dtm'), () => {
  it('moves the money all the same: the coordinator is exchanged by one option', async () => {
    const server = await startDtm();
    onTestFinished(() => server.stop());
    const { exitCode, output } = await runSample({ DTM_SERVER: server.url });
    expectTransfers(output);
    expect(exitCode, output).toBe(0);
    const page = (await (await fetch(`${server.url}/all`)).json()) as { transactions: { status: string }[] };
    expect(page.transactions.map(({ status }) => status).toSorted()).toEqual(['failed', 'succeed', 'succeed']);
  });
});
