// @ts-check
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @import { ChildProcess } from 'node:child_process' */
/** @import { Account } from './account.mjs' */

/**
 * A program to run in a workspace.
 *
 * @typedef {object} Command
 * @property {string} program
 * @property {readonly string[]} args
 * @property {Readonly<Record<string, string>>} [env] Environment of the program, in addition to the PATH.
 * @property {string} [input] Standard input of the program.
 */

/**
 * A temporary folder in which one program at a time runs. Both end with this process.
 *
 * @typedef {object} Workspace
 * @property {string} dir
 * @property {string} logFile Output of the last program.
 * @property {(command: Command) => Promise<ChildProcess>} spawn Starts a program in its own process group.
 * @property {() => Promise<void>} close Stops the last program and removes the folder.
 */

/*
 * Exit handlers do not suffice: a signal, a crash or the end of a test worker skips them. Instead, a guard process waits
 * on a pipe that closes on request and at any end of this process. Only the guard cleans up. It checks `exe`, because a
 * zombie still accepts signals.
 */
const guardScript = `
dir=$1 signal=$2 group=
while read -r line; do group=$line; done
if [ -n "$group" ]; then
  kill -s "$signal" -- "-$group"
  for _ in $(seq 200); do [ -e "/proc/$group/exe" ] || break; sleep 0.05; done
  kill -s KILL -- "-$group"
fi
for _ in $(seq 50); do rm -rf "$dir" && break; sleep 0.1; done
`;

// The program itself reports its process group to the guard, and holds the pipe until then. This process could die
// between the start of the program and the report.
const announceScript = 'echo $$ >&3; exec "$@" 3>&-';

/**
 * Creates a temporary folder with its guard process.
 *
 * @param {string} name Part of the folder name.
 * @param {Account | undefined} account Owner of the folder and account of the programs. Default: the account of this process.
 * @param {NodeJS.Signals} stopSignal Signal that stops the last program; SIGKILL follows after ten seconds.
 * @returns {Workspace}
 */
export function openWorkspace(name, account, stopSignal) {
  const dir = join(tmpdir(), `nestjs-dtm-${name}-${randomUUID().slice(0, 8)}`);
  const logFile = join(dir, 'server.log');

  const guard = spawn('sh', ['-c', guardScript, 'guard', dir, stopSignal.slice('SIG'.length)], {
    cwd: '/',
    detached: true, // out of reach of Ctrl-C
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const pipe = /** @type {import('node:net').Socket} */ (guard.stdin);
  guard.unref();
  pipe.unref();

  mkdirSync(dir, { mode: 0o700 });
  if (account) chownSync(dir, account.uid, account.gid);

  return {
    dir,
    logFile,
    spawn: async ({ program, args, env, input }) => {
      const log = openSync(logFile, 'w');
      const child = spawn('sh', ['-c', announceScript, program, program, ...args], {
        ...account,
        cwd: dir,
        detached: true,
        env: { PATH: process.env['PATH'], ...env },
        stdio: [input === undefined ? 'ignore' : 'pipe', log, log, pipe],
      });
      closeSync(log);
      await once(child, 'spawn');
      child.stdin?.end(input);
      return child;
    },
    close: async () => {
      guard.ref();
      pipe.end();
      if (guard.exitCode === null && guard.signalCode === null) await once(guard, 'exit');
    },
  };
}
