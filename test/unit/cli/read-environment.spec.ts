import { describe, expect, it } from 'vitest';
import {
  environmentVariableOf,
  findMisspeltVariables,
  readEnvironment,
} from '../../../lib/cli/serve/config/read-environment.js';

describe('the environment variable of a setting', () => {
  it.each([
    ['HttpPort', 'HTTP_PORT'],
    ['Store.Driver', 'STORE_DRIVER'],
    ['Store.ConnMaxLifeTime', 'STORE_CONN_MAX_LIFE_TIME'],
    ['MicroService.EndPoint', 'MICRO_SERVICE_END_POINT'],
    ['HttpMicroService.RegistryOptions', 'HTTP_MICRO_SERVICE_REGISTRY_OPTIONS'],
    ['Log.RotationConfigJSON', 'LOG_ROTATION_CONFIG_JSON'],
    ['UpdateBranchAsyncGoroutineNum', 'UPDATE_BRANCH_ASYNC_GOROUTINE_NUM'],
  ])('%s is %s', (key, name) => {
    expect(environmentVariableOf(key)).toBe(name);
  });
});

describe('readEnvironment', () => {
  it('returns what is set, with its source', () => {
    expect([...readEnvironment({ HTTP_PORT: '1', STORE_DRIVER: 'memory', PATH: '/bin' })]).toEqual([
      ['Store.Driver', { text: 'memory', source: 'environment variable STORE_DRIVER' }],
      ['HttpPort', { text: '1', source: 'environment variable HTTP_PORT' }],
    ]);
  });

  it('ignores an empty variable', () => {
    expect(readEnvironment({ HTTP_PORT: '' }).size).toBe(0);
  });
});

describe('findMisspeltVariables', () => {
  it('reports a variable similar to a setting in the groups of dtm', () => {
    expect(findMisspeltVariables({ STORE_PASWORD: 'secret', MICRO_SERVICE_ENDPOINT: 'x' })).toEqual([
      'environment variable STORE_PASWORD is not a setting; did you mean STORE_PASSWORD?',
      'environment variable MICRO_SERVICE_ENDPOINT is not a setting; did you mean MICRO_SERVICE_END_POINT?',
    ]);
  });

  it('ignores variables of other programs', () => {
    expect(findMisspeltVariables({ STORE_SERVICE_HOST: 'x', HTTP_PROT: '1', STORE_HOST: 'db', HOME: '/' })).toEqual([]);
  });
});
