// @ts-check
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { sourceFolder } from '../programs.mjs';
import { installPackages } from './debian.mjs';
import { intoBuildFolder } from './build-folder.mjs';

/** @import { MavenService, ServiceName } from '../catalog.mjs' */

/**
 * Builds a service from its Maven project. Installs Java and Maven if they are missing.
 *
 * @param {ServiceName} name
 * @param {MavenService} service
 */
export function buildMaven(name, service) {
  if (!runs('javac') || !runs('mvn')) {
    installPackages(['default-jdk-headless', 'maven'], ['java', 'javac', 'mvn'], [name]);
  }
  console.log(`mvn package ${service.project} (a minute at the first run) …`);

  intoBuildFolder(name, service, (draft) => {
    const project = join(draft, 'project'); // a copy, because Maven writes next to the sources
    cpSync(sourceFolder(service), project, { recursive: true });
    const { status, stdout } = spawnSync('mvn', ['--batch-mode', '--quiet', 'package'], {
      cwd: project,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${service.title} could not be built:\n${stdout}`);
    for (const jar of service.programs.filter((program) => program.endsWith('.jar'))) {
      renameSync(join(project, 'target', jar), join(draft, jar));
    }
    rmSync(project, { recursive: true });
  });
}

/** @param {string} program */
function runs(program) {
  try {
    execFileSync(program, ['-version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
