import { environmentVariableOf } from './config/read-environment.js';
import { SETTING_KEYS, settingOf, type SettingKey } from './config/settings.js';

/** The text of `nestjs-dtm serve --help`, with every setting. */
export function serveHelp(): string {
  const width = Math.max(...SETTING_KEYS.filter(hasEffect).map((key) => key.length)) + 2;
  const line = (key: SettingKey): string => `  ${key.padEnd(width)}${settingOf(key).description}${defaultText(key)}`;
  return `nestjs-dtm serve [-c conf.yml] [-d]

Runs the coordinator as a server with the HTTP, JSON-RPC and gRPC API of dtm.

  -c, --config <file>   configuration file in YAML, with the keys below
  -d, --debug           LogLevel: debug; also logs the full reason of a failed start
  -v, --version         show the version of the package
  -h, --help            show this text

SIGTERM and SIGINT drain the server: it waits for running branch calls and stores their results. The remaining work
continues at the next start. A second signal ends the process at once.

The settings are those of dtm. The file overrides the environment, in which ${EXAMPLE} is ${environmentVariableOf(EXAMPLE)}.

${SETTING_KEYS.filter(hasEffect).map(line).join('\n')}

Accepted without an effect: ${SETTING_KEYS.filter((key) => !hasEffect(key)).join(', ')}.`;
}

const EXAMPLE = 'MicroService.EndPoint' satisfies SettingKey;

function hasEffect(key: SettingKey): boolean {
  return settingOf(key).noEffect === undefined;
}

function defaultText(key: SettingKey): string {
  const { defaultValue } = settingOf(key);
  return defaultValue === undefined ? '' : ` [${String(defaultValue)}]`;
}
