import { loadConfigFromFile, runnerImport } from 'vite';

// resolves the package by its name and compiles decorators, as the tests do
const loaded = await loadConfigFromFile({ command: 'serve', mode: 'test' }, 'vitest.config.ts');
if (!loaded) throw new Error('vitest.config.ts not found; run this from the root of the repository');
const [project] = /** @type {any} */ (loaded.config).test.projects;
const { resolve, oxc } = project;
const { module } = await runnerImport('/test/simulation/simulate.ts', { configFile: false, resolve, oxc });
process.exitCode = await /** @type {any} */ (module).simulate(process.argv.slice(2));
