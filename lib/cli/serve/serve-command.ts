import { parseArgs } from 'node:util';
import { errorText } from '../../protocol/internal.js';
import { VERSION } from '../../server/version.js';
import type { Command } from '../command.js';
import { print } from '../print.js';
import { UsageError } from '../usage-error.js';
import { loadConfig } from './config/load-config.js';
import { serve } from './serve.js';
import { serveHelp } from './serve-help.js';

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  debug: { type: 'boolean', short: 'd' },
  reset: { type: 'boolean', short: 'r' },
  version: { type: 'boolean', short: 'v' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** `nestjs-dtm serve`, with the flags of dtm. */
export const serveCommand: Command = {
  description: 'run the coordinator as a server, like dtm',
  async run(args) {
    const flags = parseFlags(args);
    if (flags.help) return print(serveHelp());
    if (flags.version) return print(VERSION);
    if (flags.reset) {
      throw new UsageError(
        '-r is refused, because it deletes every transaction, including unfinished ones; stop the server and remove the store ' +
          'yourself: the file of Store.Path with its -wal file, or the tables of the database',
      );
    }
    const { config, notices } = loadConfig(process.env, flags.config);
    return serve(flags.debug ? { ...config, LogLevel: 'debug' } : config, notices);
  },
};

function parseFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true }).values;
  } catch (cause) {
    throw new UsageError(errorText(cause), { cause });
  }
}
