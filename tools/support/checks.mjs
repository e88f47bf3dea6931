import { npmScript } from './steps.mjs';

/** @import { Step } from './steps.mjs' */

/**
 * The checks of sources and documentation, and the build.
 *
 * @returns {Step[]}
 */
export function sourceChecks() {
  return [
    npmScript('format', 'format:check'),
    npmScript('lint', 'lint'),
    npmScript('types', 'typecheck'),
    npmScript('docs', 'check:docs'),
    npmScript('llms.txt', 'check:llms'),
    npmScript('build', 'build'),
    npmScript('public surface', 'check:api'),
  ];
}
