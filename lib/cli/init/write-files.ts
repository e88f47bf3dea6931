import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FileChange } from './plan.js';

/**
 * Writes files. After an error, no created file is left: a second run would take a part of the example for the whole.
 *
 * @param folder - of the application
 */
export function writeFiles(folder: string, changes: readonly FileChange[]): void {
  const created: string[] = [];
  try {
    for (const { kind, path, text } of changes) {
      const file = join(folder, path);
      mkdirSync(dirname(file), { recursive: true });
      if (kind === 'create') created.push(file);
      writeFileSync(file, text);
    }
  } catch (error) {
    for (const file of created) rmSync(file, { force: true });
    throw error;
  }
}
