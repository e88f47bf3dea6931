// @ts-check
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

import { requireProgram } from './programs.mjs';
import { startServer } from './server.mjs';
import { openWorkspace } from './workspace.mjs';

/** @import { ServerControl } from './server.mjs' */

/**
 * The program: with the framework versions in dtm's module graph (go-zero 1.4.4, kratos 2.2.1, ego 1.1.5), or with current
 * go-zero (etcd) and kratos (etcd, Consul).
 *
 * @typedef {'go-partner' | 'go-partner-new'} Build
 */

/**
 * The framework that registers the service.
 *
 * - `plain`: gRPC without a registry;
 * - `gozero`: go-zero on etcd, Consul or Nacos;
 * - `kratos`: kratos on etcd or Consul;
 * - `ego`: ego on etcd;
 * - `polaris`: grpc-go-polaris, in the namespace `default`;
 * - `nacos-http`: HTTP on Nacos, which looks like a Spring Cloud service to dtm.
 *
 * @typedef {'plain' | 'gozero' | 'kratos' | 'ego' | 'polaris' | 'nacos-http'} Framework
 */

/**
 * Options of {@link startGoPartner}.
 *
 * @typedef {object} PartnerOptions
 * @property {Framework} framework
 * @property {string} [registry] URL of the registry, such as `etcd://127.0.0.1:2379`; other schemes are `consul`, `nacos`
 *   and `polaris` (gRPC port).
 * @property {string} [name] Name of the service. Default: busi.
 * @property {number} [port] Default: a free one.
 * @property {Build} [build] Default: go-partner.
 * @property {Readonly<Record<string, string>>} [env]
 */

/**
 * A running Go service of the bank in `go-partner/busi.proto`.
 *
 * @typedef {object} PartnerInfo
 * @property {string} host
 * @property {number} port gRPC, or HTTP for `nacos-http`.
 * @property {string} address Host and port.
 * @property {() => string[]} lines Output since the last start, a line for each call, such as
 *   `transfer out 30 cents from 1 gid=… trans_type=saga branch_id=01 op=action`. Calls without dtm have no gid.
 */

/** @typedef {PartnerInfo & ServerControl} GoPartner */

/**
 * Result of a program.
 *
 * @typedef {object} Outcome
 * @property {number | null} exitCode 0 for success, 1 for failure.
 * @property {string} output
 */

const host = '127.0.0.1';

/**
 * Starts a service that uses a Go framework, and waits for its registration.
 *
 * TransIn fails for 777 cents. The service deregisters at SIGTERM; after `kill` the registration stays.
 *
 * @param {PartnerOptions} options
 * @returns {Promise<GoPartner>}
 *
 * @example
 * const etcd = await startEtcd();
 * const busi = await startGoPartner({ framework: 'gozero', registry: `etcd://${etcd.host}:${etcd.port}` });
 */
export async function startGoPartner(options) {
  const { framework, registry, name = 'busi', port: wanted, build = 'go-partner', env } = options;
  const program = requireProgram(build, build);
  /** @param {number | undefined} free */
  const addressOf = (free) => `${host}:${wanted ?? free}`;

  const { ports, ...control } = await startServer({
    name: build,
    portCount: 1,
    stopSignal: 'SIGTERM',
    prepare: () => [],
    command: (_, [free]) => ({
      program,
      args: ['service', ...flags({ framework, registry, name, address: addressOf(free) })],
      ...(env && { env }),
    }),
    isReady: (_, log) => log.includes(`${name} is ready on `),
  });

  const port = wanted ?? Number(ports[0]);
  const lines = () => [...(readFileSync(control.logFile, 'utf8').match(/^(revert )?transfer .*$/gm) ?? [])];
  return { host, port, address: addressOf(port), lines, ...control };
}

/**
 * Options of {@link runGoCaller}.
 *
 * @typedef {object} CallerOptions
 * @property {'gozero' | 'kratos'} framework
 * @property {string} registry
 * @property {string} [name] Name of the service to call. Default: busi.
 * @property {number} [amount] Default: 30.
 * @property {Build} [build] Default: go-partner.
 */

/**
 * Finds a service by name with a Go framework, and calls its `busi.Busi/TransIn` once.
 *
 * @param {CallerOptions} options
 * @returns {Promise<Outcome>}
 */
export function runGoCaller({ build = 'go-partner', ...options }) {
  return run(build, ['call', ...flags(options)]);
}

/**
 * Options of {@link runGoInitiator}.
 *
 * @typedef {object} InitiatorOptions
 * @property {string} [driver] Name of the driver for gRPC, such as `dtm-driver-gozero`. Default: default.
 * @property {string} dtm Address of dtm for the driver, such as `etcd://127.0.0.1:2379/dtmservice`; or the base URL of the
 *   HTTP API for a saga over HTTP.
 * @property {string} [registry] Registry in which kratos, ego and Polaris find dtm; their addresses do not contain it.
 * @property {readonly { action: string, compensate: string }[]} branches The first branch debits user 1, the second
 *   credits user 2.
 * @property {number} [amount] Default: 30.
 */

/**
 * Runs a saga with dtm's Go client and waits for the result.
 *
 * @param {InitiatorOptions} options
 * @returns {Promise<Outcome & { gid: string | undefined }>}
 *
 * @example
 * const busi = `etcd://${etcd.host}:${etcd.port}/busi/busi.Busi`;
 * await runGoInitiator({
 *   driver: 'dtm-driver-gozero',
 *   dtm: `etcd://${etcd.host}:${etcd.port}/dtmservice`,
 *   branches: [
 *     { action: `${busi}/TransOut`, compensate: `${busi}/TransOutRevert` },
 *     { action: `${busi}/TransIn`, compensate: `${busi}/TransInRevert` },
 *   ],
 * });
 */
export async function runGoInitiator({ branches, ...options }) {
  const urls = branches.flatMap(({ action, compensate }) => flags({ action, compensate }));
  const outcome = await run('go-partner', ['begin', ...flags(options), ...urls]);
  return { ...outcome, gid: /^gid (\S+)$/m.exec(outcome.output)?.[1] };
}

/**
 * @param {Build} build
 * @param {readonly string[]} args
 * @returns {Promise<Outcome>}
 */
async function run(build, args) {
  const program = requireProgram(build, build);
  const workspace = openWorkspace(build, undefined, 'SIGTERM');
  try {
    const child = await workspace.spawn({ program, args });
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return { exitCode: child.exitCode, output: readFileSync(workspace.logFile, 'utf8') };
  } finally {
    await workspace.close();
  }
}

/** @param {Readonly<Record<string, string | number | undefined>>} values */
function flags(values) {
  return Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [`-${name}=${value}`]));
}
