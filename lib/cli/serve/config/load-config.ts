import { readFileSync } from 'node:fs';
import { DtmConfigError } from '../../../protocol/internal.js';
import { readConfig } from './read-config.js';
import type { ServeConfig } from './settings.js';

/** The result of {@link loadConfig}. */
export interface LoadedConfig {
  /** All settings. */
  readonly config: ServeConfig;
  /** Notices for the user. */
  readonly notices: readonly string[];
}

/**
 * Loads the configuration of this process.
 *
 * @param path - path of the configuration file; undefined for none
 * @throws DtmConfigError with one line for each problem
 */
export function loadConfig(env: NodeJS.ProcessEnv, path: string | undefined): LoadedConfig {
  const file = path === undefined ? undefined : { name: path, text: readFile(path) };
  const { config, problems, notices } = readConfig({ env, file });
  if (problems.length > 0) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    throw new DtmConfigError([`the configuration has ${count}:`, ...problems].join('\n  - '));
  }
  return { config, notices };
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
    throw new DtmConfigError(`the configuration file ${path} ${why}`, { cause });
  }
}
