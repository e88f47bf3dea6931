import { parseArgs } from 'node:util';
import * as branch from './branch.mjs';
import * as client from './client.mjs';
import * as coordinator from './coordinator.mjs';
import * as drivers from './drivers.mjs';
import * as grpc from './grpc.mjs';
import * as inProcess from './in-process.mjs';
import * as memory from './memory.mjs';
import * as recovery from './recovery.mjs';
import * as saga from './saga.mjs';
import * as soak from './soak.mjs';

/**
 * @typedef {object} BenchmarkOptions
 * @property {boolean} quick A run of a few seconds, which only shows that the benchmark works.
 * @property {string} [before] Folder of an earlier version, installed and built, to measure in the same run.
 */

/**
 * @typedef {object} Benchmark
 * @property {string} description
 * @property {(options: BenchmarkOptions) => Promise<boolean>} run Resolves with whether the target was met.
 */

const benchmarks = new Map(
  /** @type {[string, Benchmark][]} */ (
    Object.entries({
      branch,
      client,
      coordinator,
      drivers,
      grpc,
      'in-process': inProcess,
      memory,
      recovery,
      saga,
      soak,
    })
  ),
);

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, before: { type: 'string' } },
});
const [name] = positionals;
const benchmark = benchmarks.get(name ?? '');

if (benchmark) {
  const met = await benchmark.run(values);
  if (values.quick)
    console.log('\nThis was a quick run, which only shows that the benchmark works. Omit --quick for figures.');
  if (!met) process.exitCode = 1;
} else {
  if (name !== undefined) console.error(`Unknown benchmark ${JSON.stringify(name)}; choose one of the list.\n`);
  console.log('npm run bench -- NAME [--quick] [--before CHECKOUT]\n');
  for (const [known, { description }] of benchmarks) console.log(`  ${known.padEnd(12)} ${description}`);
  if (name !== undefined) process.exitCode = 1;
}
