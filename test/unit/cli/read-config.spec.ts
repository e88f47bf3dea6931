import { describe, expect, it } from 'vitest';
import { environmentVariableOf } from '../../../lib/cli/serve/config/read-environment.js';
import { readConfig } from '../../../lib/cli/serve/config/read-config.js';
import { SETTING_KEYS, settingOf, type ServeConfig, type SettingKey } from '../../../lib/cli/serve/config/settings.js';

const WHOLE = 'a whole number from';
const YEAR = `${WHOLE} 1 to 31536000`;
const BYTES = `${WHOLE} 1 to 1073741824`;
const TEXT = 'a string without control characters';
const NAME = 'a name of letters, digits, "_" and "-" that begins with a letter or "_"';
const PORT = `${WHOLE} 0 to 65535`;

/** For every setting: a valid text and its value, then the expected format and invalid texts. */
const CASES: { readonly [Key in SettingKey]: readonly [string, ServeConfig[Key], ...string[]] } = {
  'Store.Driver': ['memory', 'memory', 'one of sqlite, memory, postgres, mysql', 'SQLite', 'sqlite3', 'Memory'],
  'Store.Path': ['/var/lib/dtm ü.db', '/var/lib/dtm ü.db', TEXT, 'a\0b', 'a\n'],
  'Store.AcceptLoss': ['1', 1, `${WHOLE} 0 to 1`, '2', 'true'],
  'Store.Host': ['db.example', 'db.example', TEXT, 'a\r\nb'],
  'Store.Port': ['5433', 5433, `${WHOLE} 1 to 65535`, '0', '65536', 'tcp://10.0.0.1:80', '0x10', '5_432', '1e3'],
  'Store.User': ['dtm', 'dtm'],
  'Store.Password': ['007', '007'],
  'Store.Db': ['trans-actions', 'trans-actions', NAME, '1dtm', 'd"tm', 'd tm', 'x'.repeat(64)],
  'Store.Schema': ['_dtm', '_dtm', NAME, 'public; drop', 'a.b'],
  'Store.Tls': ['verify', 'verify', 'one of off, verify, no-verify', 'true', 'require'],
  'Store.Timeout': ['5', 5, `${WHOLE} 1 to 3600`, '0'],
  'Store.MaxOpenConns': ['500', 500, `${WHOLE} 1 to 10000`, '0', '-1', '10001'],
  'Store.MaxIdleConns': ['500', 500, `${WHOLE} 0 to 1000000`, 'many'],
  'Store.ConnMaxLifeTime': ['30', 30, `${WHOLE} 0 to 1000000`, '5m'],
  'Store.DataExpire': ['86400', 86_400, YEAR, '0', '7d', '31536001'],
  'Store.FinishedDataExpire': ['3600', 3600, YEAR, '0', '1.5'],
  'Store.RedisPrefix': ['{b}', '{b}'],
  TransCronInterval: ['0.2', 0.2, 'a number above 0, at most 86400', '0', '-1', '86401', '1e3', 'NaN', 'Infinity'],
  TimeoutToFail: ['3', 3, YEAR, '0', '-35', '35s', '3.5', '99999999999999999999'],
  RetryInterval: ['1', 1, YEAR, '0', '0.5'],
  MaxRetryInterval: ['60', 60, YEAR, '0'],
  RequestTimeout: ['30', 30, `${WHOLE} 1 to 86400`, '0', '86401', 'x'],
  MaxParallelRecovery: ['8', 8, `${WHOLE} 1 to 10000`, '0'],
  MaxParallelRecoveryPerTarget: ['1', 1, `${WHOLE} 1 to 10000`, '0'],
  BreakerFailures: ['1', 1, `${WHOLE} 1 to 1000000`, '0', 'never'],
  BreakerProbeInterval: ['0.5', 0.5, 'a number above 0, at most 86400', '0'],
  ShutdownTimeout: ['10', 10, `${WHOLE} 1 to 86400`, '0'],
  AttentionAfterFailures: ['10', 10, `${WHOLE} 1 to 1000000`, '0'],
  MaxRequestTimeout: ['900', 900, `${WHOLE} 1 to 86400`, '0', '86401'],
  MaxWait: ['60', 60, `${WHOLE} 1 to 1000000000`, '0'],
  MaxBranches: ['20000', 20_000, `${WHOLE} 1 to 1000000`, '0'],
  MaxBranchHeaderBytes: ['4096', 4096, BYTES, '0', '8k'],
  MaxCustomDataBytes: ['1024', 1024, BYTES, '0'],
  MaxTransactionBytes: ['1073741824', 1_073_741_824, BYTES, '0', '1073741825'],
  ListenHost: ['0.0.0.0', '0.0.0.0'],
  HttpPort: ['+80', 80, PORT, 'http', '-1', '65536', '36789.5', '3678 9'],
  GrpcPort: [' 0 ', 0, PORT, 'grpc'],
  JsonRpcPort: ['36791', 36_791, PORT, 'x'],
  'MicroService.Driver': ['dtm-driver-gozero', 'dtm-driver-gozero'],
  'MicroService.Target': ['etcd://etcd:2379/dtm', 'etcd://etcd:2379/dtm'],
  'MicroService.EndPoint': ['dtm:36790', 'dtm:36790'],
  'HttpMicroService.Driver': ['x', 'x'],
  'HttpMicroService.RegistryType': ['x', 'x'],
  'HttpMicroService.RegistryAddress': ['x', 'x'],
  'HttpMicroService.RegistryOptions': ['x', 'x'],
  'HttpMicroService.Target': ['x', 'x'],
  'HttpMicroService.EndPoint': ['x', 'x'],
  LogLevel: ['warn', 'warn', 'one of debug, info, warn, error', 'WARN', 'fatal'],
  'Log.Outputs': [
    'stderr, /var/log/dtm.log',
    ['stderr', '/var/log/dtm.log'],
    'names separated by commas',
    ',',
    'a,,b',
    'a\0b',
  ],
  'Log.RotationEnable': ['1', 1, `${WHOLE} 0 to 1000000`, 'yes'],
  'Log.RotationConfigJSON': ['{"maxsize":100}', '{"maxsize":100}'],
  AlertRetryLimit: ['5', 5, `${WHOLE} 1 to 1000000`, '0'],
  AlertWebHook: [
    'https://alerts/x?y',
    'https://alerts/x?y',
    'a URL that begins with http:// or https://',
    'alerts/x',
    'http://[x',
    'ftp://x',
  ],
  UpdateBranchSync: ['0', 0, `${WHOLE} 0 to 1`, '2'],
  UpdateBranchAsyncGoroutineNum: ['4', 4, `${WHOLE} 0 to 1000000`, 'x'],
  TimeZoneOffset: ['+8', '+8'],
  ConfigUpdateInterval: ['10', 10, 'a number above 0, at most 31536000', '0'],
  AdminBasePath: ['/dtm', '/dtm'],
  GrpcServiceConfig: ['{}', '{}'],
};

