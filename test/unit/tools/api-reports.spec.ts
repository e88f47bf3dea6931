import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { compareReports, writeReports } from '../../../tools/api/committed-reports.mjs';
import { createReports, type Report } from '../../../tools/api/api-reports.mjs';
import { tempFolder } from '../../support/temp-folder.js';

const entries = [
  { subpath: '.', types: 'dist/index.d.ts' },
  { subpath: './part', types: 'dist/part/index.d.ts' },
];

const built = {
  'package.json': JSON.stringify({ name: 'bank', type: 'module' }),
  'dist/index.d.ts': `
    export { Account } from './account.js';
    /** Opens an account. */
    export declare function open(options?: OpenOptions): import('./account.js').Account;
    /** What an account begins with. */
    export interface OpenOptions {
      /** Money. @default 0 */
      readonly amount?: number | undefined;
      /** Who owns it. */
      readonly owner?: string | undefined;
      readonly label?: string | undefined;
    }`,
  'dist/account.d.ts': `
    import type { Entry, Ledger } from './ledger.js';
    /** An account. */
    export declare class Account {
      private readonly secret: Hidden;
      /** What happened. */
      entries(): readonly Entry[];
      /** Where it is kept. */
      readonly ledger: Ledger;
    }
    interface Hidden { readonly pin: string }`,
  'dist/ledger.d.ts': `
    export interface Entry { readonly by: Cause }
    export type Cause = 'transfer' | 'fee';
    /** A ledger. */
    export interface Ledger { readonly name: string }`,
  'dist/part/index.d.ts': `export type { Ledger } from '../ledger.js';`,
};

type Files = Record<string, string>;

/** Creates the reports of the package, the root entry first. `changes` replaces files. */
function reportsOf(changes: Files = {}): [Report, Report] {
  const folder = tempFolder();
  for (const [path, text] of Object.entries({ ...built, ...changes })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return createReports(folder, entries) as [Report, Report];
}

// On a busy machine, the compiler takes longer than a unit test may.
describe('the reports of a package', { timeout: 60_000 }, () => {
  let unchanged: [Report, Report] | undefined;
  let root: Report;
  let part: Report;
  let committed: string;

  beforeEach(() => {
    [root, part] = unchanged ??= reportsOf();
    committed = tempFolder();
    writeReports(committed, [root, part]);
  });

  it('show the exports, sorted, without private members and docstrings', () => {
    expect(root).toMatchObject({ entry: 'bank', file: 'bank.api.md', undocumented: [] });
    expect(root.text).toContain(
      [
        '// @public',
        'export class Account {',
        '    entries(): readonly Entry[];',
        '    readonly ledger: Ledger;',
        '}',
        '',
        '// @public',
        'export function open(options?: OpenOptions): Account;',
      ].join('\n'),
    );
    expect(root.text).not.toMatch(/secret|What happened/);
    expect(part).toMatchObject({ entry: 'bank/part', file: 'part.api.md' });
    expect(part.text).toContain('export interface Ledger');
  });

  it('list mentioned types that no entry exports', () => {
    expect(root.text).toContain(
      '## Mentioned here, but exported by no entry\n\n- `Cause` in `Entry`\n- `Entry` in `Account`\n\n',
    );
  });

  it('list options without a docstring or a default', () => {
    expect(root.text).toContain(
      '## Options to document\n\n- `OpenOptions.owner` has no @default\n- `OpenOptions.label` has no docstring\n',
    );
  });

  it('match the committed reports without a change', () => {
    expect(compareReports(committed, [root, part])).toEqual([]);
  });

  it('differ from the committed reports after a new export, and name the export without a docstring', () => {
    const index = `${built['dist/part/index.d.ts']}\nexport declare const limit: number;`;
    const [, changed] = reportsOf({ 'dist/part/index.d.ts': index });
    expect(changed.undocumented).toEqual(['limit']);
    const patches = compareReports(committed, [root, changed]);
    expect(patches).toEqual([expect.stringContaining('+export const limit: number;')]);
    expect(patches[0]).toContain('etc/part.api.md');
  });

  it('differ from the committed reports after a change of a member', () => {
    const account = built['dist/account.d.ts'].replace('entries(): readonly', 'entries(last: number): readonly');
    const [changed] = reportsOf({ 'dist/account.d.ts': account });
    expect(compareReports(committed, [changed, part])).toEqual([
      expect.stringMatching(/^-    entries\(\): readonly Entry\[\];\n\+    entries\(last: number\)/m),
    ]);
  });

  it('differ from the committed reports after an entry is added or removed', () => {
    expect(compareReports(committed, [root])).toEqual([
      'etc/part.api.md belongs to no entry of the package; delete the file',
    ]);
    writeFileSync(join(committed, 'gone.api.md'), '');
    expect(compareReports(committed, [root, part])).toEqual([expect.stringContaining('etc/gone.api.md belongs to no')]);
    writeReports(committed, [root]);
    expect(compareReports(committed, [root, part])).toEqual([expect.stringContaining('+export interface Ledger')]);
  });
});
