import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../services/free-ports.mjs';

/** @import { GeneratedApp } from './generated-app.mjs' */

const START_SECONDS = 30;

/** Settings that a generated application may have been given, in addition to its own. */
const strictest = {
  strict: true,
  strictPropertyInitialization: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noUncheckedIndexedAccess: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  incremental: false,
};

/**
 * Checks `npx nestjs-dtm init` in an application as the CLI of Nest generated it: what it adds compiles, also with the strictest
 * settings, is formatted as the rest, passes its test, and makes a transfer. A second run changes nothing.
 *
 * @param {GeneratedApp} app
 * @throws Error with the output of the first command that failed, or the wrong answer
 */
export async function checkInit(app) {
  const first = await app.run('npx --no-install nestjs-dtm init');
  if (!/^ {2}update {2}src\/app\.module\.ts$/m.test(first))
    throw new Error(`init did not change the root module:\n${first}`);
  const second = await app.run('npx --no-install nestjs-dtm init');
  if (/^ {2}(create|update)/m.test(second)) throw new Error(`init is not idempotent:\n${second}`);
  await app.run('npx --no-install prettier --check src/app.module.ts src/transfer');
  app.write('tsconfig.strictest.json', {
    extends: './tsconfig.json',
    compilerOptions: strictest,
    include: ['src/transfer'],
  });
  await app.run('npx --no-install tsc -p tsconfig.strictest.json');
  await app.run('npm run build');
  await app.run('npm test -- transfer');
  await checkTransfers(app);
}

/** @param {GeneratedApp} app */
async function checkTransfers({ folder }) {
  const [port] = await freePorts(1);
  const child = spawn(process.execPath, [join('dist', 'main.js')], {
    cwd: folder,
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  try {
    const url = `http://localhost:${port}/transfers`;
    const transfer = async (/** @type {string} */ to) => {
      const body = JSON.stringify({ from: 'alice', to, amount: 30 });
      const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      return `${answer.status} ${await answer.text()}`;
    };
    for (const deadline = Date.now() + START_SECONDS * 1000; ; await sleep(50)) {
      if (
        await fetch(url).then(
          () => true,
          () => false,
        )
      )
        break;
      if (child.exitCode !== null || Date.now() > deadline) throw new Error('the application does not listen');
    }
    expectAnswer(await transfer('bob'), /^201 .*"balances":\{"alice":70,"bob":130\}/);
    expectAnswer(await transfer('nobody'), /^409 .*"message":"nobody has no account"/);
  } catch (cause) {
    throw new Error(`the application of init: ${String(cause)}\noutput:\n${output}`, { cause });
  } finally {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'close');
  }
}

/**
 * @param {string} answer
 * @param {RegExp} expected
 */
function expectAnswer(answer, expected) {
  if (!expected.test(answer)) throw new Error(`a transfer answered ${answer}, not ${expected}`);
}
