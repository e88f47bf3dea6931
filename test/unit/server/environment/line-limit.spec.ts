import { describe, expect, it } from 'vitest';
import { LineLimit } from '../../../../lib/server/environment/line-limit.js';
import { RecordingLogger } from '../../../support/recording-logger.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

function make() {
  const logger = new RecordingLogger();
  const clock = new VirtualClock();
  const limit = new LineLimit({ logger, clock });
  const write = (count: number, target = 'http://b'): void => {
    for (let index = 0; index < count; index++) limit.write('warn', 'it failed', { index }, { target });
  };
  return { logger, clock, limit, write };
}

describe('repeated lines of the log', () => {
  it('are left out after ten within a minute, and counted at its end', async () => {
    const { logger, clock, write } = make();
    write(12);
    expect(logger.lines.map(({ fields }) => fields['index'])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await clock.advance(59_999);
    write(1);
    expect(logger.lines).toHaveLength(10);
    await clock.advance(1);
    expect(logger.lines[10]).toEqual({
      level: 'warn',
      message: 'it failed: lines left out within a minute',
      fields: { target: 'http://b', leftOut: 3 },
    });
    write(1);
    expect(logger.lines).toHaveLength(12);
  });

  it('do not leave out lines about something else', () => {
    const { logger, limit, write } = make();
    write(20);
    write(1, 'http://other');
    limit.write('error', 'another message', {});
    expect(logger.lines).toHaveLength(12);
  });

  it('are written without a timer while there are few', async () => {
    const { logger, clock, write } = make();
    write(10);
    expect(clock.pending).toBe(0);
    await clock.advance(60_000);
    write(10);
    expect([clock.pending, logger.lines.length]).toEqual([0, 20]);
  });

  it('are counted, too, when the coordinator stops within the minute', async () => {
    const { logger, clock, limit, write } = make();
    write(15);
    limit.flush();
    expect(logger.lines.at(-1)?.fields).toEqual({ target: 'http://b', leftOut: 5 });
    expect(clock.pending).toBe(0);
  });

  it('need a bounded memory, however many targets fail', () => {
    const { logger, write } = make();
    write(11, 'first');
    for (let index = 0; index < 1000; index++) write(1, `target ${index}`);
    expect(logger.lines.at(-2)?.fields).toEqual({ target: 'first', leftOut: 1 });
    const { length } = logger.lines;
    write(1, 'first');
    expect(logger.lines).toHaveLength(length + 1);
  });
});
