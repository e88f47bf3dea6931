import { command } from '../../tools/support/command.mjs';
import { checkNest11, checkNest12 } from './app-check.mjs';
import { publicEntries } from './entries.mjs';
import { checkCommonJs, checkImports } from './import-check.mjs';
import { checkLinks } from './links-check.mjs';
import { checkFiles } from './pack-check.mjs';
import { checkReadme } from './readme-check.mjs';
import { checkServe } from './serve-check.mjs';
import { pack } from './tarball.mjs';

/** @import { Step } from '../../tools/support/steps.mjs' */
/** @import { Tarball } from './tarball.mjs' */

/**
 * The checks of the published package, all on one tarball.
 *
 * @returns {Step[]}
 */
export function packageChecks() {
  /** @type {Promise<Tarball> | undefined} */
  let tarball;
  /**
   * @param {string} name
   * @param {(tarball: Tarball) => unknown} check
   * @returns {Step}
   */
  const step = (name, check) => ({
    name: `package: ${name}`,
    run: async () => {
      await check(await (tarball ??= pack()));
    },
  });

  return [
    step('files', checkFiles),
    step('links', checkLinks),
    step('imports', checkImports),
    step('CommonJS', checkCommonJs),
    step('publint', ({ path }) => command(`npx --no-install publint run "${path}" --strict`, { capture: true })),
    step('attw', ({ path }) => {
      const entries = publicEntries().map(({ subpath }) => subpath);
      const line = `npx --no-install attw "${path}" --no-emoji --entrypoints ${entries.join(' ')}`;
      return command(line, { capture: true });
    }),
    step('Nest 12, ES modules, Vitest', ({ path }) => checkNest12(path)),
    step('Nest 11, CommonJS, Jest', ({ path }) => checkNest11(path)),
    step('README example', ({ path }) => checkReadme(path)),
    step('npx nestjs-dtm serve', ({ path }) => checkServe(path)),
  ];
}
