import { environmentName } from './environment.js';
import { SETTING_KEYS, settingOf, type SettingKey } from './settings.js';

/** Text of `nestjs-dtm serve --help`, with every setting. */
export function serveHelp(): string {
  const width = Math.max(...SETTING_KEYS.filter(isUsed).map((key) => key.length)) + 2;
  const line = (key: SettingKey): string => `  ${key.padEnd(width)}${settingOf(key).about}${defaultText(key)}`;
  return `nestjs-dtm serve [-c conf.yml] [-d]

Runs the coordinator as a server that speaks dtm's HTTP, JSON-RPC and gRPC API.

  -c, --config <file>   configuration in YAML, with the keys below
  -d, --debug           the same as LogLevel: debug, which also shows why a start failed in full
  -v, --version         version of the package
  -h, --help            this text

SIGTERM and SIGINT drain: calls under way are waited for and stored, the rest is taken up by the next start. A second
one ends the process at once.

Settings are those of dtm. The file wins over the environment, where ${SAMPLE} is ${environmentName(SAMPLE)}.

${SETTING_KEYS.filter(isUsed).map(line).join('\n')}

Accepted, without an effect here: ${SETTING_KEYS.filter((key) => !isUsed(key)).join(', ')}.`;
}

const SAMPLE = 'MicroService.EndPoint' satisfies SettingKey;

function isUsed(key: SettingKey): boolean {
  return settingOf(key).noEffect === undefined;
}

function defaultText(key: SettingKey): string {
  const { byDefault } = settingOf(key);
  return byDefault === undefined ? '' : ` [${String(byDefault)}]`;
}