const yamlOf = (key: string, text: string) => {
  const [first, second] = key.split('.') as [string, string?];
  const value = JSON.stringify(text);
  return second === undefined ? `${first}: ${value}` : `${first}:\n  ${second}: ${value}`;
};

const fromEnv = (env: Record<string, string>) => readConfig({ env });
const fromFile = (text: string, env = {}) => readConfig({ env, file: { name: 'conf.yml', text } });

describe.each(SETTING_KEYS)('%s', (key) => {
  const name = environmentVariableOf(key);
  const [text, value] = CASES[key];

  it('is read from the environment', () => {
    expect(fromEnv({ [name]: text }).config[key]).toEqual(value);
  });

  it('is read from the file', () => {
    expect(fromFile(yamlOf(key, text)).config[key]).toEqual(value);
  });

  it('has its default without a source', () => {
    expect(fromFile('').config[key]).toEqual(settingOf(key).defaultValue);
    expect(fromEnv({ [name]: '' }).config[key]).toEqual(settingOf(key).defaultValue);
  });
});

describe.each(SETTING_KEYS.filter((key) => CASES[key].length > 2))('a bad %s', (key) => {
  const [, , allowed, ...bad] = CASES[key];

  it.each(bad)('%j is refused with the name, the source and what is allowed', (given) => {
    const shown = settingOf(key).isSecret ? '' : `, not ${JSON.stringify(given)}`;
    const refusal = `${key}: must be ${allowed}${shown}`;
    const name = environmentVariableOf(key);
    expect(fromEnv({ [name]: given }).problems).toEqual([`${refusal} (environment variable ${name})`]);
    const line = key.includes('.') ? 2 : 1;
    expect(fromFile(yamlOf(key, given)).problems).toEqual([`${refusal} (conf.yml:${line})`]);
  });
});

