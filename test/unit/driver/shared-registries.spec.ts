import { describe, expect, it } from 'vitest';
import type { Registry, RegistryListener } from '../../../lib/driver/support/registry/registry.js';
import { SharedRegistries } from '../../../lib/driver/support/registry/shared-registries.js';

const NOBODY: RegistryListener<string> = { found: () => undefined, failed: () => undefined };

function make(register?: () => Promise<{ close(): Promise<void>; problem?: string }>) {
  const log: string[] = [];
  const open = (address: string): Registry<string, string, string> => {
    log.push(`open ${address}`);
    return {
      register: async (instance) => {
        log.push(`register ${instance}`);
        return register?.() ?? { close: async () => void log.push(`take out ${instance}`) };
      },
      watch: (service) => {
        log.push(`watch ${service}`);
        return () => void log.push(`stop ${service}`);
      },
      close: () => void log.push(`close ${address}`),
    };
  };
  return { log, registries: new SharedRegistries<string, string, string, string>(open) };
}

describe('shared registries', () => {
  it('are opened once, for as long as they are in use', async () => {
    const { log, registries } = make();
    const stop = registries.watch('a:1', 'bank', NOBODY);
    const registration = await registries.register('a:1', 'shop');
    stop();
    stop();
    await registration.close();
    await registration.close();
    expect(log.filter((line) => /^(open|close)/.test(line))).toEqual(['open a:1', 'close a:1']);
    expect(log.at(-1)).toBe('close a:1');
    expect(log).toEqual(expect.arrayContaining(['watch bank', 'register shop', 'stop bank', 'take out shop']));
  });

  it('are opened again for a later use, each by itself', () => {
    const { log, registries } = make();
    registries.watch('a:1', 'bank', NOBODY)();
    registries.watch('a:1', 'bank', NOBODY)();
    registries.watch('b:1', 'bank', NOBODY);
    expect(log.filter((line) => line.startsWith('open'))).toEqual(['open a:1', 'open a:1', 'open b:1']);
    expect(log.filter((line) => line.startsWith('close'))).toEqual(['close a:1', 'close a:1']);
  });

  it('are closed when a registration fails, or its close fails', async () => {
    const refused = make(() => Promise.reject(new Error('bad instance')));
    await expect(refused.registries.register('a:1', 'shop')).rejects.toThrow('bad instance');
    expect(refused.log.at(-1)).toBe('close a:1');
    const stuck = make(async () => ({ close: () => Promise.reject(new Error('no answer')), problem: 'lost' }));
    const registration = await stuck.registries.register('a:1', 'shop');
    expect(registration.problem).toBe('lost');
    await expect(registration.close()).rejects.toThrow('no answer');
    expect(stuck.log.at(-1)).toBe('close a:1');
  });
});
