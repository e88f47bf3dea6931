// @ts-check
import { isAvailable } from './availability.mjs';
import { catalog } from './catalog.mjs';
import { installCommand } from './programs.mjs';

/** @import { ServiceName } from './catalog.mjs' */

/**
 * Result of {@link requireOrSkip}.
 *
 * @typedef {object} Requirement
 * @property {boolean} available Whether every service is installed.
 * @property {(subject: string) => string} title The subject, followed by the missing services, if any.
 */

/**
 * Checks the services that a suite needs. Without them, the suite can be skipped with a title that names them. With
 * `DTM_REQUIRE_SERVICES=1` this function throws instead, so that a run cannot pass without its servers.
 *
 * @param {...ServiceName} names
 * @returns {Requirement}
 *
 * @example
 * const mariadb = requireOrSkip('mariadb');
 *
 * describe.skipIf(!mariadb.available)(mariadb.title('TypeORM barrier on MariaDB'), () => {
 *   let server: MariadbServer;
 *   beforeAll(async () => {
 *     server = await startMariadb();
 *   });
 *   afterAll(() => server?.stop());
 * });
 */
export function requireOrSkip(...names) {
  const missing = names.filter((name) => !isAvailable(name));
  if (missing.length === 0) return { available: true, title: (subject) => subject };

  const titles = missing.map((name) => catalog[name].title).join(', ');
  const remedy = `not installed: ${titles}; run: ${installCommand(...missing)}`;
  if (process.env['DTM_REQUIRE_SERVICES'] === '1') throw new Error(`DTM_REQUIRE_SERVICES=1, but ${remedy}`);
  return { available: false, title: (subject) => `${subject} (${remedy})` };
}
