import { describe, expect, it } from 'vitest';
import { AddressCache } from '../../../lib/driver/support/lookup/http-resolver/address-cache.js';
import type { LookupListener } from '../../../lib/driver/support/lookup/shared-watches.js';
import { VirtualClock } from '../../support/virtual-clock.js';

/** A source that the test scripts. */
class Source {
  listener: LookupListener | undefined;
  watches = 0;

  readonly watch = (listener: LookupListener): (() => void) => {
    this.watches += 1;
    this.listener = listener;
    return () => (this.listener = undefined);
  };
}

const ONE = { host: 'a', port: 1 };
const OTHER = { host: 'b', port: 2 };

function make() {
  const source = new Source();
  const clock = new VirtualClock();
  const cache = new AddressCache((ms, callback) => clock.after(ms, callback));
  return { source, clock, cache, pick: (waitMs?: number) => cache.pick('bank', source.watch, waitMs) };
}

describe('an address cache', () => {
  it('looks a name up once for all callers', async () => {
    const { source, pick } = make();
    const asked = [pick(), pick()];
    source.listener?.found([ONE]);
    expect(await Promise.all(asked)).toEqual([ONE, ONE]);
    expect(pick()).toBe(ONE);
    expect(source.watches).toBe(1);
  });

  it('picks all addresses by weight', () => {
    const { source, pick } = make();
    void pick();
    source.listener?.found([
      { ...ONE, weight: 3 },
      { ...OTHER, weight: 1 },
    ]);
    let first = 0;
    for (let call = 0; call < 4000; call++) if ((pick() as typeof ONE).host === 'a') first += 1;
    expect(first / 4000).toBeGreaterThan(0.65);
    expect(first / 4000).toBeLessThan(0.85);
  });

  it('fails without an instance, and recovers', async () => {
    const { source, pick } = make();
    const asked = pick();
    source.listener?.found([]);
    await expect(asked).rejects.toThrow('no address for bank: no healthy instance is registered');
    source.listener?.found([OTHER]);
    expect(pick()).toBe(OTHER);
  });

  it('fails with the reason while the registry is down, unless addresses are known', async () => {
    const { source, pick } = make();
    const asked = pick();
    source.listener?.failed('down');
    await expect(asked).rejects.toThrow('no address for bank: down');
    await expect(pick()).rejects.toThrow('no address for bank: down');
    source.listener?.found([ONE]);
    source.listener?.failed('down');
    expect(pick()).toBe(ONE);
  });

  it('waits for the first instance of a name that is new', async () => {
    const { source, clock, pick } = make();
    const asked = pick(60_000);
    source.listener?.waiting();
    await clock.advance(59_000);
    source.listener?.found([ONE]);
    expect(await asked).toBe(ONE);
  });

  it('waits within the time of the call, and fails with the reason', async () => {
    const { source, clock, pick } = make();
    const [short, long] = [Promise.resolve(pick(1000)), Promise.resolve(pick(2000))];
    short.catch(() => undefined);
    source.listener?.waiting();
    await clock.advance(1000);
    await expect(short).rejects.toThrow('no address for bank: no healthy instance is registered');
    source.listener?.found([ONE]);
    expect(await long).toBe(ONE);
  });

  it('waits again for a name that is new when its registry is back', async () => {
    const { source, pick } = make();
    const asked = pick();
    source.listener?.failed('down');
    await expect(asked).rejects.toThrow('no address for bank: down');
    source.listener?.waiting();
    const again = pick();
    source.listener?.found([ONE]);
    expect(await again).toBe(ONE);
  });

  it('limits the names that it watches', async () => {
    const { cache } = make();
    const ended: string[] = [];
    const known = new Set(['n0', 'n1']);
    const pick = (name: string) =>
      cache.pick(name, (listener) => {
        if (known.has(name)) listener.found([ONE]);
        else listener.waiting();
        return () => ended.push(name);
      });
    const asked = Array.from({ length: 1000 }, (_, index) => Promise.resolve(pick(`n${index}`)));
    asked.forEach((each) => each.catch(() => undefined));
    // nobody waits for a known name
    void Promise.resolve(pick('n1000')).catch(() => undefined);
    void Promise.resolve(pick('n1001')).catch(() => undefined);
    expect(ended).toEqual(['n0', 'n1']);
    expect(() => pick('n1002')).toThrow('no address for n1002: 1000 other names are being looked up');
    cache.close();
    await expect(asked[2]).rejects.toThrow('no address for n2: no healthy instance is registered');
  });

  it('fails after some seconds without an answer', async () => {
    const { clock, pick } = make();
    const asked = Promise.resolve(pick());
    asked.catch(() => undefined);
    await clock.advance(5000);
    await expect(asked).rejects.toThrow('no address for bank: no answer yet');
  });

  it('watches a name for as long as it is in use', async () => {
    const { source, clock, pick } = make();
    void pick();
    source.listener?.found([ONE]);
    for (let minute = 0; minute < 5; minute++) {
      await clock.advance(50_000);
      void pick();
    }
    expect(source.watches).toBe(1);
    await clock.advance(130_000);
    expect(source.listener).toBeUndefined();
    void pick();
    expect(source.watches).toBe(2);
  });

  it('ends all watches at its close', async () => {
    const { source, clock, cache, pick } = make();
    const asked = Promise.resolve(pick());
    cache.close();
    await expect(asked).rejects.toThrow(/no address for bank/);
    expect(source.listener).toBeUndefined();
    expect(clock.pending).toBe(0);
  });
});
