import { STORE_DRIVERS, optional, setting, withoutEffect, type Setting } from './setting.js';
import {
  YEAR_SECONDS,
  decimal,
  httpUrl,
  list,
  oneOf,
  port,
  seconds,
  sqlName,
  text,
  wholeNumber,
} from './value-parsers.js';

const sqlite = { stores: ['sqlite'] } as const;
const sql = { stores: ['postgres', 'mysql'] } as const;
const postgres = { stores: ['postgres'] } as const;
const count = wholeNumber(0, 1_000_000);
const bytes = wholeNumber(1, 1_073_741_824);

/** Every setting by its key in YAML, those of dtm and further ones in the same style: docs/protocol.md#configuration. */
export const SETTINGS = {
  'Store.Driver': setting(
    oneOf(STORE_DRIVERS, {
      boltdb: 'use sqlite, which also keeps the store in a file',
      redis:
        'there is no Redis store; use sqlite, which needs no server, or postgres or mysql, which coordinators can share',
      sqlserver: 'use postgres or mysql',
    }),
    'sqlite',
    'where transactions are kept: sqlite, memory, postgres or mysql',
  ),
  'Store.Path': setting(text, './.dtm/dtm.db', 'file of the store, created when it does not exist', sqlite),
  'Store.AcceptLoss': setting(
    wholeNumber(0, 1),
    0,
    '1 opens a file whose log (-wal) is missing or damaged, without the transactions in that log',
    sqlite,
  ),
  'Store.Host': optional(text, 'database server, required', sql),
  'Store.Port': optional(wholeNumber(1, 65_535), 'port of the database server (5432, 3306)', sql),
  'Store.User': optional(text, 'user of the database, required', sql),
  'Store.Password': optional(text, 'password of the user', { ...sql, isSecret: true }),
  'Store.Db': setting(sqlName, 'dtm', 'database, created when it does not exist and the user has the right', sql),
  'Store.Schema': setting(sqlName, 'public', 'schema of the tables', postgres),
  'Store.Tls': setting(oneOf(['off', 'verify', 'no-verify']), 'off', 'TLS: off, verify or no-verify', sql),
  'Store.Timeout': setting(wholeNumber(1, 3600), 30, 'time-out in seconds for connecting, and for one statement', sql),
  'Store.MaxOpenConns': setting(wholeNumber(1, 10_000), 10, 'maximum number of connections to the database', sql),
  'Store.MaxIdleConns': withoutEffect(count, 500, 'the pool closes idle connections by itself'),
  'Store.ConnMaxLifeTime': withoutEffect(count, 5, 'a connection is kept until it breaks'),
  'Store.DataExpire': setting(seconds, 604_800, 'seconds to keep finished transactions'),
  'Store.FinishedDataExpire': optional(seconds, 'seconds to keep finished transactions; overrides Store.DataExpire'),
  'Store.RedisPrefix': withoutEffect(text, '{a}', 'there is no Redis store'),

  TransCronInterval: setting(decimal(0, 86_400), 1, 'seconds between two searches for due transactions'),
  TimeoutToFail: setting(
    seconds,
    35,
    'seconds until a TCC or XA without a submit is rolled back, or the query-back of a message is made',
  ),
  RetryInterval: setting(seconds, 10, 'seconds between attempts, doubled after each attempt with an unknown outcome'),
  MaxRetryInterval: setting(seconds, 300, 'cap of that interval in seconds'),
  RequestTimeout: setting(wholeNumber(1, 86_400), 3, 'time-out of one branch call in seconds'),
  MaxParallelRecovery: setting(
    wholeNumber(1, 10_000),
    64,
    'maximum number of transactions that recovery works on at the same time, apart from those whose calls last for a second',
  ),
  MaxParallelRecoveryPerTarget: setting(
    wholeNumber(1, 10_000),
    16,
    'maximum number of them that call the same path or gRPC method',
  ),
  BreakerFailures: setting(
    wholeNumber(1, 1_000_000),
    5,
    'consecutive calls without an answer that open the circuit breaker of a host',
  ),
  BreakerProbeInterval: setting(
    decimal(0, 86_400),
    2,
    'seconds between two probes of a host whose circuit breaker is open',
  ),
  AttentionAfterFailures: setting(
    wholeNumber(1, 1_000_000),
    3,
    'failure answers in the second phase after which a transaction needs attention',
  ),
  ShutdownTimeout: setting(
    wholeNumber(1, 86_400),
    20,
    'longest wait in seconds for running calls and requests when the server stops',
  ),

  MaxRequestTimeout: setting(wholeNumber(1, 86_400), 3600, 'longest request_timeout of a transaction, in seconds'),
  MaxWait: setting(
    wholeNumber(1, 1_000_000_000),
    31_536_000,
    'longest timeout_to_fail, retry_interval and delay of a transaction, in seconds',
  ),
  MaxBranches: setting(
    wholeNumber(1, 1_000_000),
    10_000,
    'maximum number of branches of a transaction; each subscriber of a topic is one',
  ),
  MaxBranchHeaderBytes: setting(
    bytes,
    8192,
    'maximum number of bytes of the names and values of the branch_headers of a transaction',
  ),
  MaxCustomDataBytes: setting(
    bytes,
    2_097_152,
    'maximum number of bytes of custom_data, and of the reason or result that an initiator reports',
  ),
  MaxTransactionBytes: setting(bytes, 16_777_216, 'maximum number of bytes of a whole transaction with its payloads'),

  ListenHost: setting(text, '127.0.0.1', 'address to listen on; 0.0.0.0 = all interfaces'),
  HttpPort: setting(port, 36_789, 'port of HTTP and JSON-RPC; 0 = a free port'),
  GrpcPort: setting(port, 36_790, 'port of gRPC; 0 = a free port'),
  JsonRpcPort: withoutEffect(port, 36_791, 'JSON-RPC is served on HttpPort, as in dtm'),

  'MicroService.Driver': setting(text, 'default', 'driver of the framework that registers and finds services'),
  'MicroService.Target': optional(text, 'where the driver registers this coordinator', { isSecret: true }),
  'MicroService.EndPoint': optional(text, 'address that the driver registers', { isSecret: true }),
  'HttpMicroService.Driver': withoutEffect(text, 'default', 'MicroService sets the driver for HTTP as well, as in dtm'),
  'HttpMicroService.RegistryType': withoutEffect(text, '', 'MicroService sets the registry'),
  'HttpMicroService.RegistryAddress': withoutEffect(text, '', 'MicroService sets the registry'),
  'HttpMicroService.RegistryOptions': withoutEffect(text, '{}', 'MicroService sets the registry'),
  'HttpMicroService.Target': withoutEffect(text, '', 'MicroService.Target is used'),
  'HttpMicroService.EndPoint': withoutEffect(text, '', 'MicroService.EndPoint is used'),

  LogLevel: setting(
    oneOf(['debug', 'info', 'warn', 'error']),
    'info',
    'lowest level that is logged: debug, info, warn or error',
  ),
  'Log.Outputs': setting(list, ['stderr'], 'stderr, stdout and files, separated by commas'),
  'Log.RotationEnable': withoutEffect(
    count,
    0,
    'the server opens a log file for each line, so any program can rotate it',
  ),
  'Log.RotationConfigJSON': withoutEffect(
    text,
    '{}',
    'the server opens a log file for each line, so any program can rotate it',
  ),

  AlertRetryLimit: setting(wholeNumber(1, 1_000_000), 3, 'failed attempt of a branch that triggers the first alert'),
  AlertWebHook: optional(httpUrl, 'URL that receives the alerts', { isSecret: true }),

  UpdateBranchSync: withoutEffect(wholeNumber(0, 1), 1, 'every state is written before the transaction continues'),
  UpdateBranchAsyncGoroutineNum: withoutEffect(count, 1, 'every state is written before the transaction continues'),
  TimeZoneOffset: withoutEffect(text, '', 'all times are UTC'),
  ConfigUpdateInterval: withoutEffect(decimal(0, YEAR_SECONDS), 3, 'a subscription to a topic takes effect at once'),
  AdminBasePath: withoutEffect(text, '', 'there is no admin page'),
  GrpcServiceConfig: withoutEffect(
    text,
    '{"loadBalancingConfig": [{"round_robin":{}}]}',
    'calls of gRPC branches use round robin',
  ),
} as const satisfies Record<string, Setting<unknown>>;

/** Key of a setting, with dots as in YAML. */
export type SettingKey = keyof typeof SETTINGS;

/** All keys in the order of the table. */
export const SETTING_KEYS = Object.keys(SETTINGS) as readonly SettingKey[];

/** The definition of a setting. */
export function settingOf(key: SettingKey): Setting<unknown> {
  return SETTINGS[key];
}

/** Values of all settings. */
export type ServeConfig = {
  readonly [Key in SettingKey]: (typeof SETTINGS)[Key] extends Setting<infer Value> ? Value : never;
};
