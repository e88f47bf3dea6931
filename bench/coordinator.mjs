import { printMachine, describeDisk } from './support/machine.mjs';
import { startEarlier, startGoOnBolt, startGoOnRedis, startEmbedded } from './support/coordinators.mjs';
import { startLoad } from './support/go-load.mjs';
import { median, spread } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';
import { temporaryFolder } from '../tools/support/temporary-folder.mjs';

/** @import { BenchmarkOptions } from './run.mjs' */
/** @import { MeasuredCoordinator } from './support/coordinators.mjs' */
/** @import { Load, LoadReport } from './support/go-load.mjs' */

/** Text in the list of benchmarks. */
export const description = 'transactions per second of the coordinator, compared with Go dtm on boltdb and on Redis';

/**
 * @typedef {object} Case
 * @property {'saga' | 'empty' | 'tcc' | 'msg'} workload
 * @property {number} connections
 * @property {number} calls - branch calls per transaction
 * @property {Readonly<Record<'bolt' | 'redis', number>>} targets - least ratio of the throughputs; 0 = no target
 */

/** @type {readonly Case[]} */
const cases = [
  { workload: 'saga', connections: 1, calls: 2, targets: { bolt: 1.2, redis: 0 } },
  { workload: 'saga', connections: 16, calls: 2, targets: { bolt: 4.5, redis: 1 } },
  { workload: 'saga', connections: 64, calls: 2, targets: { bolt: 8, redis: 1.8 } },
  { workload: 'tcc', connections: 16, calls: 4, targets: { bolt: 4, redis: 0 } },
  { workload: 'msg', connections: 16, calls: 1, targets: { bolt: 4, redis: 0 } },
  { workload: 'empty', connections: 16, calls: 0, targets: { bolt: 4, redis: 0 } },
];

/**
 * Measures, prints the results and compares them with the targets.
 *
 * @param {BenchmarkOptions} options
 * @returns {Promise<boolean>}
 */
export async function run({ quick, before }) {
  const { rounds, seconds, warmUpSeconds } = quick
    ? { rounds: 1, seconds: 1, warmUpSeconds: 1 }
    : { rounds: 5, seconds: 5, warmUpSeconds: 10 };
  printMachine('undici', 'libsql');
  console.log(
    `Durability: the embedded coordinator and boltdb fsync before they answer (${describeDisk(temporaryFolder('bench'))})`,
  );
  console.log(`${rounds} rounds of ${seconds} s in turn; the load waits for every transaction\n`);
  const load = await startLoad();
  /** @type {Record<string, MeasuredCoordinator>} */
  const servers = {
    embedded: await startEmbedded(),
    ...(before && { before: await startEarlier(before) }),
    bolt: await startGoOnBolt(),
    redis: await startGoOnRedis(),
  };
  const all = Object.entries(servers);
  for (const [, server] of all) await measure(load, server, /** @type {Case} */ (cases[1]), warmUpSeconds, 'w');

  /** @type {Record<string, (LoadReport & { cpu: number })[]>} */
  const results = {};
  for (let round = 0; round < rounds; round++) {
    for (const [index, kind] of cases.entries()) {
      for (const [name, server] of round % 2 === 0 ? all : all.toReversed()) {
        if (name === 'redis' && kind.targets.redis === 0) continue;
        const report = await measure(load, server, kind, seconds, `${round}-${index}-`);
        (results[`${index} ${name}`] ??= []).push(report);
      }
    }
  }
  for (const [, server] of all) await server.stop();
  load.stop();
  return printReport(
    cases.map((kind, index) => ({ kind, of: (name) => results[`${index} ${name}`] ?? [] })),
    servers,
  );
}

/**
 * Runs a load and checks that each branch was called exactly once.
 *
 * @param {Load} load
 * @param {MeasuredCoordinator} server
 * @param {Case} kind
 * @param {number} seconds
 * @param {string} prefix
 * @returns {Promise<LoadReport & { cpu: number }>}
 */
async function measure(load, server, { workload, connections, calls }, seconds, prefix) {
  const [callsBefore, cpuBefore] = [await load.calls(), server.cpuSeconds()];
  const report = await load.run({ url: server.url, workload, connections, seconds, prefix });
  const [made, cpu] = [(await load.calls()) - callsBefore, server.cpuSeconds() - cpuBefore];
  if (report.errors > 0) throw new Error(`${server.name}: ${report.errors} errors, e.g. ${report.firstError}`);
  if (made !== report.count * calls) {
    throw new Error(`${server.name}: ${report.count} × ${workload} made ${made} branch calls, expected ${calls} each`);
  }
  return { ...report, cpu: (cpu / report.count) * 1e6 };
}

/** @param {LoadReport} report */
function perSecond({ count, seconds }) {
  return count / seconds;
}

/**
 * @param {readonly { kind: Case, of: (name: string) => (LoadReport & { cpu: number })[] }[]} results
 * @param {Readonly<Record<string, MeasuredCoordinator>>} servers
 * @returns {boolean} whether all targets were met
 */
function printReport(results, servers) {
  const rows = results.flatMap(({ kind, of }) =>
    Object.entries(servers).flatMap(([name, server]) => {
      const rounds = of(name);
      if (rounds.length === 0) return [];
      return [
        [
          `${kind.workload}, ${kind.connections}`,
          server.name,
          median(rounds.map(perSecond)).toFixed(0),
          spread(rounds.map(perSecond), (value) => value.toFixed(0)),
          median(rounds.map(({ p50 }) => p50)).toFixed(2),
          median(rounds.map(({ p99 }) => p99)).toFixed(2),
          median(rounds.map(({ cpu }) => cpu)).toFixed(0),
        ],
      ];
    }),
  );
  printTable(
    ['workload, in flight', 'server', 'per second (median)', 'lowest – highest', 'p50 ms', 'p99 ms', 'cpu µs'],
    rows,
  );
  console.log();
  const ratios = results.flatMap(({ kind, of }) =>
    Object.entries({ before: undefined, ...kind.targets }).flatMap(([other, target]) => {
      if (target === 0 || !(other in servers)) return [];
      const embedded = of('embedded').map(perSecond);
      const compared = of(other).map(perSecond);
      const ratio = median(embedded.map((value, round) => value / (compared[round] ?? Number.NaN)));
      return [{ name: `${kind.workload}, ${kind.connections}: embedded / ${servers[other]?.name}`, ratio, target }];
    }),
  );
  printTable(
    ['ratio, median of the rounds', 'throughput', 'target'],
    ratios.map(({ name, ratio, target }) => [
      name,
      ratio.toFixed(2),
      target === undefined ? '' : `${target} ${ratio >= target ? 'met' : 'missed'}`,
    ]),
  );
  console.log('\nEvery transaction succeeded; each branch was called exactly once.');
  return ratios.every(({ ratio, target = 0 }) => ratio >= target);
}
