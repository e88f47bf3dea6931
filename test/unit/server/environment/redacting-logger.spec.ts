import { describe, expect, it } from 'vitest';
import { redactingLogger } from '../../../../lib/server/environment/redacting-logger.js';
import { RecordingLogger } from '../../../support/recording-logger.js';

describe('a redacting logger', () => {
  it.each(['info', 'warn', 'error'] as const)('removes credentials from message and fields of %s', (level) => {
    const logger = new RecordingLogger();
    const fields = { url: 'http://u:secret@bank', gid: 'g', count: 3, nothing: undefined };
    redactingLogger(logger)[level]('at http://u:secret@bank', fields);
    redactingLogger(logger)[level]('alone');
    expect(logger.lines).toEqual([
      { level, message: 'at http://***@bank', fields: { ...fields, url: 'http://***@bank' } },
      { level, message: 'alone', fields: {} },
    ]);
  });

  it('ignores errors of the wrapped logger', () => {
    const fail = (): never => {
      throw new Error('disk full');
    };
    const logger = redactingLogger({ info: fail, warn: fail, error: fail });
    expect(() => {
      logger.info('a');
      logger.warn('a', { url: 'http://u:p@b' });
      logger.error('a');
    }).not.toThrow();
  });
});
