import * as grpc from '@grpc/grpc-js';
import { DtmConfigError } from 'nestjs-dtm/protocol';
import { describe, expect, it } from 'vitest';
import { registerGrpcScheme, type GrpcScheme } from '../../../lib/driver/index.js';
import { registerTimedScheme } from '../../../lib/driver/support/lookup/grpc-resolver/register-grpc-scheme.js';
import { SharedWatches, type LookupListener } from '../../../lib/driver/support/lookup/shared-watches.js';
import { ScriptedAddresses, freshScheme, virtualTimes } from '../../support/scripted-addresses.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const { createResolver } = grpc.experimental;

/** A report to gRPC, on one line. */
type Report = string;

interface Fixture {
  readonly source: ScriptedAddresses;
  readonly clock: VirtualClock;
  readonly resolver: grpc.experimental.Resolver;
  readonly reports: Report[];
}

/** A resolver as gRPC creates it. */
function fixture(
  options: { initial?: string[]; channel?: grpc.ChannelOptions; path?: string; source?: ScriptedAddresses } = {},
): Fixture {
  const { initial, channel = {}, path = 'bank', source = new ScriptedAddresses(initial) } = options;
  const clock = new VirtualClock();
  const scheme = freshScheme();
  registerTimedScheme(grpc, { scheme, driver: 'own', source }, virtualTimes(clock));
  const reports: Report[] = [];
  const listener: grpc.experimental.ResolverListener = (endpoints, _attributes, config) => {
    const balancing = config?.ok ? JSON.stringify(config.value.loadBalancingConfig) : String(config);
    const found = endpoints.ok
      ? endpoints.value.map(({ addresses }) => addresses.map((address) => JSON.stringify(address)).join('+')).join(' ')
      : `${grpc.status[endpoints.error.code]} ${endpoints.error.details.replace(scheme, 'own')}`;
    reports.push(
      channel['grpc.service_config'] === undefined && balancing === '[{"round_robin":{}}]'
        ? found
        : `${balancing} ${found}`,
    );
    return true;
  };
  const resolver = createResolver({ scheme, authority: '', path }, listener, channel);
  return { source, clock, resolver, reports };
}

const at = (...ports: number[]): Report => ports.map((port) => `{"host":"127.0.0.1","port":${port}}`).join(' ');
const NOBODY = 'UNAVAILABLE no address for own:///bank: no healthy instance is registered';

