import { errorText } from '../protocol/internal.js';
import { VERSION } from '../server/version.js';
import type { Command } from './command.js';
import { initCommand } from './init/init-command.js';
import { print } from './print.js';
import { serveCommand } from './serve/serve-command.js';
import { UsageError } from './usage-error.js';

const COMMANDS: Readonly<Record<string, Command>> = { init: initCommand, serve: serveCommand };

/** Exit code for an invalid command line. */
const USAGE = 2;

/** Exit code for a command that failed. */
const FAILURE = 1;

/**
 * Runs the program `nestjs-dtm`.
 *
 * @param args - command line without the program
 * @returns exit code: 0 success, 1 failure, 2 invalid command line
 */
export async function run(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') return print(help());
  if (name === '--version' || name === '-v') return print(VERSION);
  const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) return fail(`${name === undefined ? 'no command' : `unknown command ${name}`}\n\n${help()}`, USAGE);
  try {
    return await command.run(rest);
  } catch (error) {
    if (!(error instanceof UsageError)) return fail(errorText(error), FAILURE);
    return fail(`${error.message}\nRun nestjs-dtm ${name} --help for the options.`, USAGE);
  }
}

function help(): string {
  const lines = Object.entries(COMMANDS).map(([name, { description }]) => `  ${name.padEnd(10)}${description}`);
  return [
    'nestjs-dtm <command>',
    '',
    ...lines,
    '',
    'nestjs-dtm <command> --help   show the options of the command',
    'nestjs-dtm --version          show the version of the package',
  ].join('\n');
}

function fail(message: string, exitCode: number): number {
  process.stderr.write(`nestjs-dtm: ${message}\n`);
  return exitCode;
}