describe('readConfig', () => {
  it('has no problems and no notices without a source', () => {
    expect(readConfig({ env: {} })).toMatchObject({ problems: [], notices: [] });
  });

  it('lets the file win over the environment, with a notice', () => {
    const env = { HTTP_PORT: '1', GRPC_PORT: '2', LOG_LEVEL: 'warn' };
    const { config, notices } = fromFile('HttpPort: 3\nGrpcPort: 2\n', env);
    expect(config).toMatchObject({ HttpPort: 3, GrpcPort: 2, LogLevel: 'warn' });
    expect(notices).toEqual(['HttpPort: conf.yml:1 overrides environment variable HTTP_PORT']);
  });

  it('does not check a value that is overridden', () => {
    const { config, problems } = fromFile('Store:\n  Port: 5432\n', { STORE_PORT: 'tcp://10.0.0.1:80' });
    expect(problems).toEqual([]);
    expect(config['Store.Port']).toBe(5432);
  });

  it('reports all problems of both sources at once', () => {
    const { problems } = fromFile('HttpPrt: 1\nRetryInterval: 0\nStore:\n  Driver: redis\n', { LOG_LEVEL: 'loud' });
    expect(problems).toEqual([
      'HttpPrt: is not a setting; did you mean HttpPort? (conf.yml:1)',
      'Store.Driver: must be one of sqlite, memory, postgres, mysql, not "redis" (there is no Redis store; use sqlite, which needs no server, or postgres or mysql, which coordinators can share) (conf.yml:4)',
      'RetryInterval: must be a whole number from 1 to 31536000, not "0" (conf.yml:2)',
      'LogLevel: must be one of debug, info, warn, error, not "loud" (environment variable LOG_LEVEL)',
    ]);
  });

  it.each([
    ['boltdb', 'use sqlite, which also keeps the store in a file'],
    ['redis', 'there is no Redis store'],
    ['sqlserver', 'use postgres or mysql'],
  ])('has a remedy for the store %s of dtm', (driver, remedy) => {
    expect(fromEnv({ STORE_DRIVER: driver }).problems).toEqual([expect.stringContaining(remedy)]);
  });

  it.each(['postgres', 'mysql'])('requires host and user of %s', (driver) => {
    expect(fromEnv({ STORE_DRIVER: driver }).problems).toEqual([
      `Store.Host: is required, because Store.Driver is ${driver}`,
      `Store.User: is required, because Store.Driver is ${driver}`,
    ]);
    expect(fromEnv({ STORE_DRIVER: driver, STORE_HOST: 'db', STORE_USER: 'u' }).problems).toEqual([]);
  });

  it('allows short intervals, which dtm refuses', () => {
    expect(fromEnv({ RETRY_INTERVAL: '1', TIMEOUT_TO_FAIL: '1' }).problems).toEqual([]);
    expect(fromEnv({ RETRY_INTERVAL: '60', TIMEOUT_TO_FAIL: '30' }).problems).toEqual([]);
  });

  it.each(SETTING_KEYS.filter((key) => settingOf(key).noEffect !== undefined))(
    "says that %s has no effect, unless it has dtm's default",
    (key) => {
      const { defaultValue, noEffect } = settingOf(key);
      const text = CASES[key][0] === String(defaultValue) ? '17' : CASES[key][0];
      expect(fromFile(yamlOf(key, text)).notices).toEqual([
        expect.stringMatching(/^\S+ \(conf\.yml:\d\) has no effect: ./),
      ]);
      expect(fromEnv({ [environmentVariableOf(key)]: text }).notices).toEqual([
        `${key} (environment variable ${environmentVariableOf(key)}) has no effect: ${noEffect}`,
      ]);
      expect(fromEnv({ [environmentVariableOf(key)]: String(defaultValue) }).notices).toEqual([]);
    },
  );

  it('says which settings belong to another store', () => {
    expect(fromEnv({ STORE_HOST: 'db', STORE_PASSWORD: 'hunter2' }).notices).toEqual([
      'Store.Host (environment variable STORE_HOST) has no effect: Store.Driver is sqlite',
      'Store.Password (environment variable STORE_PASSWORD) has no effect: Store.Driver is sqlite',
    ]);
    const mysql = { STORE_DRIVER: 'mysql', STORE_HOST: 'db', STORE_USER: 'u' };
    expect(fromEnv({ ...mysql, STORE_PATH: 'x', STORE_SCHEMA: 's' }).notices).toEqual([
      'Store.Path (environment variable STORE_PATH) has no effect: Store.Driver is mysql',
      'Store.Schema (environment variable STORE_SCHEMA) has no effect: Store.Driver is mysql',
    ]);
  });

  it('says that a driver without a registry registers nothing', () => {
    const target = { MICRO_SERVICE_TARGET: 'etcd://hunter2@etcd:2379/dtm' };
    expect(fromEnv(target).notices).toEqual([
      'MicroService.Target (environment variable MICRO_SERVICE_TARGET) has no effect: MicroService.Driver is default, which registers nothing',
    ]);
    expect(fromEnv({ ...target, MICRO_SERVICE_DRIVER: 'dtm-driver-protocol1' }).notices).toEqual([
      'MicroService.Target (environment variable MICRO_SERVICE_TARGET) has no effect: MicroService.Driver is dtm-driver-protocol1, which registers nothing',
    ]);
    expect(fromEnv({ ...target, MICRO_SERVICE_DRIVER: 'dtm-driver-gozero' }).notices).toEqual([]);
    expect(fromEnv({ MICRO_SERVICE_END_POINT: 'dtm:36790' }).notices).toEqual([
      'MicroService.EndPoint (environment variable MICRO_SERVICE_END_POINT) has no effect: MicroService.Target is not set',
    ]);
  });

  it('repeats no secret', () => {
    const secrets = { STORE_PASSWORD: 'hunter2', MICRO_SERVICE_TARGET: 'hunter2', MICRO_SERVICE_END_POINT: 'hunter2' };
    const env = { ...secrets, STORE_PASWORD: 'hunter2', ALERT_WEB_HOOK: 'hunter2' };
    const { problems, notices } = fromFile('Store:\n  Password: hunter2!\n  Driver: redis\n', env);
    expect(problems).toHaveLength(2);
    expect(JSON.stringify([problems, notices])).not.toContain('hunter2');
  });
});
