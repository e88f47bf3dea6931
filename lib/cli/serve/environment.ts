import type { Given } from './given.js';
import { nearest } from './nearest.js';
import { SETTING_KEYS, type SettingKey } from './settings.js';

/**
 * Name of the environment variable for a key: docs/protocol.md#configuration.
 *
 * @param key - as in YAML, with dots
 */
export function environmentName(key: string): string {
  return key
    .replaceAll('.', '_')
    .replaceAll(/([a-z])([A-Z]+)/g, '$1_$2')
    .toUpperCase();
}

/**
 * The settings that the environment gives; an empty variable gives none.
 *
 * @param env - the environment
 */
export function readEnvironment(env: NodeJS.ProcessEnv): Map<SettingKey, Given> {
  const given = new Map<SettingKey, Given>();
  for (const key of SETTING_KEYS) {
    const name = environmentName(key);
    const text = env[name];
    if (text) given.set(key, { text, source: `environment variable ${name}` });
  }
  return given;
}

/**
 * Says which variables look like misspelt settings. They may as well belong to another program, so they are no error.
 *
 * @param env - the environment
 */
export function misspeltVariables(env: NodeJS.ProcessEnv): string[] {
  const names = SETTING_KEYS.map(environmentName);
  const groups = /^(STORE|MICRO_SERVICE|HTTP_MICRO_SERVICE)_/;
  const suspects = Object.keys(env).filter((name) => groups.test(name) && !names.includes(name));
  return suspects.flatMap((name) => {
    const meant = nearest(name, names);
    return meant ? [`environment variable ${name} is no setting; did you mean ${meant}?`] : [];
  });
}
