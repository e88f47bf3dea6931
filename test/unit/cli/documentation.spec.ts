import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { environmentVariableOf } from '../../../lib/cli/serve/config/read-environment.js';
import { serveHelp } from '../../../lib/cli/serve/serve-help.js';
import { SETTING_KEYS, settingOf } from '../../../lib/cli/serve/config/settings.js';

const page = readFileSync(new URL('../../../docs/serve.md', import.meta.url), 'utf8');
const used = SETTING_KEYS.filter((key) => settingOf(key).noEffect === undefined);
const unused = SETTING_KEYS.filter((key) => settingOf(key).noEffect !== undefined);

describe('docs/serve.md', () => {
  it('has a row for every setting, with its variable and its default', () => {
    const rows = [...page.matchAll(/^\| `([\w.]+)` \| `(\w+)` \| (?:`(.*?)` )?\| /gm)].map((match) => match.slice(1));
    const expected = used.map((key) => {
      const { defaultValue } = settingOf(key);
      return [key, environmentVariableOf(key), defaultValue === undefined ? undefined : String(defaultValue)];
    });
    expect(rows).toEqual(expected);
  });

  it('names every setting without an effect', () => {
    const [, table = ''] = /settings below are accepted and change nothing[^]*?\n\n([^]*?)\n\n/.exec(page) ?? [];
    const named = [...table.matchAll(/`([\w.*]+)`(?=[^|]* \| )/g)].map(([, name = '']) => name);
    const covered = unused.filter((key) => named.some((name) => name === key || name === key.replace(/\.\w+$/, '.*')));
    expect(covered).toEqual(unused);
  });
});

describe('serve --help', () => {
  it('shows every setting, with its default', () => {
    const help = serveHelp();
    for (const key of used) expect(help).toMatch(new RegExp(`^ {2}${key} +\\S`, 'm'));
    expect(help).toMatch(/^ {2}HttpPort .* \[36789\]$/m);
    for (const key of unused) expect(help).toContain(key);
  });
});
