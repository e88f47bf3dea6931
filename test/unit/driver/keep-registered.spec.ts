import type { DriverRegistration } from 'nestjs-dtm/driver';
import { describe, expect, it } from 'vitest';
import { keepRegistered, type Lease } from '../../../lib/driver/support/registry/keep-registered.js';
import { deferred, type Deferred } from '../../support/deferred.js';
import { VirtualClock, settled } from '../../support/virtual-clock.js';

/** A registry with one registration. */
class Registry {
  readonly clock = new VirtualClock();
  readonly reports: (string | undefined)[] = [];
  readonly log: string[] = [];
  problem: string | undefined;
  isSilent = false;
  leaving: Promise<void> = Promise.resolve();
  lost!: Deferred<void>;

  register(): Promise<DriverRegistration> {
    const enter = async (): Promise<Lease> => {
      if (this.isSilent) await new Promise(() => undefined);
      if (this.problem !== undefined) throw new Error(this.problem);
      this.log.push('enter');
      this.lost = deferred();
      const revoke = (): Promise<void> => {
        this.log.push('leave');
        return this.leaving;
      };
      return { lost: this.lost.promise, revoke };
    };
    const report = (problem: string | undefined): void => void this.reports.push(problem);
    return keepRegistered({ name: 'bank', register: enter }, { report }, (ms, callback) =>
      this.clock.after(ms, callback),
    );
  }
}

describe('a registration that is kept', () => {
  it('is made, and revoked once', async () => {
    const registry = new Registry();
    const registration = await registry.register();
    expect(registration.problem).toBeUndefined();
    await Promise.all([registration.close(), registration.close()]);
    await registration.close();
    expect(registry.log).toEqual(['enter', 'leave']);
    expect(registry.reports).toEqual([undefined]);
    expect(registry.clock.pending).toBe(0);
  });

  it('is made when the registry is back, and reports the problem until then', async () => {
    const registry = new Registry();
    registry.problem = 'down';
    const registration = await registry.register();
    expect(registration.problem).toBe('bank cannot be registered: down');
    await registry.clock.advance(20_000);
    // the same problem is reported once
    expect(registry.reports).toEqual(['bank cannot be registered: down']);
    registry.problem = undefined;
    await registry.clock.advance(4000);
    expect(registration.problem).toBeUndefined();
    expect(registry.reports).toEqual(['bank cannot be registered: down', undefined]);
  });

  it.each([
    [
      'without a word',
      (lost: Deferred<void>) => lost.resolve(),
      'bank is no longer registered; the driver registers it again',
    ],
    [
      'with a reason',
      (lost: Deferred<void>) => lost.reject(new Error('gone')),
      'bank is no longer registered: gone; the driver registers it again',
    ],
  ])('is made again when it was lost %s', async (_, lose, problem) => {
    const registry = new Registry();
    const registration = await registry.register();
    lose(registry.lost);
    await settled();
    expect(registration.problem).toBe(problem);
    await registry.clock.advance(250);
    expect(registration.problem).toBeUndefined();
    expect(registry.log).toEqual(['enter', 'enter']);
    await registration.close();
    expect(registry.log).toEqual(['enter', 'enter', 'leave']);
  });

  it('does not delay its caller when the registry does not answer', async () => {
    const registry = new Registry();
    registry.isSilent = true;
    const registering = registry.register();
    await registry.clock.advance(3000);
    const registration = await registering;
    expect(registration.problem).toBe('bank is not registered yet: no answer');
    const closing = registration.close();
    closing.catch(() => undefined);
    await registry.clock.advance(3000);
    await expect(closing).rejects.toThrow('no answer');
  });

  it('ends in time when the registry no longer answers', async () => {
    const registry = new Registry();
    const registration = await registry.register();
    registry.leaving = new Promise(() => undefined);
    const closing = registration.close();
    closing.catch(() => undefined);
    await registry.clock.advance(3000);
    await expect(closing).rejects.toThrow('bank could not be deregistered: no answer');
  });

  it('is revoked when it succeeds after its close', async () => {
    const clock = new VirtualClock();
    const registered = deferred<Lease>();
    const log: string[] = [];
    const registering = keepRegistered({ name: 'bank', register: () => registered.promise }, {}, (ms, callback) =>
      clock.after(ms, callback),
    );
    await clock.advance(3000);
    const registration = await registering;
    const closing = registration.close().then(() => log.push('closed'));
    await settled();
    registered.resolve({ lost: new Promise(() => undefined), revoke: async () => void log.push('revoke') });
    await closing;
    expect(log).toEqual(['revoke', 'closed']);
  });
});
