import { registersServices } from '../../../driver/internal.js';
import type { RawSetting } from './raw-setting.js';
import { findMisspeltVariables, readEnvironment } from './read-environment.js';
import { readYaml } from './read-yaml.js';
import type { Setting } from './setting.js';
import { SETTING_KEYS, settingOf, type ServeConfig, type SettingKey } from './settings.js';

/** The sources of settings. */
export interface ConfigSources {
  /** The environment. */
  readonly env: NodeJS.ProcessEnv;
  /** The configuration file, which overrides the environment, as in dtm. @default none */
  readonly file?: { readonly name: string; readonly text: string } | undefined;
}

/** The configuration of all sources together. */
export interface ConfigResult {
  /** All settings. Valid only without problems. */
  readonly config: ServeConfig;
  /** Problems that prevent the start; each names the setting, its source and the allowed values. */
  readonly problems: readonly string[];
  /** Notices for the user, such as settings that change nothing. */
  readonly notices: readonly string[];
}

/** Reads the configuration: defaults, then the environment, then the file. No message contains a secret. */
export function readConfig({ env, file }: ConfigSources): ConfigResult {
  const fromEnv = readEnvironment(env);
  const fromFile = file
    ? readYaml(file.text, file.name)
    : { settings: new Map<SettingKey, RawSetting>(), problems: [] };
  const problems = [...fromFile.problems];
  const notices = findMisspeltVariables(env);

  const values: Partial<Record<SettingKey, unknown>> = {};
  for (const key of SETTING_KEYS) {
    const setting = settingOf(key);
    const raw = fromFile.settings.get(key) ?? fromEnv.get(key);
    const overridden = fromFile.settings.has(key) ? fromEnv.get(key) : undefined;
    if (overridden && overridden.text !== raw?.text) {
      notices.push(`${key}: ${raw?.source} overrides ${overridden.source}`);
    }
    const value = raw && setting.parser.parse(raw.text);
    if (raw && value === undefined) problems.push(problemOf(key, setting, raw));
    values[key] = value ?? setting.defaultValue;
    if (raw && setting.noEffect !== undefined && value !== undefined && value !== setting.defaultValue) {
      notices.push(`${key} (${raw.source}) has no effect: ${setting.noEffect}`);
    }
  }
  const config = values as unknown as ServeConfig;
  return {
    config,
    problems: [...problems, ...missingSettings(config)],
    notices: [...notices, ...unusedSettings(config, new Map([...fromEnv, ...fromFile.settings]))],
  };
}

function problemOf(key: SettingKey, { parser, isSecret }: Setting<unknown>, { text, source }: RawSetting): string {
  const remedy = parser.remedy?.(text);
  const value = isSecret ? '' : `, not ${JSON.stringify(text.slice(0, 100))}`;
  return `${key}: must be ${parser.expected}${value}${remedy ? ` (${remedy})` : ''} (${source})`;
}

/** The required settings of a database store. */
function missingSettings(config: ServeConfig): string[] {
  const driver = config['Store.Driver'];
  if (driver !== 'postgres' && driver !== 'mysql') return [];
  const required = ['Store.Host', 'Store.User'] as const;
  return required.filter((key) => !config[key]).map((key) => `${key}: is required, because Store.Driver is ${driver}`);
}

/** Settings to which another setting gives no effect. */
function unusedSettings(config: ServeConfig, raw: ReadonlyMap<SettingKey, RawSetting>): string[] {
  const store = config['Store.Driver'];
  const ofOtherStores = [...raw].filter(([key]) => {
    const { stores } = settingOf(key);
    return stores && !stores.includes(store);
  });
  const notices = ofOtherStores.map(
    ([key, { source }]) => `${key} (${source}) has no effect: Store.Driver is ${store}`,
  );
  const target = raw.get('MicroService.Target');
  const endPoint = raw.get('MicroService.EndPoint');
  const driver = config['MicroService.Driver'];
  if (target && !registersServices(driver)) {
    notices.push(
      `MicroService.Target (${target.source}) has no effect: MicroService.Driver is ${driver}, which registers nothing`,
    );
  } else if (endPoint && !target) {
    notices.push(`MicroService.EndPoint (${endPoint.source}) has no effect: MicroService.Target is not set`);
  }
  return notices;
}
