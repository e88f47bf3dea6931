import { parseArgs } from 'node:util';
import * as branch from './branch.mjs';
import * as client from './client.mjs';
import * as coordinator from './coordinator.mjs';
import * as drivers from './drivers.mjs';
import * as grpc from './grpc.mjs';
import * as memory from './memory.mjs';
import * as recovery from './recovery.mjs';
import * as saga from './saga.mjs';
import * as soak from './soak.mjs';

/**
 * @typedef {object} BenchmarkOptions
 * @property {boolean} quick A few seconds only: shows that it works, not how fast.
 * @property {string} [before] Folder of a built checkout of an earlier version, to be measured in the same run.
 */

/**
 * @typedef {object} Benchmark
 * @property {string} description
 * @property {(options: BenchmarkOptions) => Promise<boolean>} run Resolves with whether its target was met.
 */

const benchmarks = new Map(
  /** @type {[string, Benchmark][]} */ (
    Object.entries({ branch, client, coordinator, drivers, grpc, memory, recovery, saga, soak })
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
    console.log('\nThis was a quick run: it shows that the benchmark works; for figures leave --quick out.');
  if (!met) process.exitCode = 1;
} else {
  if (name !== undefined) console.error(`There is no benchmark ${JSON.stringify(name)}.\n`);
  console.log('npm run bench -- NAME [--quick] [--before CHECKOUT]\n');
  for (const [known, { description }] of benchmarks) console.log(`  ${known.padEnd(12)} ${description}`);
  if (name !== undefined) process.exitCode = 1;
}
