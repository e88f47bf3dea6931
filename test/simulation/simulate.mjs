import { loadConfigFromFile, runnerImport } from 'vite';

// the package by its name, and decorators, as the tests have them
const loaded = await loadConfigFromFile({ command: 'serve', mode: 'test' }, 'vitest.config.ts');
if (!loaded) throw new Error('there is no vitest.config.ts here');
const [project] = /** @type {any} */ (loaded.config).test.projects;
const { resolve, oxc } = project;
const { module } = await runnerImport('/test/simulation/simulate.ts', { configFile: false, resolve, oxc });
process.exitCode = await /** @type {any} */ (module).simulate(process.argv.slice(2));
