import { readFileSync } from 'node:fs';
import { DtmConfigError } from '../../protocol/internal.js';
import { readConfig } from './read-config.js';
import type { ServeConfig } from './settings.js';

/** What {@link loadConfig} gives. */
export interface LoadedConfig {
  /** All settings. */
  readonly config: ServeConfig;
  /** What the user should know about them. */
  readonly notices: readonly string[];
}

/**
 * Reads the configuration of this process.
 *
 * @param env - the environment
 * @param path - configuration file, if any
 * @throws DtmConfigError with every problem on a line of its own
 */
export function loadConfig(env: NodeJS.ProcessEnv, path: string | undefined): LoadedConfig {
  const file = path === undefined ? undefined : { name: path, text: readText(path) };
  const { config, problems, notices } = readConfig({ env, file });
  if (problems.length > 0) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    throw new DtmConfigError([`the configuration has ${count}:`, ...problems].join('\n  - '));
  }
  return { config, notices };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    throw new DtmConfigError(`configuration file ${path}: ${why}`, { cause });
  }
}
