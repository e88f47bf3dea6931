// @ts-check
import { catalog } from './catalog.mjs';
import { findProgram } from './programs.mjs';

/** @import { ServiceName } from './catalog.mjs' */

/**
 * Whether all programs of a service are installed.
 *
 * @param {ServiceName} name
 * @returns {boolean}
 */
export function isAvailable(name) {
  return catalog[name].programs.every((program) => findProgram(name, program));
}
