import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { DtmConfigError } from 'nestjs-dtm/protocol';
import { jsonLineLogger, type LogLevel } from '../../../lib/cli/serve/json-line-logger.js';
import { tempFolder } from '../../support/temp-folder.js';

const linesIn = (path: string) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('jsonLineLogger', () => {
  it.each<[LogLevel, string[]]>([
    ['debug', ['info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
  ])('at %s writes %j', (level, written) => {
    const path = join(tempFolder(), 'log');
    const logger = jsonLineLogger(level, [path]);
    logger.info('i', { gid: 'g' });
    logger.warn('w', { gid: 'g' });
    logger.error('e');
    expect(linesIn(path).map((line) => line['level'])).toEqual(written);
  });

  it('writes a line of JSON with time, level, message and fields to every output', () => {
    const folder = tempFolder();
    const paths = [join(folder, 'a'), join(folder, 'b')];
    jsonLineLogger('info', paths).warn('two\nlines', { gid: 'g' });
    for (const path of paths) {
      expect(linesIn(path)).toEqual([
        {
          time: expect.stringMatching(/^\d{4}-.*Z$/),
          level: 'warn',
          logger: 'DtmCoordinator',
          message: 'two\nlines',
          gid: 'g',
        },
      ]);
    }
  });

  it('continues in a new file after a rotation', () => {
    const path = join(tempFolder(), 'log');
    const logger = jsonLineLogger('info', [path]);
    logger.info('before');
    renameSync(path, `${path}.1`);
    logger.info('after');
    expect(linesIn(path).map(({ message }) => message)).toEqual(['after']);
    expect(linesIn(`${path}.1`).map(({ message }) => message)).toEqual(['before']);
  });

  it('refuses a file that cannot be written, and names the setting', () => {
    const path = join(tempFolder(), 'none', 'log');
    expect(() => jsonLineLogger('info', ['stderr', path])).toThrow(DtmConfigError);
    expect(() => jsonLineLogger('info', [path])).toThrow(`Log.Outputs: ${path} cannot be written (ENOENT)`);
  });

  it('falls back to stderr when a file can no longer be written', () => {
    const folder = join(tempFolder(), 'logs');
    mkdirSync(folder);
    const logger = jsonLineLogger('info', [join(folder, 'log')]);
    rmSync(folder, { recursive: true });
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      logger.error('lost?');
      expect(write).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('lost?'));
    } finally {
      write.mockRestore();
    }
  });
});