describe('a resolver of gRPC on a source of addresses', () => {
  it('looks nothing up before its first use, and does not report before that call returns', async () => {
    const { source, clock, resolver, reports } = fixture({ initial: ['127.0.0.1:1'] });
    expect(source.log).toEqual([]);
    resolver.updateResolution();
    expect([source.log, reports]).toEqual([[], []]);
    await clock.advance(0);
    expect([source.log, reports]).toEqual([['watch bank'], [at(1)]]);
  });

  it('reports each change of the list', async () => {
    const { source, clock, resolver, reports } = fixture({ initial: ['127.0.0.1:1'] });
    resolver.updateResolution();
    await clock.advance(0);
    source.found('127.0.0.1:1', '127.0.0.1:2');
    source.found('127.0.0.1:2');
    expect(reports).toEqual([at(1), at(1, 2), at(2)]);
  });

  it('does not report an unchanged list again, whatever its order and repetitions are', async () => {
    const { source, clock, resolver, reports } = fixture({ initial: ['127.0.0.1:1', '127.0.0.1:2'] });
    resolver.updateResolution();
    await clock.advance(0);
    source.found('127.0.0.1:2', '127.0.0.1:1', '127.0.0.1:2');
    resolver.updateResolution();
    await clock.advance(0);
    expect([source.log, reports]).toEqual([['watch bank'], [at(1, 2)]]);
  });

  it('reports an empty list and an error, until an instance is registered', async () => {
    const { source, clock, resolver, reports } = fixture({ initial: ['127.0.0.1:1'] });
    resolver.updateResolution();
    await clock.advance(0);
    source.found();
    source.found();
    source.failed('registry down');
    source.found('127.0.0.1:1');
    expect(reports).toEqual([at(1), '', NOBODY, at(1)]);
  });

  it('lets calls wait for the first instance of a name that is new', async () => {
    const { source, clock, resolver, reports } = fixture({ initial: [] });
    resolver.updateResolution();
    await clock.advance(29_999);
    expect(reports).toEqual([]);
    source.found('127.0.0.1:1');
    // a name that is known and gone fails at once
    source.found();
    await clock.advance(60_000);
    expect([reports, clock.pending]).toEqual([[at(1), '', NOBODY], 0]);
  });

  it('reports after 30 seconds that a name which is new has no instance', async () => {
    const { source, clock, resolver, reports } = fixture({ initial: [] });
    resolver.updateResolution();
    await clock.advance(20_000);
    source.found();
    await clock.advance(10_000);
    expect([reports, clock.pending]).toEqual([['', NOBODY], 0]);
    source.found('127.0.0.1:1');
    expect(reports.at(-1)).toBe(at(1));
  });

  it('lets calls wait for a name only once', async () => {
    const { source, clock, resolver, reports } = fixture({ initial: [] });
    const use = async (): Promise<Report[]> => {
      resolver.updateResolution();
      await clock.advance(30_000);
      resolver.destroy();
      await clock.advance(10_000);
      return reports.splice(0);
    };
    expect(await use()).toEqual(['', NOBODY]);
    resolver.updateResolution();
    await clock.advance(0);
    expect(reports).toEqual(['', NOBODY]);
    source.found('127.0.0.1:1');
    expect(reports.at(-1)).toBe(at(1));
  });

  it('lets no calls wait for a name that had an instance in an earlier watch', async () => {
    const { source, clock, resolver, reports } = fixture({ initial: ['127.0.0.1:1'] });
    resolver.updateResolution();
    await clock.advance(0);
    resolver.destroy();
    await clock.advance(10_000);
    source.found();
    resolver.updateResolution();
    await clock.advance(0);
    expect(reports).toEqual([at(1), '', NOBODY]);
  });

  it('does not let calls wait while the registry is down, nor after an error, which gRPC keeps', async () => {
    const { source, clock, resolver, reports } = fixture({ initial: [] });
    resolver.updateResolution();
    await clock.advance(0);
    source.failed('registry down');
    source.found();
    await clock.advance(60_000);
    expect(reports).toEqual(['UNAVAILABLE no address for own:///bank: registry down', NOBODY, '', NOBODY]);
  });

  it('reports an error before the first list, and recovers from it', async () => {
    const { source, clock, resolver, reports } = fixture();
    resolver.updateResolution();
    await clock.advance(0);
    source.failed('registry down');
    source.found('127.0.0.1:1');
    expect(reports).toEqual(['UNAVAILABLE no address for own:///bank: registry down', at(1)]);
  });

  it('keeps its addresses after an error', async () => {
    const { source, clock, resolver, reports } = fixture({ initial: ['127.0.0.1:1'] });
    resolver.updateResolution();
    await clock.advance(0);
    source.failed('registry down');
    expect(reports).toEqual([at(1)]);
  });

  it('reports a source without an answer after 5 seconds, once, and then its answer', async () => {
    const { source, clock, resolver, reports } = fixture();
    resolver.updateResolution();
    await clock.advance(4_999);
    expect(reports).toEqual([]);
    await clock.advance(60_000);
    expect(reports).toEqual(['UNAVAILABLE no address for own:///bank: no answer yet']);
    source.found('127.0.0.1:1');
    expect([reports[1], clock.pending, source.log]).toEqual([at(1), 0, ['watch bank']]);
  });

  it('stops when it is destroyed, and starts again on an update', async () => {
    const { source, clock, resolver, reports } = fixture({ initial: ['127.0.0.1:1'] });
    for (let time = 0; time < 2; time++) {
      resolver.updateResolution();
      await clock.advance(0);
      resolver.destroy();
      resolver.destroy();
      await clock.advance(10_000);
      expect(clock.pending).toBe(0);
    }
    expect(source.log).toEqual(['watch bank', 'stop bank', 'watch bank', 'stop bank']);
    // the same list again, because an idle channel has lost it
    expect(reports).toEqual([at(1), at(1)]);
  });

  it('continues the watch that lingers', async () => {
    const { source, clock, resolver, reports } = fixture({ initial: ['127.0.0.1:1'] });
    resolver.updateResolution();
    await clock.advance(0);
    resolver.destroy();
    await clock.advance(9_999);
    source.found('127.0.0.1:2');
    resolver.updateResolution();
    await clock.advance(60_000);
    expect([source.log, reports, clock.pending]).toEqual([['watch bank'], [at(1), at(2)], 0]);
  });

  it('stops a source without an answer, and its timers', async () => {
    const { source, clock, resolver, reports } = fixture();
    resolver.updateResolution();
    await clock.advance(0);
    resolver.destroy();
    await clock.advance(60_000);
    expect([source.log, reports, clock.pending]).toEqual([['watch bank', 'stop bank'], [], 0]);
  });

  it('reports nothing after it is destroyed', async () => {
    const listeners: Parameters<ScriptedAddresses['watch']>[1][] = [];
    const source = new ScriptedAddresses();
    source.watch = (_, listener) => {
      listeners.push(listener);
      return () => undefined;
    };
    const { clock, resolver, reports } = fixture({ source });
    resolver.updateResolution();
    resolver.destroy();
    await clock.advance(10_000);
    expect(listeners).toEqual([]);
    resolver.updateResolution();
    await clock.advance(0);
    resolver.destroy();
    listeners[0]!.found([{ host: '127.0.0.1', port: 1 }]);
    listeners[0]!.failed('too late');
    await clock.advance(10_000);
    expect(reports).toEqual([]);
  });

  it('stops a source when it is destroyed during the first report', async () => {
    const source = new ScriptedAddresses(['127.0.0.1:1']);
    const clock = new VirtualClock();
    const scheme = freshScheme();
    registerTimedScheme(grpc, { scheme, driver: 'own', source }, virtualTimes(clock));
    const resolver = createResolver(
      { scheme, authority: '', path: 'bank' },
      () => {
        resolver.destroy();
        return true;
      },
      {},
    );
    resolver.updateResolution();
    await clock.advance(60_000);
    expect(source.log).toEqual(['watch bank', 'stop bank']);
  });

  it('reports a source that throws, and starts it again later', async () => {
    const source = new ScriptedAddresses(['127.0.0.1:1']);
    const { watch } = source;
    source.watch = () => {
      source.watch = watch;
      throw new Error('bug');
    };
    const { clock, resolver, reports } = fixture({ source });
    resolver.updateResolution();
    await clock.advance(5_000);
    expect(reports).toEqual(['UNAVAILABLE no address for own:///bank: bug', at(1)]);
    expect(clock.pending).toBe(0);
  });

  it('stops a source that always throws', async () => {
    const source = new ScriptedAddresses();
    let attempts = 0;
    source.watch = () => {
      attempts += 1;
      throw new Error('bug');
    };
    const { clock, resolver } = fixture({ source });
    resolver.updateResolution();
    await clock.advance(0);
    resolver.destroy();
    await clock.advance(60_000);
    // at once and after 5 s; after 10 s the watch has ended
    expect([attempts, clock.pending]).toEqual([2, 0]);
  });

  it('sends a list again that gRPC has refused', async () => {
    const source = new ScriptedAddresses(['127.0.0.1:1']);
    const scheme = freshScheme();
    registerGrpcScheme(grpc, { scheme, driver: 'own', source });
    let count = 0;
    const listener = (): boolean => {
      count += 1;
      return false;
    };
    const resolver = createResolver({ scheme, authority: '', path: 'bank' }, listener, {});
    resolver.updateResolution();
    await new VirtualClock().advance(0);
    source.found('127.0.0.1:1');
    resolver.destroy();
    expect(count).toBe(2);
  });

  it('keeps the load balancing that the user has configured', async () => {
    const { clock, resolver, reports } = fixture({
      initial: ['127.0.0.1:1'],
      channel: { 'grpc.service_config': '{}' },
    });
    resolver.updateResolution();
    await clock.advance(0);
    expect(reports).toEqual([`null ${at(1)}`]);
  });

  it('hides the password of a target', async () => {
    const clock = new VirtualClock();
    const scheme = freshScheme();
    const source = new ScriptedAddresses();
    registerTimedScheme(grpc, { scheme, driver: 'own', source }, virtualTimes(clock));
    let details = '';
    const listener: grpc.experimental.ResolverListener = (endpoints) => {
      if (!endpoints.ok) ({ details } = endpoints.error);
      return true;
    };
    const resolver = createResolver({ scheme, authority: 'u:p@h:8848', path: 's' }, listener, {});
    resolver.updateResolution();
    await clock.advance(5_000);
    expect(details).toBe(`no address for ${scheme}://***@h:8848/s: no answer yet`);
  });

  it('shares the watch of its target', async () => {
    const source = new ScriptedAddresses();
    const clock = new VirtualClock();
    const scheme = freshScheme();
    registerTimedScheme(grpc, { scheme, driver: 'own', source }, virtualTimes(clock));
    const heard: string[] = [];
    const start = (name: string, path: string): grpc.experimental.Resolver => {
      const listener: grpc.experimental.ResolverListener = (endpoints) => {
        heard.push(`${name} ${endpoints.ok ? endpoints.value.length : endpoints.error.details.replace(/.*: /, '')}`);
        return true;
      };
      const resolver = createResolver({ scheme, authority: '', path }, listener, {});
      resolver.updateResolution();
      return resolver;
    };
    const first = start('first', 'bank');
    await clock.advance(5_000);
    // receives the known addresses at once
    const second = start('second', 'bank');
    const other = start('other', 'shop');
    await clock.advance(0);
    source.found('127.0.0.1:1');
    first.destroy();
    source.found('127.0.0.1:1', '127.0.0.1:2');
    const third = start('third', 'bank');
    await clock.advance(60_000);
    expect(heard).toEqual([
      'first no answer yet',
      'second no answer yet',
      'first 1',
      'second 1',
      'other 1',
      'second 2',
      'other 2',
      'third 2',
    ]);
    for (const resolver of [second, third, other]) resolver.destroy();
    expect(source.log).toEqual(['watch bank', 'watch shop']);
    await clock.advance(10_000);
    expect(source.log).toEqual(['watch bank', 'watch shop', 'stop bank', 'stop shop']);
  });

  it('is not created for a target that the source refuses', () => {
    expect(() => fixture({ path: 'bad' })).toThrow('no such target');
  });
});

