import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** What a folder of `lib` may import besides its own files. Everything else is refused. */
interface Layer {
  /** The row of a table of CONTRIBUTING.md. */
  readonly row: string;
  readonly folder: string;
  readonly allowed: readonly string[];
  /** Modules of which only types may be imported. */
  readonly types?: readonly string[];
}

const root = resolve(import.meta.dirname, '../../..');

/** One module of each folder. */
const modules: Readonly<Record<string, string>> = {
  root: 'lib/index.js',
  protocol: 'lib/protocol/internal.js',
  support: 'lib/support/host-port.js',
  barrier: 'lib/barrier/index.js',
  'barrier/sql': 'lib/barrier/sql/index.js',
  'barrier/pg': 'lib/barrier/pg/index.js',
  'barrier/mysql2': 'lib/barrier/mysql2/index.js',
  xa: 'lib/xa/index.js',
  'xa/pg': 'lib/xa/pg/index.js',
  driver: 'lib/driver/index.js',
  'driver.ts': 'lib/driver/driver.js',
  'driver/kratos': 'lib/driver/kratos/index.js',
  'driver/support/base': 'lib/driver/support/base/grpc-driver.js',
  'driver/support/discovery': 'lib/driver/support/discovery/discovery-driver.js',
  'driver/support/lookup': 'lib/driver/support/lookup/endpoint.js',
  'driver/support/registry': 'lib/driver/support/registry/consul/consul-registry.js',
  'driver/support/tools': 'lib/driver/support/tools/retry.js',
  transport: 'lib/transport/index.js',
  client: 'lib/client/index.js',
  'client/transactions': 'lib/client/transactions/saga.js',
  'client/branch': 'lib/client/branch/branch-ref.js',
  'client/connection': 'lib/client/connection/dtm-client.js',
  'client/payload': 'lib/client/payload/payload-codec.js',
  server: 'lib/server/index.js',
  'settings.ts': 'lib/server/settings.js',
  'server/engine': 'lib/server/engine/advance.js',
  'server/environment': 'lib/server/environment/clock.js',
  'store.ts': 'lib/server/store/store.js',
  'store/memory': 'lib/server/store/memory/memory-store.js',
  'store/sql': 'lib/server/store/sql/sql-store.js',
  'store/postgres': 'lib/server/store/postgres/index.js',
  'server/execution': 'lib/server/execution/runner.js',
  'server/operations': 'lib/server/operations/coordinator.js',
  'server/api': 'lib/server/api/http/http-api.js',
  nest: 'lib/nest/dtm.module.js',
  'nest/options': 'lib/nest/options/dtm.settings.js',
  'nest/branch/definition': 'lib/nest/branch/definition/branch-definition.js',
  'nest/branch/serve': 'lib/nest/branch/serve/branch.guard.js',
  'nest/branch/declare': 'lib/nest/branch/declare/define-branch.js',
  'nest/query-prepared': 'lib/nest/query-prepared/query-prepared.controller.js',
  'nest/branch/discover': 'lib/nest/branch/discover/branch.explorer.js',
  'nest/undocumented': 'lib/nest/undocumented/route-metadata.js',
  grpc: 'lib/grpc/index.js',
  cls: 'lib/cls/index.js',
  cli: 'lib/cli/run.js',
};

const packages = [
  'node:fs',
  '@grpc/grpc-js',
  'undici',
  'etcd3',
  'libsql',
  'prom-client',
  'pg',
  'mysql2/promise',
  'typeorm',
  'kysely',
  'knex',
  'yaml',
  '@nestjs/common',
  '@nestjs/common/constants.js',
  '@nestjs/core',
  '@nestjs/microservices',
  'rxjs',
  '@standard-schema/spec',
  'typescript',
  'express',
];

