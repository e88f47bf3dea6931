import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeFiles } from '../../../../lib/cli/init/write-files.js';
import { tempFolder } from '../../../support/temp-folder.js';

it('writeFiles leaves no created file after an error', () => {
  const folder = tempFolder();
  writeFileSync(join(folder, 'file'), 'old');
  const changes = [
    { path: 'src/a.ts', kind: 'create', text: 'a' },
    { path: 'file/b.ts', kind: 'create', text: 'b' },
  ] as const;
  expect(() => writeFiles(folder, changes)).toThrow();
  expect(existsSync(join(folder, 'src/a.ts'))).toBe(false);

  writeFiles(folder, [changes[0], { path: 'file', kind: 'update', text: 'new' }]);
  expect(readFileSync(join(folder, 'src/a.ts'), 'utf8')).toBe('a');
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('new');
});