describe('a mass of names without an instance', () => {
  interface Heard extends LookupListener {
    readonly reports: string[];
  }
  const listener = (): Heard => {
    const reports: string[] = [];
    return {
      reports,
      found: (addresses) => reports.push(`found ${addresses.length}`),
      failed: (reason) => reports.push(reason),
      waiting: () => reports.push('waiting'),
    };
  };
  const FULL = '1000 other names without an instance are being looked up';
  const nobody = new ScriptedAddresses([]);
  const known = new ScriptedAddresses(['127.0.0.1:1']);
  const watch = (source: ScriptedAddresses, path: string) => source.parse({ scheme: 'own', authority: '', path });

  it('is limited, and leaves known names alone', async () => {
    const clock = new VirtualClock();
    const watches = new SharedWatches(virtualTimes(clock));
    const join = (name: string, source = nobody): Heard & { leave: () => void } => {
      const heard = listener();
      return { ...heard, leave: watches.join(name, watch(source, name), heard) };
    };
    join('bank', known);
    const names = Array.from({ length: 1000 }, (_, index) => join(`n${index}`));
    expect(new Set(names.map(({ reports }) => reports.join()))).toEqual(new Set(['waiting']));
    const over = join('over');
    expect([over.reports, nobody.log.includes('watch over')]).toEqual([[FULL], false]);
    expect(join('n7').reports).toEqual(['waiting']);
    expect(join('bank', known).reports).toEqual(['found 1']);
    // a watch without a listener makes room for the next one, and its place is free at the next attempt
    names[3]!.leave();
    expect(join('next').reports).toEqual(['waiting']);
    expect(nobody.log.at(-2)).toBe('stop n3');
    names[4]!.leave();
    await clock.advance(5000);
    expect(over.reports).toEqual([FULL, 'waiting']);
    over.leave();
    await clock.advance(10_000);
    expect(nobody.log.at(-1)).toBe('stop over');
  });
});

