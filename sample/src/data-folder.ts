import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** Folder for the sample's data: below SAMPLE_DATA, or ./.dtm. What was begun there is finished at the next start. */
export function dataFolder(name: string): string {
  const root = process.env.SAMPLE_DATA ?? '.dtm';
  mkdirSync(root, { recursive: true });
  return join(root, name);
}
