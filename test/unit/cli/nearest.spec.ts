import { describe, expect, it } from 'vitest';
import { nearest } from '../../../lib/cli/serve/nearest.js';
import { SETTING_KEYS } from '../../../lib/cli/serve/settings.js';

describe('nearest', () => {
  it.each([
    ['HttpPrt', 'HttpPort'],
    ['httpport', 'HttpPort'],
    ['HTTPPort', 'HttpPort'],
    ['Store.Diver', 'Store.Driver'],
    ['Store.PassWord', 'Store.Password'],
    ['TransCronIntervall', 'TransCronInterval'],
    ['RetryIntervalSecs', 'RetryInterval'],
    ['MicroServices.Target', 'MicroService.Target'],
  ])('%s was meant to be %s', (written, meant) => {
    expect(nearest(written, SETTING_KEYS)).toBe(meant);
  });

  it('finds the right name that stands in the wrong group', () => {
    expect(nearest('Password', SETTING_KEYS)).toBe('Store.Password');
    expect(nearest('Store.RotationEnable', SETTING_KEYS)).toBe('Log.RotationEnable');
  });

  it.each(['', 'x', 'Colour', 'Store.Compression', 'a'.repeat(100_000)])('finds nothing for %.20s', (written) => {
    expect(nearest(written, SETTING_KEYS)).toBeUndefined();
  });
});
