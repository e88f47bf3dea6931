import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkDocs } from '../../../tools/docs/check-docs.mjs';

type Files = Record<string, string>;

const sound: Files = {
  'package.json': JSON.stringify({
    name: 'bank',
    type: 'module',
    scripts: { check: 'node check.mjs' },
    exports: { '.': './dist/index.js', './part/*': './dist/part/*/index.js' },
  }),
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      module: 'nodenext',
      target: 'es2023',
      lib: ['es2023'],
      strict: true,
      noEmit: true,
      paths: { bank: ['./lib/index.ts'], 'bank/*': ['./lib/*/index.ts'] },
    },
  }),
  'lib/index.ts': `
    /** Opens {@link Account}s. See {@link Account.close}, docs/page.md#a-heading and {@link https://example.com}. */
    export function open(): Account { return { close: () => {} }; }
    /** An account. */
    export interface Account { /** Ends it. */ close(): void }`,
  'lib/part/small/index.ts': `export const one = 1; // see lib/index.ts, bank/part/small: npm run check`,
  'lib/hidden/index.ts': `export const hidden = 1;`,
  'test/unit/account.spec.ts': `describe('an account', () => { it('can be closed, twice', () => {}); });`,
  'README.md':
    '# Bank\n\n[Page](docs/page.md#a-heading), [here](#bank), [other](https://example.com/x#y), `lib/index.ts`\n' +
    '<a href="docs/page.md#page">there</a>, [it][it], `npm run check`\n\n[it]: docs/page.md\n',
  'docs/page.md': [
    '# Page',
    '## A `heading`',
    '`unit/account.spec.ts` › closed, twice; an account.',
    '`bank/part/small`, `lib/part/<name>/`',
    '<!-- ts\ndeclare const account: import("bank").Account;\n-->',
    "```ts\nimport { open } from 'bank';\nconst mine = open();\n```",
    '```ts\nconst mine = [open(), account] as const;\nawait mine[0].close();\n```',
    '```ts fragment\nopen(…)\n```',
    '',
  ].join('\n\n'),
};

function problemsWith(changes: Files): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-dtm-docs-'));
  try {
    for (const [path, text] of Object.entries({ ...sound, ...changes })) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return checkDocs(folder).problems;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What is broken, the text of the broken page or source, and the problem text after the path of the file. */
const broken: [what: string, text: string, problem: string][] = [
  ['a link', '# Other\n\n[x](gone.md)', ':3 links to gone.md: docs/gone.md does not exist'],
  ['a link by reference', '[x]: ../gone.md', ':1 links to ../gone.md: gone.md does not exist'],
  ['an anchor', '[x](page.md#gone)', ':1 links to page.md#gone: docs/page.md has no heading #gone'],
  ['an anchor in the same page', '# Other\n\n[x](#gone)', ':3 links to #gone: '],
  ['a link in HTML', '# Other\n\n<a href="gone.md">x</a>', ':3 links to gone.md: docs/gone.md does not exist'],
  ['an image in HTML', '<img src="../gone.png">', ':1 links to ../gone.png: gone.png does not exist'],
  ['a reference', '# Other\n\n[`x`][gone]', ':3 links to [gone], which the page does not define'],
  ['a script', '`npm run gone`', ':1 names npm run gone, which package.json does not have'],
  ['a script in a command', block('npm run gone -- --all', 'sh'), ':3 names npm run gone, which'],
  ['a path', '`node tools/gone.mjs`', ':1 names tools/gone.mjs, which does not exist'],
  ['a path in a command', block('node tools/gone.mjs', 'sh'), ':3 names tools/gone.mjs, which does not exist'],
  ['a subpath', '`bank/hidden`', ':1 names bank/hidden, which package.json does not export'],
  ['a subpath of a wildcard', '`bank/part/gone`', ':1 names bank/part/gone, which package.json does not export'],
  ['a test', '`unit/gone.spec.ts`', ':1 names the test unit/gone.spec.ts: test/unit/gone.spec.ts does not exist'],
  ['a test title', '`unit/account.spec.ts` › can be opened', ':1 names the test "can be opened": no title in'],
  ['a type', block("const n: number = 1;\nconst s: string = 'a' + n * 'b';"), ':5 TS2363: '],
  ['invalid syntax', block('open(…)'), ':4 TS1127: Invalid character.'],
  [
    'the order of blocks',
    `${block('open();')}\n${block("import { open } from 'bank';")}`,
    ':4 TS2304: Cannot find name',
  ],
  ['an import', block("import { gone } from 'bank';"), `:4 TS2305: Module '"bank"' has no exported member 'gone'.`],
  ['a hidden block', '<!-- ts\nconst n: Gone = 1;\n-->', ":2 TS2304: Cannot find name 'Gone'."],
  ['a page in a comment', `// docs/${'gone'}.md`, ':1 refers to docs/gone.md: docs/gone.md does not exist'],
  [
    'a heading in a comment',
    `// docs/${'page'}.md#gone`,
    ':1 refers to docs/page.md#gone: docs/page.md has no heading',
  ],
  ['a path in a comment', `/** See lib/${'gone'}.ts. */`, ':1 names lib/gone.ts, which does not exist'],
  [
    'a path behind code',
    `/* */ const n = 1; // see \`lib/${'gone'}.ts\``,
    ':1 names lib/gone.ts, which does not exist',
  ],
  ['a subpath in a comment', `// exported by ${'bank'}/hidden`, ':1 names bank/hidden, which package.json does not'],
  ['a script in a comment', `// run npm run ${'gone'}`, ':1 names npm run gone, which package.json does not have'],
  ['a {@link}', '/** See {@link Account}. */\nexport const one = 1;', ':1 {@link Account} leads nowhere'],
  [
    'a {@link} to a member',
    '/** {@link A.b} {@link A.c} */\nexport interface A { b: 1 }',
    ':1 {@link A.c} leads nowhere',
  ],
];

function block(text: string, info = 'ts'): string {
  return `# Page\n\n\`\`\`${info}\n${text}\n\`\`\`\n`;
}

// On a busy machine, the compiler takes longer than a unit test may.
describe('the check of pages and comments', { timeout: 60_000 }, () => {
  let problems: readonly string[];

  beforeAll(() => {
    const pathOf = (text: string, index: number) => (text.startsWith('/') ? `lib/f${index}.ts` : `docs/f${index}.md`);
    problems = problemsWith(Object.fromEntries(broken.map(([, text], index) => [pathOf(text, index), text])));
  });

  it('finds no problem in valid pages and sources', () => {
    expect(problemsWith({})).toEqual([]);
  });

  it.each(broken.map((each, index) => [...each, index] as const))('finds a problem in %s', (_, __, problem, index) => {
    const found = problems.filter((each) => new RegExp(`^\\w+/f${index}\\.\\w+:`).test(each));
    expect(found).toEqual([expect.stringContaining(problem)]);
  });

  it('finds no other problems', () => {
    expect(problems).toHaveLength(broken.length);
  });
});
