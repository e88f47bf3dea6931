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
 * @property {Readonly<Record<string, string>>} [env] Beside the PATH, all that the program sees.
 * @property {string} [input] Given to the program on its standard input.
 */

/**
 * A temporary folder in which one program at a time runs. Neither outlives this process.
 *
 * @typedef {object} Workspace
 * @property {string} dir
 * @property {string} logFile The output of the program that was started last.
 * @property {(command: Command) => Promise<ChildProcess>} spawn Starts a program in a process group of its own.
 * @property {() => Promise<void>} close Ends the last program and removes the folder.
 */

/*
 * Exit handlers are no use here: a signal, a crash or the end of a test worker skips them. Instead a guard waits on a
 * pipe that closes when we ask for it and also when we die, however that happens. It is the only one to clean up.
 * It looks at `exe` because a process that has ended still takes signals until its parent collects it.
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

// A program tells the guard its group by itself, and holds the pipe until it has: were it up to us, we could die
// between starting it and telling.
const announceScript = 'echo $$ >&3; exec "$@" 3>&-';

/**
 * Makes a temporary folder and sets a guard over it.
 *
 * @param {string} name Appears in the folder's name.
 * @param {Account | undefined} account Who owns the folder and runs the programs; by default we do.
 * @param {NodeJS.Signals} stopSignal Sent to the last program in the end; SIGKILL follows after ten seconds.
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
