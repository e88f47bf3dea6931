// @ts-check
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';

import { isAvailable } from '../availability.mjs';
import { buildFolder } from '../programs.mjs';

/** @import { BuiltService, ServiceName } from '../catalog.mjs' */

/**
 * Fills the build folder of a service. Fills a draft first and then renames the draft, so that the folder is always
 * complete.
 *
 * @param {ServiceName} name
 * @param {BuiltService} service
 * @param {(draft: string) => void} fill
 */
export function intoBuildFolder(name, service, fill) {
  const folder = buildFolder(name, service);
  mkdirSync(dirname(folder), { recursive: true });
  const draft = mkdtempSync(`${folder}-`);
  try {
    fill(draft);
    if (!isAvailable(name)) renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  console.log(`${service.title}: ${folder}`);
}
