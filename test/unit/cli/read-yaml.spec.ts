import { describe, expect, it } from 'vitest';
import { readYaml } from '../../../lib/cli/serve/config/read-yaml.js';

const textsOf = (yaml: string) =>
  Object.fromEntries([...readYaml(yaml, 'conf.yml').settings].map(([key, { text }]) => [key, text]));

const problemsOf = (yaml: string) => readYaml(yaml, 'conf.yml').problems;

describe('readYaml', () => {
  it('returns the settings of groups and of the top level, with their lines', () => {
    const { settings, problems } = readYaml('Store:\n  Driver: postgres\n  Port: 5432\n\nHttpPort: "80"\n', 'conf.yml');
    expect(problems).toEqual([]);
    expect([...settings]).toEqual([
      ['Store.Driver', { text: 'postgres', source: 'conf.yml:2' }],
      ['Store.Port', { text: '5432', source: 'conf.yml:3' }],
      ['HttpPort', { text: '80', source: 'conf.yml:5' }],
    ]);
  });

  it('keeps values as they were written', () => {
    expect(
      textsOf('TimeZoneOffset: +8\nStore:\n  Password: 007\n  User: no\n  Db: true\n  Host: "a: b"\n  Schema: 1e3\n'),
    ).toEqual({
      TimeZoneOffset: '+8',
      'Store.Password': '007',
      'Store.User': 'no',
      'Store.Db': 'true',
      'Store.Host': 'a: b',
      'Store.Schema': '1e3',
    });
  });

  it.each(['', '# all is commented out\n', '---\n', 'Store:\n', 'Store:\nHttpPort:\nLogLevel: ""\nAdminBasePath: ~\n'])(
    'ignores a key without a value: %j',
    (yaml) => {
      expect(readYaml(yaml, 'conf.yml')).toMatchObject({ problems: [], settings: new Map() });
    },
  );

  it('follows anchors', () => {
    expect(textsOf('Store:\n  User: &name dtm\n  Db: *name\n')).toEqual({ 'Store.User': 'dtm', 'Store.Db': 'dtm' });
    expect(textsOf('Log: &log\n  Outputs: stdout\n')).toEqual({ 'Log.Outputs': 'stdout' });
    expect(problemsOf('Store:\n  Db: *nmae\n')).toEqual([
      'Store.Db: the anchor of its alias does not exist (conf.yml:2)',
    ]);
  });

  it('reports every unknown key with its line and a suggestion', () => {
    expect(
      problemsOf('store:\n  Driver: sqlite\nHttpPrt: 1\nStore:\n  Diver: x\n  Compression: y\nDriver: memory\n'),
    ).toEqual([
      'store: is not a setting; did you mean Store? (conf.yml:1)',
      'HttpPrt: is not a setting; did you mean HttpPort? (conf.yml:3)',
      'Store.Diver: is not a setting; did you mean Store.Driver? (conf.yml:5)',
      'Store.Compression: is not a setting; run nestjs-dtm serve --help for the settings (conf.yml:6)',
      'Driver: is not a setting; did you mean Store.Driver? (conf.yml:7)',
    ]);
  });

  it.each([
    ['Store: sqlite', /^Store: must be a map with the keys Store\.Driver, .*Store\.RedisPrefix \(conf\.yml:1\)$/],
    ['Store: [sqlite]', /^Store: must be a map/],
    ['HttpPort: [1]', /^HttpPort: must be a string or a number, not a map or a list; .*\(conf\.yml:1\)$/],
    ['MicroService:\n  Target: {"Addr": "a"}', /^MicroService\.Target: .*put a string in quotes \(conf\.yml:2\)$/],
    ['Store: &s\n  Driver: *s', /^Store\.Driver: must be a string/],
    ['- HttpPort: 1', /^conf\.yml: must be a map of settings/],
    ['HttpPort', /^conf\.yml: must be a map of settings/],
    ['? [a]\n: b', /^…: is not a setting/],
    ['HttpPort: 1\nHttpPort: 2', /^conf\.yml:2: not valid YAML: Map keys must be unique/],
    ['HttpPort: 1\n---\nHttpPort: 2', /^conf\.yml:\d: not valid YAML: .*multiple documents/],
    ['Store:\n\tDriver: sqlite', /^conf\.yml:2: not valid YAML: /],
    ['Store: {', /^conf\.yml:\d: not valid YAML: /],
  ])('refuses %j', (yaml, message) => {
    const problems = problemsOf(yaml);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems[0]).toMatch(message);
  });

  it.each([
    'Store:\n  Password: *hunter2',
    'Store:\n  Password: !hunter2',
    'Store:\n  Password: !hunter2 x',
    'Store:\n  Password: @hunter2',
    'Store:\n  Password: `hunter2',
    'Store:\n  Password: %hunter2',
    'Store:\n  Password: "\\hunter2"',
    'Store:\n  Password: "hunter2',
    'Store:\n  Password: "x"hunter2',
    'Store:\n  Password: hunter2: x',
    'Store:\n  Password: |hunter2',
    'Store:\n  Driver: mysql\n  Password:hunter2',
    'Store: {Driver: mysql, Password:hunter2}',
    'Store: {Password: [hunter2]}',
    'Store:\n  Password: {hunter2: hunter2}',
    'Store:\n  Password: [hunter2, *hunter2]',
  ])('never repeats what may be a password: %j', (yaml) => {
    const problems = problemsOf(yaml);
    if (textsOf(yaml)['Store.Password'] === undefined) expect(problems.length).toBeGreaterThan(0);
    expect(problems.join('\n')).not.toContain('unter2');
  });
});
