import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** Path for data of the sample in SAMPLE_DATA, by default ./.dtm. The next start finishes the transactions stored there. */
export function dataFolder(name: string): string {
  const root = process.env.SAMPLE_DATA ?? '.dtm';
  mkdirSync(root, { recursive: true });
  return join(root, name);
}
