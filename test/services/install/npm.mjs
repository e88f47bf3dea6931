// @ts-check
import { execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';

import { sourceFolder } from '../programs.mjs';
import { intoBuildFolder } from './build-folder.mjs';

/** @import { NpmService, ServiceName } from '../catalog.mjs' */

/**
 * Installs the packages of an npm project, and runs its script `build`. No package runs a script of its own.
 *
 * @param {ServiceName} name
 * @param {NpmService} service
 */
export function buildNpm(name, service) {
  console.log(`npm ci ${service.npm} …`);
  intoBuildFolder(name, service, (draft) => {
    cpSync(sourceFolder(service), draft, { recursive: true });
    for (const args of [
      ['ci', '--ignore-scripts', '--no-audit', '--no-fund'],
      ['run', 'build'],
    ]) {
      execFileSync('npm', args, { cwd: draft, stdio: ['ignore', 'ignore', 'pipe'] });
    }
  });
}