const ground = ['node:fs', 'protocol', 'support'];
const belowNest = [
  ...ground,
  'barrier',
  'xa',
  'driver',
  'transport',
  'client',
  '@nestjs/common',
  '@nestjs/core',
  'rxjs',
];
const execution = [...ground, 'transport', 'server/engine', 'server/environment', 'settings.ts', 'store.ts'];
const serving = ['nest/options', 'nest/branch/definition', 'nest/undocumented'];
const declaring = ['nest/branch/definition', 'nest/branch/serve', 'nest/undocumented'];
const allOfNest = Object.keys(modules).filter((module) => module.startsWith('nest/'));

const layers: readonly Layer[] = [
  { row: 'protocol', folder: 'lib/protocol', allowed: ['node:fs'] },
  { row: 'protocol', folder: 'lib/protocol/branch', allowed: ['node:fs', 'protocol'] },
  { row: 'protocol', folder: 'lib/protocol/grpc/definitions', allowed: ['node:fs', 'protocol'] },
  { row: 'support', folder: 'lib/support', allowed: ['node:fs', 'protocol', '@grpc/grpc-js'] },
  { row: 'barrier', folder: 'lib/barrier', allowed: [...ground, 'barrier/sql'] },
  { row: 'barrier', folder: 'lib/barrier/pg', allowed: [...ground, 'barrier', 'barrier/sql'] },
  { row: 'barrier', folder: 'lib/barrier/typeorm', allowed: [...ground, 'barrier', 'barrier/sql', 'typeorm'] },
  { row: 'barrier', folder: 'lib/barrier/kysely', allowed: [...ground, 'barrier', 'barrier/sql', 'kysely'] },
  { row: 'barrier', folder: 'lib/barrier/knex', allowed: [...ground, 'barrier', 'barrier/sql', 'knex'] },
  { row: 'barrier', folder: 'lib/barrier/sql', allowed: [...ground, 'barrier'] },
  { row: 'barrier', folder: 'lib/barrier/sql/dialects', allowed: [...ground, 'barrier', 'barrier/sql'] },
  { row: 'xa', folder: 'lib/xa', allowed: [...ground, 'barrier', 'barrier/sql'] },
  { row: 'xa', folder: 'lib/xa/pg', allowed: [...ground, 'xa', 'barrier', 'barrier/sql', 'barrier/pg'] },
  { row: 'xa', folder: 'lib/xa/mysql2', allowed: [...ground, 'xa', 'barrier', 'barrier/sql', 'barrier/mysql2'] },
  { row: 'driver', folder: 'lib/driver/ego', allowed: [...ground, 'driver.ts', ...supportOfDrivers()] },
  { row: 'driver', folder: 'lib/driver/support/tools', allowed: ground },
  {
    row: 'driver',
    folder: 'lib/driver/support/registry/etcd',
    allowed: [...ground, 'driver.ts', 'driver/support/tools', '@grpc/grpc-js', 'etcd3', 'undici'],
  },
  { row: 'transport', folder: 'lib/transport', allowed: [...ground, 'driver', 'undici', '@grpc/grpc-js'] },
  {
    row: 'transport',
    folder: 'lib/transport/http',
    allowed: [...ground, 'driver', 'transport', 'undici', '@grpc/grpc-js'],
  },
  {
    row: 'client',
    folder: 'lib/client/transactions',
    allowed: [...ground, 'driver', 'transport', 'barrier', 'client/branch', 'client/payload'],
  },
  { row: 'client', folder: 'lib/client/branch', allowed: [...ground, 'driver', 'transport'] },
  { row: 'client', folder: 'lib/client/connection', allowed: [...ground, 'driver', 'transport'] },
  { row: 'client', folder: 'lib/client/payload', allowed: [...ground, 'driver', 'transport'] },
  { row: 'client', folder: 'lib/client/payload/proto', allowed: [...ground, 'driver', 'transport', 'client/payload'] },
  { row: 'server', folder: 'lib/server', allowed: [...ground, 'driver', 'transport', ...partsOfServer()] },
  { row: 'engine', folder: 'lib/server/engine', allowed: ['protocol', 'settings.ts'] },
  {
    row: 'environment',
    folder: 'lib/server/environment',
    allowed: [...ground, 'settings.ts', 'prom-client'],
    types: ['store.ts', 'transport'],
  },
  { row: 'store', folder: 'lib/server/store', allowed: [...ground, 'settings.ts'] },
  { row: 'store', folder: 'lib/server/store/memory', allowed: [...ground, 'settings.ts', 'store.ts'] },
  { row: 'store', folder: 'lib/server/store/sql', allowed: [...ground, 'settings.ts', 'store.ts'] },
  { row: 'store', folder: 'lib/server/store/sqlite', allowed: [...ground, 'settings.ts', 'store.ts', 'libsql'] },
  {
    row: 'store',
    folder: 'lib/server/store/postgres',
    allowed: [...ground, 'settings.ts', 'store.ts', 'store/sql', 'pg'],
  },
  {
    row: 'store',
    folder: 'lib/server/store/mysql',
    allowed: [...ground, 'settings.ts', 'store.ts', 'store/sql', 'mysql2/promise'],
  },
  { row: 'execution', folder: 'lib/server/execution', allowed: execution },
  { row: 'execution', folder: 'lib/server/execution/calls', allowed: [...execution, 'server/execution'] },
  { row: 'operations', folder: 'lib/server/operations', allowed: [...execution, 'server/execution'] },
  { row: 'api', folder: 'lib/server/api/http', allowed: [...ground, 'server/environment', 'server/operations'] },
  {
    row: 'api',
    folder: 'lib/server/api/grpc',
    allowed: [...ground, 'server/environment', 'server/operations', '@grpc/grpc-js'],
  },
  { row: 'nest', folder: 'lib', allowed: [...belowNest, 'nest', ...allOfNest].filter((target) => target in modules) },
  { row: 'nest', folder: 'lib/nest', allowed: [...belowNest, ...allOfNest] },
  { row: 'options', folder: 'lib/nest/options', allowed: belowNest },
  { row: 'branch/definition', folder: 'lib/nest/branch/definition', allowed: [...belowNest, '@standard-schema/spec'] },
  {
    row: 'branch/serve',
    folder: 'lib/nest/branch/serve',
    allowed: [...belowNest, ...serving, '@standard-schema/spec'],
  },
  {
    row: 'branch/declare',
    folder: 'lib/nest/branch/declare',
    allowed: [...belowNest, ...declaring, '@standard-schema/spec'],
  },
  {
    row: 'query-prepared',
    folder: 'lib/nest/query-prepared',
    allowed: [...belowNest, ...declaring, 'nest/branch/declare', 'nest/options'],
  },
  { row: 'branch/discover', folder: 'lib/nest/branch/discover', allowed: [...belowNest, ...allOfNest] },
  {
    row: 'undocumented',
    folder: 'lib/nest/undocumented',
    allowed: ['node:fs', '@nestjs/common', '@nestjs/common/constants.js', '@nestjs/core'],
  },
  {
    row: 'grpc',
    folder: 'lib/grpc',
    allowed: [...belowNest, 'nest', ...allOfNest, 'client/payload', '@nestjs/microservices'],
  },
  { row: 'cls', folder: 'lib/cls', allowed: [...belowNest, 'nest', ...allOfNest] },
  { row: 'cli', folder: 'lib/cli', allowed: [...ground, 'driver', ...allOfServer()] },
  { row: 'cli', folder: 'lib/cli/serve', allowed: [...ground, 'driver', 'cli', ...allOfServer()] },
  { row: 'cli', folder: 'lib/cli/init', allowed: [...ground, 'cli'], types: ['typescript'] },
  { row: 'a folder without a rule', folder: 'lib/shipping', allowed: [] },
  { row: 'sample', folder: 'sample/src', allowed: packages },
];

