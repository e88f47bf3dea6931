import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { command } from '../../tools/support/command.mjs';
import { readJson, root } from '../../tools/support/root.mjs';
import { temporaryFolder } from '../../tools/support/temporary-folder.mjs';

/** @import { ChildProcess } from 'node:child_process' */

const { name: self, bin } = readJson(join(root, 'package.json'));

const START_SECONDS = 30;

/**
 * Checks the command in a project with this package only: `npx nestjs-dtm serve` answers over HTTP and gRPC, drains when
 * npx ends, and names the package to install for a store without its client.
 *
 * @param {string} tarball - path of the packed package
 * @throws Error with the actual behavior
 */
export async function checkServe(tarball) {
  const folder = temporaryFolder('serve');
  const manifest = { name: 'empty', private: true, dependencies: { [self]: `file:${tarball}` } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  await command('npm install --prefer-offline --no-audit --no-fund --loglevel=error', { cwd: folder, capture: true });
  const [name = ''] = Object.keys(bin);

  await checkAnswers(folder, name);
  await checkMissingPeer(folder, name);
}

/**
 * @param {string} folder
 * @param {string} name - name of the command
 */
async function checkAnswers(folder, name) {
  const serve = run(folder, name, { HTTP_PORT: '0', GRPC_PORT: '0' });
  try {
    await serve.printed(/^ {2}recovery .*$/m);
    const row = (/** @type {string} */ title) =>
      new RegExp(`^ {2}${title} +(\\S+)`, 'm').exec(serve.output())?.[1] ?? '';
    const answer = await fetch(`${row('HTTP')}/newGid`);
    const body = await answer.text();
    if (answer.status !== 200 || !/"gid":"\w+"/.test(body)) throw new Error(`newGid answered ${answer.status} ${body}`);
    const services = await reflectedServices(folder, row('gRPC'));
    if (!services.includes('dtmgimp.Dtm')) throw new Error(`gRPC reflection answered ${JSON.stringify(services)}`);
    if (!existsSync(join(folder, '.dtm', 'dtm.db'))) throw new Error('the store file .dtm/dtm.db does not exist');
    serve.child.kill('SIGTERM');
    await serve.printed(/"message":"stopped"/);
  } catch (cause) {
    throw new Error(`npx ${name} serve: ${String(cause)}\noutput:\n${serve.output()}`, { cause });
  } finally {
    serve.child.kill('SIGKILL');
  }
}

/**
 * @param {string} folder
 * @param {string} name - name of the command
 */
async function checkMissingPeer(folder, name) {
  const env = { STORE_DRIVER: 'postgres', STORE_HOST: '127.0.0.1', STORE_USER: 'dtm' };
  const serve = run(folder, name, env);
  const [exitCode] = await once(serve.child, 'close');
  if (exitCode === 1 && serve.output().includes('npm install pg')) return;
  throw new Error(`without pg, npx ${name} serve exited with ${exitCode} and printed:\n${serve.output()}`);
}

/**
 * @param {string} folder
 * @param {string} name - name of the command
 * @param {Record<string, string>} env
 */
function run(folder, name, env) {
  const child = spawn('npx', ['--no-install', name, 'serve'], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const printed = async (/** @type {RegExp} */ pattern) => {
    for (const deadline = Date.now() + START_SECONDS * 1000; !pattern.test(output); await sleep(50)) {
      if (Date.now() > deadline) throw new Error(`${pattern} was not printed within ${START_SECONDS} s`);
    }
  };
  return { child, printed, output: () => output };
}

/**
 * Lists the services of a server by gRPC reflection, as grpcurl does; returns the raw answer as text.
 *
 * @param {string} folder - folder with @grpc/grpc-js
 * @param {string} address
 * @returns {Promise<string>}
 */
async function reflectedServices(folder, address) {
  /** @type {typeof import('@grpc/grpc-js')} */
  const { Client, credentials } = createRequire(join(folder, 'package.json'))('@grpc/grpc-js');
  const asIs = (/** @type {Buffer} */ bytes) => bytes;
  const client = new Client(address, credentials.createInsecure());
  try {
    const call = client.makeBidiStreamRequest('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', asIs, asIs);
    // ServerReflectionRequest { list_services = 7: "*" }
    call.end(Buffer.from([0x3a, 1, 0x2a]));
    const [answer] = await once(call, 'data');
    return String(answer);
  } finally {
    client.close();
  }
}
