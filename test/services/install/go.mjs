// @ts-check
import { execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';

import { installCommand, sourceFolder } from '../programs.mjs';
import { intoBuildFolder } from './build-folder.mjs';

/** @import { GoService, ServiceName } from '../catalog.mjs' */

/**
 * Builds a service from its Go module.
 *
 * @param {ServiceName} name
 * @param {GoService} service
 */
export function buildGo(name, service) {
  const sources = sourceFolder(service);
  /** @param {...string} args */
  function go(...args) {
    return execFileSync('go', args, { cwd: sources, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  try {
    go('version');
  } catch {
    const remedy = `Install it (https://go.dev/doc/install), then run: ${installCommand(name)}`;
    throw new Error(`${service.title} needs Go 1.24 or newer on the PATH. ${remedy}`);
  }
  console.log(`go build ${service.package} (minutes at the first run) …`);

  intoBuildFolder(name, service, (draft) => {
    const [program = name] = service.programs;
    const flags = ['-mod=readonly', '-trimpath', `-ldflags=${service.ldflags}`];
    go('build', ...flags, '-o', join(draft, program), service.package);
    for (const asset of service.assets ?? []) {
      const dependency = go('list', '-mod=readonly', '-m', '-f', '{{.Dir}}', service.dependency ?? '').trim();
      cpSync(join(dependency, asset), join(draft, asset), { recursive: true });
    }
  });
}
