import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @type {Set<string>} */
const folders = new Set();

/**
 * A new temporary folder that goes away, with all that is in it, when this process ends.
 *
 * @param {string} name - appears in the folder's name
 * @returns {string} its real path
 */
export function temporaryFolder(name) {
  if (folders.size === 0) removeAtTheEnd();
  const folder = realpathSync(mkdtempSync(join(tmpdir(), `nestjs-dtm-${name}-`)));
  folders.add(folder);
  return folder;
}

function removeAtTheEnd() {
  process.once('exit', () => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  // A signal that nobody listens to would end the process without its exit event.
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.once(signal, () => {
      if (process.listenerCount(signal) === 0) process.exit(1);
    });
  }
}