function supportOfDrivers(): readonly string[] {
  return Object.keys(modules).filter((module) => module.startsWith('driver/support/'));
}

function partsOfServer(): readonly string[] {
  return allOfServer().filter((module) => module !== 'server');
}

function allOfServer(): readonly string[] {
  return Object.entries(modules).flatMap(([module, file]) => (file.startsWith('lib/server/') ? [module] : []));
}

type Refused = (layer: Layer, target: string, kind: 'value' | 'type') => boolean;

/** Lints a file for each layer, with a line for each import that the layer may or may not have. */
function lintImports(folder: string): Refused {
  copyFileSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  for (const layer of layers) {
    mkdirSync(join(folder, layer.folder), { recursive: true });
    writeFileSync(join(folder, fileOf(layer)), linesOf(layer).join('\n'));
  }
  const oxlint = join(root, 'node_modules/oxlint/bin/oxlint');
  const { stdout } = spawnSync(process.execPath, [oxlint, '--format', 'json', '.'], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const refused = new Set<string>();
  for (const { code, filename, labels } of (JSON.parse(stdout) as Report).diagnostics) {
    if (code === 'eslint(no-restricted-imports)')
      refused.add(`${filename.replaceAll('\\', '/')}:${labels[0]?.span.line}`);
  }
  return (layer, target, kind) => {
    const line = 2 * targetsOf(layer).indexOf(target) + (kind === 'value' ? 1 : 2);
    return refused.has(`${fileOf(layer)}:${line}`);
  };
}

interface Report {
  readonly diagnostics: readonly {
    readonly code: string;
    readonly filename: string;
    readonly labels: readonly { readonly span: { readonly line: number } }[];
  }[];
}

/** For each target two lines: an import of a value and an import of a type. */
function linesOf(layer: Layer): readonly string[] {
  return targetsOf(layer).flatMap((target, i) => [
    `import { value${i} } from '${specifierOf(layer, target)}';`,
    `import type { Type${i} } from '${specifierOf(layer, target)}';`,
  ]);
}

function targetsOf(layer: Layer): readonly string[] {
  return [...Object.keys(modules).filter((module) => !isOwn(layer, module)), ...packages];
}

/** Whether a module is in the folder itself; no layer restricts those. */
function isOwn(layer: Layer, target: string): boolean {
  const file = modules[target];
  return file !== undefined && dirname(file) === layer.folder;
}

function specifierOf(layer: Layer, target: string): string {
  const file = modules[target];
  if (file === undefined) return target;
  const path = relative(layer.folder, file).replaceAll('\\', '/');
  return path.startsWith('.') ? path : `./${path}`;
}

function fileOf(layer: Layer): string {
  return `${layer.folder}/imports.ts`;
}

/** The first column of the tables with a column "may import". */
function rowsOfContributing(): readonly string[] {
  const rows: string[] = [];
  let inTable = false;
  for (const line of readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8').split('\n')) {
    if (!line.startsWith('|')) inTable = false;
    else if (line.includes('| may import |')) inTable = true;
    const row = inTable ? /^\| `([^`]+)`/.exec(line) : null;
    if (row) rows.push(row[1]!);
  }
  return rows;
}

describe('the layers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-dtm-layers-'));
  let isRefused: Refused;

  beforeAll(() => {
    isRefused = lintImports(folder);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('are those of CONTRIBUTING.md', () => {
    const rows = new Set(layers.map((layer) => layer.row));

    expect(rows).toEqual(new Set([...rowsOfContributing(), 'a folder without a rule']));
  });

  it.each(layers)('$folder imports what its layer allows, and nothing else', (layer) => {
    const accepted = (kind: 'value' | 'type'): ReadonlySet<string> =>
      new Set(targetsOf(layer).filter((target) => !isRefused(layer, target, kind)));
    const expected = layer.allowed.filter((target) => !isOwn(layer, target));

    expect(accepted('value')).toEqual(new Set(expected));
    expect(accepted('type')).toEqual(new Set([...expected, ...(layer.types ?? [])]));
  });
});
