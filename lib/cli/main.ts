#!/usr/bin/env node
import { run } from './run.js';

/** How long a handle that keeps the process alive, such as a pooled connection, has to close. */
const LINGER_MS = 3000;

// the reader of the output may be gone; transactions must continue
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

void run(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
  setTimeout(() => process.exit(), LINGER_MS).unref();
});
