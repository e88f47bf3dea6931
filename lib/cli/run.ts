import { errorText } from '../protocol/internal.js';
import { VERSION } from '../server/version.js';
import type { Command } from './command.js';
import { print } from './print.js';
import { serveCommand } from './serve/command.js';
import { UsageError } from './usage-error.js';

const COMMANDS: Readonly<Record<string, Command>> = { serve: serveCommand };

/** Exit code when the command line cannot be understood. */
const USAGE = 2;

/** Exit code when the command failed. */
const FAILURE = 1;

/**
 * Runs the program `nestjs-dtm`.
 *
 * @param args - command line without the program
 * @returns exit code: 0 done, 1 failed, 2 wrong usage
 */
export async function run(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') return print(help());
  if (name === '--version' || name === '-v') return print(VERSION);
  const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) return complain(`${name === undefined ? 'no command' : `unknown command ${name}`}\n\n${help()}`, USAGE);
  try {
    return await command.run(rest);
  } catch (error) {
    if (!(error instanceof UsageError)) return complain(errorText(error), FAILURE);
    return complain(`${error.message}\nnestjs-dtm ${name} --help shows what there is`, USAGE);
  }
}

function help(): string {
  const lines = Object.entries(COMMANDS).map(([name, { about }]) => `  ${name.padEnd(10)}${about}`);
  return [
    'nestjs-dtm <command>',
    '',
    ...lines,
    '',
    'nestjs-dtm <command> --help   what the command takes',
    'nestjs-dtm --version          version of the package',
  ].join('\n');
}

function complain(text: string, exitCode: number): number {
  process.stderr.write(`nestjs-dtm: ${text}\n`);
  return exitCode;
}
