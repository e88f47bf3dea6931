import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const lib = fileURLToPath(new URL('./lib', import.meta.url));

const shared = {
  resolve: {
    alias: [
      { find: /^nestjs-dtm$/, replacement: `${lib}/index.ts` },
      { find: /^nestjs-dtm\/(.+)$/, replacement: `${lib}/$1/index.ts` },
    ],
  },
  // vite 8 reads exactly this key; without it Nest's constructor injection has no metadata
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
};

/** One project per kind of test, see CONTRIBUTING.md. */
const project = (name: string, testTimeout: number) => ({
  ...shared,
  test: {
    name,
    include: [`test/${name}/**/*.spec.ts`],
    globals: false,
    testTimeout,
    hookTimeout: 120_000,
    // duration is no test criterion
    expect: { poll: { timeout: testTimeout / 2 } },
  },
});

export default defineConfig({
  test: {
    // tests mostly wait for servers: a single worker would leave a machine with two cores idle
    maxWorkers: 2,
    reporters: ['default', './test/support/skipped-reporter.ts'],
    projects: [
      project('unit', 10_000),
      project('contracts', 60_000),
      project('e2e', 120_000),
      project('simulation', 120_000),
    ],
  },
});
