import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { randomScenario } from './scenarios/random-scenario.js';
import { SimulatedSystem } from './simulated-system.js';

const run = promisify(execFile);

const SEEDS = Array.from({ length: 100 }, (_, seed) => seed);

describe('a seed', () => {
  it('produces a byte-identical trace each time', async () => {
    for (const seed of SEEDS) {
      const first = await new SimulatedSystem(randomScenario(seed)).run();
      const second = await new SimulatedSystem(randomScenario(seed), { keepsTrace: true }).run();
      expect(second.events).toBe(first.events);
      expect(second.hash, `seed ${seed}`).toBe(first.hash);
      expect(createHash('sha256').update(second.trace).digest('hex')).toBe(second.hash);
    }
  });

  it('produces the same trace while other simulations run', async () => {
    const alone = await new SimulatedSystem(randomScenario(1)).run();
    const [beside] = await Promise.all([1, 2, 3].map((seed) => new SimulatedSystem(randomScenario(seed)).run()));
    expect(beside?.hash).toBe(alone.hash);
  });

  it('produces a trace that differs from every other seed', async () => {
    const hashes = new Set<string>();
    for (const seed of SEEDS) hashes.add((await new SimulatedSystem(randomScenario(seed)).run()).hash);
    expect(hashes.size).toBe(SEEDS.length);
  });

  it('is the only source of randomness: the code never reads the real time or Math.random', async () => {
    const spies = [vi.spyOn(Date, 'now'), vi.spyOn(Math, 'random'), vi.spyOn(globalThis, 'setTimeout')];
    onTestFinished(() => {
      vi.restoreAllMocks();
    });
    for (const seed of SEEDS.slice(0, 20)) await new SimulatedSystem(randomScenario(seed)).run();
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
  });
});

describe('npm run simulate', () => {
  const simulate = async (...args: string[]): Promise<{ code: number; output: string }> => {
    const cwd = fileURLToPath(new URL('../..', import.meta.url));
    try {
      const { stdout } = await run(process.execPath, ['test/simulation/simulate.mjs', ...args], { cwd });
      return { code: 0, output: stdout };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, output: stdout + stderr };
    }
  };

  it('prints the trace of a run, the same in each process', async () => {
    const first = await simulate('--seed', '1');
    const { hash, trace } = await new SimulatedSystem(randomScenario(1), { keepsTrace: true }).run();
    expect(first.output).toContain(trace);
    expect(first.output).toContain(`hash ${hash}\nall invariants hold`);
    expect(await simulate('--seed', '1')).toEqual(first);
    expect(first.code).toBe(0);
  });

  it('runs many seeds and prints how often each outcome occurred', async () => {
    const { code, output } = await simulate('--seeds', '20', '--from', '7');
    expect(output).toMatch(/^ {2}saga succeed +\d+$/m);
    expect(output).toMatch(
      /seeds 7 to 26: 20 runs \(\d+\/s\), [\d,]+ events \([\d,]+\/s\), \d+ simulated hours.*, 0 failures/,
    );
    expect(code).toBe(0);
  });

  it('repeats a run of the exhaustive mode', async () => {
    const { code, output } = await simulate('--scenario', 'a saga, exclusive', '--fault', 'crash after write 1');
    expect(output).toContain('*** crash after write');
    expect(output.match(/\*\*\*/g)).toHaveLength(1);
    expect(code).toBe(0);
  });

  it('prints its usage for missing or invalid options', async () => {
    expect(await simulate()).toEqual({ code: 2, output: expect.stringContaining('--seed N') as string });
    expect((await simulate('--scenario', 'nothing')).code).toBe(2);
    expect((await simulate('--seed', 'x')).code).toBe(2);
  });
});
