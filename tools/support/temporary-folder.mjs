import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @type {Set<string>} */
const folders = new Set();

/**
 * Creates a temporary folder; removes it with its content at the end of the process.
 *
 * @param {string} name - part of the folder name
 * @returns {string} real path of the folder
 */
export function temporaryFolder(name) {
  if (folders.size === 0) removeAtExit();
  const folder = realpathSync(mkdtempSync(join(tmpdir(), `nestjs-dtm-${name}-`)));
  folders.add(folder);
  return folder;
}

function removeAtExit() {
  process.once('exit', () => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  // Without a listener, a signal would end the process without the exit event.
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.once(signal, () => {
      if (process.listenerCount(signal) === 0) process.exit(1);
    });
  }
}
