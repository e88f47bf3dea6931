import { YEAR_SECONDS, decimal, httpUrl, list, oneOf, port, seconds, sqlName, text, wholeNumber } from './kinds.js';
import { STORE_DRIVERS, optional, setting, withoutEffect, type Setting } from './setting.js';

const sqlite = { stores: ['sqlite'] } as const;
const sql = { stores: ['postgres', 'mysql'] } as const;
const postgres = { stores: ['postgres'] } as const;
const count = wholeNumber(0, 1_000_000);

/** Every setting by its key in YAML: those of Go dtm, and ours in the same style. */
export const SETTINGS = {
  'Store.Driver': setting(
    oneOf(STORE_DRIVERS, {
      boltdb: 'the store in a file is sqlite here',
      redis:
        'there is no Redis store here; sqlite needs no server, postgres and mysql are shared by several coordinators',
      sqlserver: 'the SQL stores are postgres and mysql here',
    }),
    'sqlite',
    'where transactions are kept: sqlite, memory, postgres or mysql',
  ),
  'Store.Path': setting(text, './.dtm/dtm.db', 'file of the store, made when it does not exist', sqlite),
  'Store.Host': optional(text, 'database server, must be given', sql),
  'Store.Port': optional(wholeNumber(1, 65_535), 'port of the database server (5432, 3306)', sql),
  'Store.User': optional(text, 'user of the database, must be given', sql),
  'Store.Password': optional(text, 'password of the user', { ...sql, isSecret: true }),
  'Store.Db': setting(sqlName, 'dtm', 'database, made when it does not exist and the user may', sql),
  'Store.Schema': setting(sqlName, 'public', 'schema of the tables', postgres),
  'Store.Tls': setting(oneOf(['off', 'verify', 'no-verify']), 'off', 'encrypt: off, verify or no-verify', sql),
  'Store.Timeout': setting(wholeNumber(1, 3600), 30, 'seconds for connecting, and for one statement', sql),
  'Store.MaxOpenConns': setting(wholeNumber(1, 10_000), 10, 'most connections to the database', sql),
  'Store.MaxIdleConns': withoutEffect(count, 500, 'the pool closes idle connections by itself'),
  'Store.ConnMaxLifeTime': withoutEffect(count, 5, 'a connection is kept until it breaks'),
  'Store.DataExpire': setting(seconds, 604_800, 'seconds that finished transactions are kept'),
  'Store.FinishedDataExpire': optional(seconds, 'the same; wins over Store.DataExpire'),
  'Store.RedisPrefix': withoutEffect(text, '{a}', 'there is no Redis store here'),

  TransCronInterval: setting(decimal(0, 86_400), 1, 'seconds between two looks for due transactions'),
  TimeoutToFail: setting(seconds, 35, 'seconds after which a TCC, XA or message that was not submitted is decided'),
  RetryInterval: setting(seconds, 10, 'seconds between tries, doubled by every try without a decision'),
  MaxRetryInterval: setting(seconds, 300, 'seconds that the interval doubles up to'),
  RequestTimeout: setting(wholeNumber(1, 86_400), 3, 'seconds for one call of a branch'),
  MaxParallelRecovery: setting(wholeNumber(1, 10_000), 64, 'most transactions that recovery works on at a time'),
  MaxParallelRecoveryPerTarget: setting(wholeNumber(1, 10_000), 16, 'most of them that call the same host and port'),
  BreakerFailures: setting(wholeNumber(1, 1_000_000), 5, 'calls in a row without an answer until a host is left alone'),
  BreakerProbeInterval: setting(decimal(0, 86_400), 2, 'seconds between two tries whether it answers again'),
  AttentionAfterFailures: setting(wholeNumber(1, 1_000_000), 3, 'refusals of phase 2 until a person should look'),

  ListenHost: setting(text, '127.0.0.1', 'address to listen on; 0.0.0.0 = all, for everybody who can reach it'),
  HttpPort: setting(port, 36_789, 'port of HTTP and JSON-RPC; 0 = a free one'),
  GrpcPort: setting(port, 36_790, 'port of gRPC; 0 = a free one'),
  JsonRpcPort: withoutEffect(port, 36_791, 'JSON-RPC is served on HttpPort, as by dtm'),

  'MicroService.Driver': setting(text, 'default', 'microservice framework that registers and finds services'),
  'MicroService.Target': optional(text, 'where the driver registers this coordinator', { isSecret: true }),
  'MicroService.EndPoint': optional(text, 'under which address', { isSecret: true }),
  'HttpMicroService.Driver': withoutEffect(
    text,
    'default',
    'MicroService names the driver for HTTP as well, as in dtm',
  ),
  'HttpMicroService.RegistryType': withoutEffect(text, '', 'MicroService names the registry'),
  'HttpMicroService.RegistryAddress': withoutEffect(text, '', 'MicroService names the registry'),
  'HttpMicroService.RegistryOptions': withoutEffect(text, '{}', 'MicroService names the registry'),
  'HttpMicroService.Target': withoutEffect(text, '', 'MicroService.Target is used'),
  'HttpMicroService.EndPoint': withoutEffect(text, '', 'MicroService.EndPoint is used'),

  LogLevel: setting(
    oneOf(['debug', 'info', 'warn', 'error']),
    'info',
    'what is logged: debug, info, warn or error, and what is graver',
  ),
  'Log.Outputs': setting(list, ['stderr'], 'where log lines go: stderr, stdout, files'),
  'Log.RotationEnable': withoutEffect(count, 0, 'a file is opened anew for each line, so any program can rotate it'),
  'Log.RotationConfigJSON': withoutEffect(
    text,
    '{}',
    'a file is opened anew for each line, so any program can rotate it',
  ),

  AlertRetryLimit: setting(wholeNumber(1, 1_000_000), 3, 'tries of a branch without a decision until it is alerted'),
  AlertWebHook: optional(httpUrl, 'URL that gets the alerts', { isSecret: true }),

  UpdateBranchSync: withoutEffect(wholeNumber(0, 1), 1, 'every state is written before anything goes on'),
  UpdateBranchAsyncGoroutineNum: withoutEffect(count, 1, 'every state is written before anything goes on'),
  TimeZoneOffset: withoutEffect(text, '', 'all times are UTC'),
  ConfigUpdateInterval: withoutEffect(decimal(0, YEAR_SECONDS), 3, 'a subscription counts at once'),
  AdminBasePath: withoutEffect(text, '', 'there is no admin page'),
  GrpcServiceConfig: withoutEffect(
    text,
    '{"loadBalancingConfig": [{"round_robin":{}}]}',
    'calls of gRPC branches are spread by round robin',
  ),
} as const satisfies Record<string, Setting<unknown>>;

/** Key of a setting, as in YAML, with dots. */
export type SettingKey = keyof typeof SETTINGS;

/** All keys in the order of the table. */
export const SETTING_KEYS = Object.keys(SETTINGS) as readonly SettingKey[];

/**
 * What is known about a setting.
 *
 * @param key - its key
 */
export function settingOf(key: SettingKey): Setting<unknown> {
  return SETTINGS[key];
}

/** Values of all settings. */
export type ServeConfig = {
  readonly [Key in SettingKey]: (typeof SETTINGS)[Key] extends Setting<infer Value> ? Value : never;
};