describe('the authority of the calls to a target', () => {
  it.each([
    [{ path: 'trans' }, 'trans'],
    [{ path: 'a_b.c-d' }, 'a_b.c-d'],
    [{ path: 'localhost:36790' }, 'localhost'],
    [{ path: '//localhost:36790' }, 'localhost'],
    [{ path: '127.0.0.1:2379' }, '127.0.0.1'],
    [{ path: 'h1:1,h2:2' }, 'h1-1-h2'],
    [{ path: 's?wait=1s' }, 's'],
    [{ path: '?options=x', authority: 'svc' }, 'svc'],
    [{ path: '?options=x', authority: '' }, 'localhost'],
    [{ path: 'a%2Fb' }, 'a-2Fb'],
    [{ path: 'a b/c' }, 'a-b-c'],
    [{ path: 'службаs' }, '------s'],
    [{ path: 'bank.2' }, 'localhost'],
  ])('is a host that HTTP/2 accepts, for %j', (uri, authority) => {
    const scheme = freshScheme();
    let registered: { getDefaultAuthority(target: object): string } | undefined;
    const { registerResolver } = grpc.experimental;
    const spy = Object.assign(
      (_: string, type: Parameters<typeof registerResolver>[1]) => void (registered = type),
      {},
    );
    const copy = { ...grpc, experimental: { ...grpc.experimental, registerResolver: spy } };
    registerGrpcScheme(copy, { scheme, driver: 'own', source: new ScriptedAddresses() });
    expect(registered!.getDefaultAuthority({ scheme, ...uri })).toBe(authority);
  });
});

