import { describe, expect, it } from 'vitest';
import { findSimilarName } from '../../../lib/cli/serve/config/find-similar-name.js';
import { SETTING_KEYS } from '../../../lib/cli/serve/config/settings.js';

describe('findSimilarName', () => {
  it.each([
    ['HttpPrt', 'HttpPort'],
    ['httpport', 'HttpPort'],
    ['HTTPPort', 'HttpPort'],
    ['Store.Diver', 'Store.Driver'],
    ['Store.PassWord', 'Store.Password'],
    ['TransCronIntervall', 'TransCronInterval'],
    ['RetryIntervalSecs', 'RetryInterval'],
    ['MicroServices.Target', 'MicroService.Target'],
  ])('takes %s for %s', (written, meant) => {
    expect(findSimilarName(written, SETTING_KEYS)).toBe(meant);
  });

  it('finds the right name in the wrong group', () => {
    expect(findSimilarName('Password', SETTING_KEYS)).toBe('Store.Password');
    expect(findSimilarName('Store.RotationEnable', SETTING_KEYS)).toBe('Log.RotationEnable');
  });

  it.each(['', 'x', 'Colour', 'Store.Compression', 'a'.repeat(100_000)])('finds nothing for %.20s', (written) => {
    expect(findSimilarName(written, SETTING_KEYS)).toBeUndefined();
  });
});
