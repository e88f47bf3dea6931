// @ts-check
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { sourceFolder } from '../programs.mjs';
import { installPackages } from './debian.mjs';
import { intoBuildFolder } from './build-folder.mjs';

/** @import { PythonService, ServiceName } from '../catalog.mjs' */

/**
 * Creates a virtual environment with the packages of a Python project. Installs Python if it is missing.
 *
 * @param {ServiceName} name
 * @param {PythonService} service
 */
export function buildVenv(name, service) {
  if (!hasVenv()) installPackages(['python3', 'python3-venv'], ['python3'], [name]);
  console.log(`pip install ${service.venv} …`);

  intoBuildFolder(name, service, (draft) => {
    run('python3', '-m', 'venv', draft);
    // through the interpreter: the scripts of the environment have the path of the draft
    const requirements = join(sourceFolder(service), 'requirements.txt');
    run(join(draft, 'bin', 'python'), '-m', 'pip', 'install', '--quiet', '--no-deps', '--requirement', requirements);
  });
}

function hasVenv() {
  try {
    run('python3', '-c', 'import ensurepip, venv');
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {string} program
 * @param {...string} args
 */
function run(program, ...args) {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
