// @ts-check

/**
 * A service that comes as a Debian package.
 *
 * @typedef {object} PackagedService
 * @property {string} title What people call it.
 * @property {string} debian The package that brings it.
 * @property {readonly string[]} programs The programs needed to run it.
 */

/**
 * A service that is built from a Go module in this folder.
 *
 * @typedef {object} BuiltService
 * @property {string} title What people call it.
 * @property {string} module Folder of the wrapper module, relative to this one.
 * @property {string} package Go package of the program.
 * @property {string} dependency Go module that the package belongs to.
 * @property {string} ldflags Linker flags.
 * @property {readonly string[]} assets Folders of the dependency that the program reads at run time.
 * @property {readonly string[]} programs The programs needed to run it.
 */

/**
 * Name of a service that {@link catalog} knows.
 *
 * @typedef {'postgres' | 'mariadb' | 'redis' | 'dtm' | 'dtm-protocol1'} ServiceName
 */

/**
 * Every service: what to install, and what must be there afterwards.
 *
 * @type {Readonly<Record<ServiceName, PackagedService | BuiltService>>}
 */
export const catalog = {
  postgres: { title: 'PostgreSQL', debian: 'postgresql', programs: ['initdb', 'postgres'] },
  mariadb: { title: 'MariaDB', debian: 'mariadb-server', programs: ['mariadb-install-db', 'mariadbd'] },
  redis: { title: 'Redis', debian: 'redis-server', programs: ['redis-server'] },
  dtm: {
    title: 'Go dtm',
    module: 'go',
    package: 'github.com/dtm-labs/dtm',
    dependency: 'github.com/dtm-labs/dtm',
    ldflags: '-s -w -X main.Version=v1.19.0',
    assets: ['sqls'],
    programs: ['dtm'],
  },
  'dtm-protocol1': {
    title: 'Go dtm with the driver protocol1',
    module: 'go-programs',
    package: './protocol1',
    dependency: 'github.com/dtm-labs/dtm',
    ldflags: '-s -w -X main.Version=v1.19.0',
    assets: ['sqls'],
    programs: ['dtm-protocol1'],
  },
};

/** Every name in {@link catalog}. */
export const serviceNames = /** @type {ServiceName[]} */ (Object.keys(catalog));