describe('registering a scheme', () => {
  const source = new ScriptedAddresses();
  const of = (driver: string, scheme: string): GrpcScheme => ({ driver, scheme, source });

  it('by the same driver again does nothing', () => {
    const scheme = freshScheme();
    registerGrpcScheme(grpc, of('one', scheme));
    expect(() => registerGrpcScheme(grpc, of('one', scheme))).not.toThrow();
  });

  it('by a second driver of the process is refused, with the name of the first', () => {
    const scheme = freshScheme();
    registerGrpcScheme(grpc, of('one', scheme));
    expect(() => registerGrpcScheme(grpc, of('two', scheme))).toThrow(DtmConfigError);
    expect(() => registerGrpcScheme(grpc, of('two', scheme))).toThrow(
      `driver two: this process already uses one for ${scheme}://, so it cannot use two`,
    );
  });

  it.each(['dns', 'unix', 'ipv4', 'Own', '', 'a b'])('%j is refused', (scheme) => {
    expect(() => registerGrpcScheme(grpc, of('own', scheme))).toThrow(DtmConfigError);
  });

  it.each([
    [{}, /lacks experimental.registerResolver and experimental.statusOrFromValue and experimental.statusOrFromError/],
    [
      { experimental: { registerResolver: () => undefined } },
      /driver own needs .* 1\.14 or newer; .* lacks experimental.statusOrFromValue and .*: npm install @grpc\/grpc-js@/,
    ],
  ])('in a gRPC that is too old is refused', (old, message) => {
    const copy = old as unknown as typeof grpc;
    expect(() => registerGrpcScheme(copy, of('own', 'own'))).toThrow(DtmConfigError);
    expect(() => registerGrpcScheme(copy, of('own', 'own'))).toThrow(message);
  });
});
