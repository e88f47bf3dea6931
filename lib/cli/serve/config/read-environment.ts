import { findSimilarName } from './find-similar-name.js';
import type { RawSetting } from './raw-setting.js';
import { SETTING_KEYS, type SettingKey } from './settings.js';

/** The environment variable of a setting: `MicroService.EndPoint` is `MICRO_SERVICE_END_POINT`. */
export function environmentVariableOf(key: string): string {
  return key
    .replaceAll('.', '_')
    .replaceAll(/([a-z])([A-Z]+)/g, '$1_$2')
    .toUpperCase();
}

/** Reads the settings in the environment. An empty variable counts as not set. */
export function readEnvironment(env: NodeJS.ProcessEnv): Map<SettingKey, RawSetting> {
  const settings = new Map<SettingKey, RawSetting>();
  for (const key of SETTING_KEYS) {
    const variable = environmentVariableOf(key);
    const text = env[variable];
    if (text) settings.set(key, { text, source: `environment variable ${variable}` });
  }
  return settings;
}

/** Describes variables that look like misspelt settings. They are not an error, because another program may use them. */
export function findMisspeltVariables(env: NodeJS.ProcessEnv): string[] {
  const variables = SETTING_KEYS.map(environmentVariableOf);
  const groups = /^(STORE|MICRO_SERVICE|HTTP_MICRO_SERVICE)_/;
  const suspects = Object.keys(env).filter((name) => groups.test(name) && !variables.includes(name));
  return suspects.flatMap((name) => {
    const similar = findSimilarName(name, variables);
    return similar ? [`environment variable ${name} is not a setting; did you mean ${similar}?`] : [];
  });
}
