#!/usr/bin/env node
import { run } from './run.js';

/** How long what still holds the process, such as a pooled connection, may take to let go of it. */
const LINGER_MS = 3000;

// whoever read the output may have gone; transactions go on all the same
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

void run(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
  setTimeout(() => process.exit(), LINGER_MS).unref();
});
