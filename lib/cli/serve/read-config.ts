import { BUILT_IN_DRIVERS, isBuiltInDriver } from '../../driver/internal.js';
import type { Given } from './given.js';
import { misspeltVariables, readEnvironment } from './environment.js';
import { readYaml } from './read-yaml.js';
import type { Setting } from './setting.js';
import { SETTING_KEYS, settingOf, type ServeConfig, type SettingKey } from './settings.js';

/** Where settings come from. */
export interface ConfigSources {
  /** The environment. */
  readonly env: NodeJS.ProcessEnv;
  /** The configuration file; wins over the environment. @default none */
  readonly file?: { readonly name: string; readonly text: string } | undefined;
}

/** What the sources say together. */
export interface ConfigResult {
  /** All settings; only to be used when there is no problem. */
  readonly config: ServeConfig;
  /** What must be mended before anything starts; each names the setting, its source and what is allowed. */
  readonly problems: readonly string[];
  /** What the user should know: settings that are given and change nothing. */
  readonly notices: readonly string[];
}

/**
 * Makes the configuration: defaults, then the environment, then the file. Secrets appear in no message.
 *
 * @param sources - see {@link ConfigSources}
 */
export function readConfig({ env, file }: ConfigSources): ConfigResult {
  const fromEnv = readEnvironment(env);
  const fromFile = file ? readYaml(file.text, file.name) : { given: new Map<SettingKey, Given>(), problems: [] };
  const problems = [...fromFile.problems];
  const notices = misspeltVariables(env);

  const values: Partial<Record<SettingKey, unknown>> = {};
  for (const key of SETTING_KEYS) {
    const setting = settingOf(key);
    const given = fromFile.given.get(key) ?? fromEnv.get(key);
    const overruled = fromFile.given.has(key) ? fromEnv.get(key) : undefined;
    if (overruled && overruled.text !== given?.text) {
      notices.push(`${key}: ${given?.source} wins over ${overruled.source}`);
    }
    const value = given && setting.kind.read(given.text);
    if (given && value === undefined) problems.push(refusal(key, setting, given));
    values[key] = value ?? setting.byDefault;
    if (given && setting.noEffect !== undefined && value !== undefined && value !== setting.byDefault) {
      notices.push(`${key} (${given.source}) has no effect: ${setting.noEffect}`);
    }
  }
  const config = values as unknown as ServeConfig;
  const givenKeys = new Map([...fromEnv, ...fromFile.given]);
  return {
    config,
    problems: [...problems, ...missing(config)],
    notices: [...notices, ...unused(config, givenKeys)],
  };
}

function refusal(key: SettingKey, { kind, isSecret }: Setting<unknown>, given: Given): string {
  const hint = kind.hint?.(given.text);
  const value = isSecret ? '' : `, not ${JSON.stringify(given.text.slice(0, 100))}`;
  return `${key}: must be ${kind.allowed}${value}${hint ? ` (${hint})` : ''} (${given.source})`;
}

/** What a database store cannot do without. */
function missing(config: ServeConfig): string[] {
  const driver = config['Store.Driver'];
  if (driver !== 'postgres' && driver !== 'mysql') return [];
  const needed = ['Store.Host', 'Store.User'] as const;
  return needed.filter((key) => !config[key]).map((key) => `${key}: must be given, because Store.Driver is ${driver}`);
}

/** Settings that another one makes pointless. */
function unused(config: ServeConfig, given: ReadonlyMap<SettingKey, Given>): string[] {
  const driver = config['Store.Driver'];
  const ofOtherStores = [...given].filter(([key]) => {
    const stores = settingOf(key).stores;
    return stores && !stores.includes(driver);
  });
  const notices = ofOtherStores.map(
    ([key, { source }]) => `${key} (${source}) has no effect: Store.Driver is ${driver}`,
  );
  const target = given.get('MicroService.Target');
  const endPoint = given.get('MicroService.EndPoint');
  const name = config['MicroService.Driver'];
  if (target && isBuiltInDriver(name) && !BUILT_IN_DRIVERS[name].registersServices) {
    notices.push(
      `MicroService.Target (${target.source}) has no effect: MicroService.Driver is ${name}, which registers nothing`,
    );
  } else if (endPoint && !target) {
    notices.push(`MicroService.EndPoint (${endPoint.source}) has no effect: MicroService.Target is not given`);
  }
  return notices;
}
