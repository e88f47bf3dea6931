import { earlierScript } from './support/earlier-version.mjs';
import { printMachine } from './support/machine.mjs';
import { median, spread } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';
import { startWorker } from './support/worker.mjs';

/** @import { BranchApp, Kind } from './processes/branch-app.mjs' */
/** @import { HttpLoad } from './processes/http-load.mjs' */
/** @import { BenchmarkOptions } from './run.mjs' */
/** @import { Worker } from './support/worker.mjs' */

/** Text in the list of benchmarks. */
export const description =
  'throughput of a decorated no-op branch against the same plain @Post handler, on Fastify and Express';

const target = 0.85;
const connections = 32;
const appScript = 'processes/branch-app.mjs';
const platforms = /** @type {const} */ (['fastify', 'express']);

/** @typedef {(typeof platforms)[number]} Platform */

/**
 * The plain handler, the branch and, with `--before`, the branch of an earlier version.
 *
 * @typedef {{ plain: Subject, branch: Subject, before?: Subject }} Subjects
 */

/**
 * An application under test with its measurements.
 *
 * @typedef {object} Subject
 * @property {Kind} kind
 * @property {Platform} platform
 * @property {URL} script
 * @property {Round[]} rounds
 */

/**
 * @typedef {object} Round
 * @property {number} perSecond
 * @property {number} p50
 * @property {number} p99
 * @property {number} cpuMicroseconds Processor time of the application per request.
 * @property {number} busy Share of time in which the application used its core.
 */

/**
 * Measures, prints the results and compares them with the target.
 *
 * @param {BenchmarkOptions} options
 * @returns {Promise<boolean>} whether the target was met
 */
export async function run({ quick, before }) {
  const { rounds, seconds, warmUpSeconds } = quick
    ? { rounds: 3, seconds: 0.5, warmUpSeconds: 1 }
    : { rounds: 9, seconds: 2, warmUpSeconds: 3 };
  printMachine('@nestjs/core', 'fastify', 'express', 'undici');
  // two processes of the same program differ by up to a fifth, for as long as they live
  console.log(
    `${rounds} rounds of ${seconds} s with new processes, handlers in turn, ${connections} connections, no pipelining, no storage\n`,
  );

  /** @type {Worker<HttpLoad>} */
  const load = await startWorker(new URL('processes/http-load.mjs', import.meta.url), 'load');
  const results = [];
  for (const platform of platforms) {
    /** @type {Subjects} */
    const subjects = {
      plain: { kind: 'plain', platform, script: new URL(appScript, import.meta.url), rounds: [] },
      branch: { kind: 'branch', platform, script: new URL(appScript, import.meta.url), rounds: [] },
      ...(before && { before: { kind: 'branch', platform, script: earlierScript(before, appScript), rounds: [] } }),
    };
    const all = Object.values(subjects);
    for (let round = 0; round < rounds; round++) {
      for (const subject of round % 2 === 0 ? all : all.toReversed()) {
        subject.rounds.push(await measure(subject, load, warmUpSeconds, seconds));
      }
    }
    results.push({ platform, subjects });
  }
  await load.stop();
  return report(results);
}

/**
 * Starts the application, warms it up, measures it and stops it.
 *
 * @param {Subject} subject
 * @param {Worker<HttpLoad>} load
 * @param {number} warmUpSeconds
 * @param {number} seconds
 * @returns {Promise<Round>}
 */
async function measure({ kind, platform, script }, load, warmUpSeconds, seconds) {
  /** @type {Worker<BranchApp>} */
  const app = await startWorker(script, 'measured');
  const url = await app.call('start', kind, platform);
  const warmUp = await load.call('load', { url, connections, seconds: warmUpSeconds });
  const before = await app.call('cpuSeconds');
  const { requests, seconds: took, p50, p99 } = await load.call('load', { url, connections, seconds });
  const cpu = (await app.call('cpuSeconds')) - before;
  const sent = warmUp.requests + requests;
  const calls = await app.call('calls');
  if (calls !== sent) throw new Error(`${url}: ${sent} requests were answered, but the handler ran ${calls} times`);
  await app.call('close');
  await app.stop();
  return { perSecond: requests / took, p50, p99, cpuMicroseconds: (cpu * 1e6) / requests, busy: cpu / took };
}

/**
 * @param {{ platform: Platform, subjects: Subjects }[]} results
 * @returns {boolean}
 */
function report(results) {
  const rows = results.flatMap(({ platform, subjects }) =>
    Object.entries(subjects).map(([kind, subject]) => {
      const { rounds } = subject;
      const perSecond = rounds.map((round) => round.perSecond);
      return [
        `${platform}, ${kind}`,
        median(perSecond).toFixed(0),
        spread(perSecond, (value) => value.toFixed(0)),
        median(rounds.map(({ p50 }) => p50)).toFixed(2),
        median(rounds.map(({ p99 }) => p99)).toFixed(2),
        median(rounds.map(({ cpuMicroseconds }) => cpuMicroseconds)).toFixed(1),
        percent(coreBusy(subject)),
      ];
    }),
  );
  printTable(
    ['handler', 'requests/s (median)', 'lowest – highest', 'p50 ms', 'p99 ms', 'cpu µs/request', 'core busy'],
    rows,
  );
  console.log('\nEvery request succeeded, and its handler ran exactly once.\n');

  const met = results.map(({ platform, subjects: { plain, branch, before } }) => {
    const ratio = compare(`${platform}: branch / plain`, branch, plain);
    if (before) compare(`${platform}: branch / branch before`, branch, before);
    console.log(`${platform}: target ≥ ${target} of the throughput: ${ratio >= target ? 'met' : 'MISSED'}`);
    return ratio >= target;
  });
  const leastBusy = Math.min(...results.flatMap(({ subjects }) => Object.values(subjects).map(coreBusy)));
  if (leastBusy < 0.9) {
    console.log(
      `Warning: the measured core was busy for only ${percent(leastBusy)}; the handlers were not the bottleneck.`,
    );
  }
  return met.every(Boolean);
}

/**
 * Compares two handlers round by round and prints the ratio.
 *
 * @param {string} title
 * @param {Subject} subject
 * @param {Subject} baseline
 * @returns {number} ratio of the throughputs
 */
function compare(title, subject, baseline) {
  const pairs = subject.rounds.map((round, index) => ({
    round,
    against: /** @type {Round} */ (baseline.rounds[index]),
  }));
  const throughput = pairs.map(({ round, against }) => round.perSecond / against.perSecond);
  const cpu = pairs.map(({ round, against }) => against.cpuMicroseconds / round.cpuMicroseconds);
  const ratio = median(throughput);
  const range = spread(throughput, (value) => value.toFixed(3));
  console.log(`${title} = ${ratio.toFixed(3)} (rounds ${range}), ${median(cpu).toFixed(3)} by processor time`);
  return ratio;
}

/** @param {Subject} subject */
function coreBusy({ rounds }) {
  return median(rounds.map(({ busy }) => busy));
}

/** @param {number} share */
function percent(share) {
  return `${(share * 100).toFixed(0)} %`;
}
