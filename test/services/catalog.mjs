// @ts-check

/**
 * A service from a Debian package.
 *
 * @typedef {object} PackagedService
 * @property {string} title Name in messages.
 * @property {string} debian Name of the package.
 * @property {readonly string[]} programs Programs that run the service.
 */

/**
 * A service that is built from a Go module in this folder.
 *
 * @typedef {object} GoService
 * @property {string} title Name in messages.
 * @property {string} module Folder of the wrapper module, relative to this folder.
 * @property {string} package Go package of the program.
 * @property {readonly string[]} [uses] Folders of further local modules that the module requires.
 * @property {string} ldflags Linker flags.
 * @property {string} [dependency] Go module that has the assets.
 * @property {readonly string[]} [assets] Folders of the dependency that the program reads at run time.
 * @property {readonly string[]} programs Programs that run the service.
 */

/**
 * A service that is built from a Maven project in this folder.
 *
 * @typedef {object} MavenService
 * @property {string} title Name in messages.
 * @property {string} project Folder of the project, relative to this folder.
 * @property {readonly string[]} programs Programs that run the service: `java` and the JAR of the project.
 */

/**
 * A service on Python packages, which are installed into a virtual environment of their own.
 *
 * @typedef {object} PythonService
 * @property {string} title Name in messages.
 * @property {string} venv Folder of the project with its `requirements.txt`, relative to this folder.
 * @property {readonly string[]} programs Programs that run the service: the interpreter of the environment.
 */

/**
 * A service on npm packages that are too large for the dependencies of this package.
 *
 * @typedef {object} NpmService
 * @property {string} title Name in messages.
 * @property {string} npm Folder of the project with its `package.json`, relative to this folder.
 * @property {readonly string[]} programs Files that its script `build` writes.
 */

/** @typedef {GoService | MavenService | PythonService | NpmService} BuiltService */

/**
 * Name of a service in {@link catalog}.
 *
 * @typedef {'postgres' | 'mariadb' | 'redis' | 'etcd' | 'dtm' | 'dtm-protocol1' | 'consul' | 'polaris' | 'nacos'
 *   | 'eureka' | 'dapr' | 'go-partner' | 'go-partner-new' | 'dtmcli-go' | 'dtmcli-python' | 'dtmcli-java' | 'prisma'} ServiceName
 */

/**
 * All services: how to install each one, and the programs that must exist afterwards.
 *
 * @type {Readonly<Record<ServiceName, PackagedService | BuiltService>>}
 */
export const catalog = {
  postgres: { title: 'PostgreSQL', debian: 'postgresql', programs: ['initdb', 'postgres'] },
  mariadb: { title: 'MariaDB', debian: 'mariadb-server', programs: ['mariadb-install-db', 'mariadbd'] },
  redis: { title: 'Redis', debian: 'redis-server', programs: ['redis-server'] },
  etcd: { title: 'etcd', debian: 'etcd-server', programs: ['etcd'] },
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
  'go-partner': {
    title: 'Go partner',
    module: 'go-programs',
    package: './partner',
    uses: ['go-partner'],
    ldflags: '-s -w',
    programs: ['go-partner'],
  },
  'go-partner-new': {
    title: 'Go partner on the newest frameworks',
    module: 'go-partners-new',
    package: '.',
    uses: ['go-partner'],
    ldflags: '-s -w',
    programs: ['go-partner-new'],
  },
  consul: {
    title: 'Consul',
    module: 'go-consul',
    package: 'github.com/hashicorp/consul',
    ldflags: '-s -w',
    programs: ['consul'],
  },
  polaris: {
    title: 'Polaris',
    module: 'go-polaris',
    package: 'github.com/polarismesh/polaris',
    ldflags: '-s -w',
    programs: ['polaris'],
  },
  dapr: {
    title: 'Dapr',
    module: 'go-daprd',
    package: '.',
    ldflags: '-s -w',
    programs: ['daprd'],
  },
  nacos: { title: 'Nacos', project: 'java/nacos', programs: ['java', 'nacos-server.jar'] },
  eureka: { title: 'Eureka', project: 'java/eureka', programs: ['java', 'eureka-server.jar'] },
  'dtmcli-go': {
    title: "Bank on dtm's Go client",
    module: 'dtmcli-go',
    package: '.',
    ldflags: '-s -w',
    programs: ['dtmcli-go'],
  },
  'dtmcli-python': { title: 'Bank on dtmcli for Python', venv: 'dtmcli-python', programs: ['bin/python'] },
  'dtmcli-java': {
    title: 'Bank on dtmcli-springcloud',
    project: 'dtmcli-java',
    programs: ['java', 'dtmcli-java.jar'],
  },
  prisma: { title: 'Prisma', npm: 'prisma', programs: ['postgres/client.ts', 'mysql/client.ts'] },
};

/** All names in {@link catalog}. */
export const serviceNames = /** @type {ServiceName[]} */ (Object.keys(catalog));
