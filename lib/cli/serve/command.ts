import { parseArgs } from 'node:util';
import { errorText } from '../../protocol/internal.js';
import { VERSION } from '../../server/version.js';
import type { Command } from '../command.js';
import { print } from '../print.js';
import { UsageError } from '../usage-error.js';
import { serveHelp } from './help.js';
import { loadConfig } from './load-config.js';
import { serve } from './serve.js';

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  debug: { type: 'boolean', short: 'd' },
  reset: { type: 'boolean', short: 'r' },
  version: { type: 'boolean', short: 'v' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** `nestjs-dtm serve`, with the flags of Go dtm. */
export const serveCommand: Command = {
  about: 'run the coordinator as a server, as dtm does',
  async run(args) {
    const flags = parse(args);
    if (flags.help) return print(serveHelp());
    if (flags.version) return print(VERSION);
    if (flags.reset) {
      throw new UsageError(
        '-r is refused: it deletes every transaction, also those that are not finished. Stop the server and remove the store yourself: the file of Store.Path with its -wal file, or the tables of the database',
      );
    }
    const { config, notices } = loadConfig(process.env, flags.config);
    return serve(flags.debug ? { ...config, LogLevel: 'debug' } : config, notices);
  },
};

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true }).values;
  } catch (cause) {
    throw new UsageError(errorText(cause), { cause });
  }
}
