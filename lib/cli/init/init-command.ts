import { parseArgs } from 'node:util';
import { errorText } from '../../protocol/internal.js';
import type { Command } from '../command.js';
import { print } from '../print.js';
import { UsageError } from '../usage-error.js';
import { readApplication } from './application.js';
import { planInit } from './plan.js';
import { summaryOf } from './summary.js';
import { writeFiles } from './write-files.js';

const HELP = `nestjs-dtm init [--dry-run]

Adds DtmModule to the Nest application in the current folder, and an example in src/transfer: a saga of two branches, the
controller that starts the saga, and a test. Files of the application keep their style. A file that is not written as
expected stays as it is; the command then shows what to add by hand, and ends with exit code 1. You can run the command
again: it adds what is missing.

  --dry-run    show what would be written, and write nothing
  -h, --help   show this text`;

/** `nestjs-dtm init`. */
export const initCommand: Command = {
  description: 'add DtmModule and an example to the Nest application in this folder',
  async run(args) {
    const flags = parseFlags(args);
    if (flags.help) return print(HELP);
    const isDryRun = flags['dry-run'] === true;
    const application = readApplication(process.cwd());
    const plan = planInit(application);
    if (!isDryRun) writeFiles(application.folder, plan.changes);
    print(summaryOf(application, plan, isDryRun));
    return plan.byHand.length > 0 ? 1 : 0;
  },
};

function parseFlags(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: { 'dry-run': { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
      strict: true,
    }).values;
  } catch (cause) {
    throw new UsageError(errorText(cause), { cause });
  }
}
