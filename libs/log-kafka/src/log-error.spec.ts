import { ChangeoverError } from '@changeover/core';
import kafkajs from 'kafkajs';

import { brokerError } from './fetch-response.js';
import { judge } from './log-error.js';

describe('judge', () => {
  it.each([
    [1, 'LOG_TRUNCATED', false],
    [3, 'LOG_MISSING', true],
    [2, 'LOG_CORRUPT', true],
    [5, 'LOG_UNREACHABLE', true],
    [6, 'LOG_UNREACHABLE', true],
    [7, 'LOG_UNREACHABLE', true],
    [10, 'BAD_SETTINGS', false],
    [19, 'LOG_UNREACHABLE', true],
    [29, 'LOG_DENIED', false],
    [31, 'LOG_DENIED', false],
    [34, 'LOG_DENIED', true],
    [38, 'BAD_SETTINGS', false],
    [45, 'LOG_UNREACHABLE', false],
    [58, 'LOG_DENIED', false],
    [87, 'BAD_SETTINGS', false],
    // A code that kafkajs does not know yet.
    [9_999, 'LOG_UNREACHABLE', true],
  ] as const)('the broker’s code %d is %s, again: %p', (code, expected, again) => {
    const verdict = judge(brokerError(code), 'testing');
    expect([verdict.error.code, verdict.again]).toEqual([expected, again]);
  });

  it('looks at what was behind the retries that ran out', () => {
    const denied = brokerError(29);
    const wrapped = new kafkajs.KafkaJSNumberOfRetriesExceeded(denied, { retryCount: 1, retryTime: 1 });
    expect(judge(wrapped, 'testing').error.code).toBe('LOG_DENIED');
  });

  it('knows a refused password and a lost connection', () => {
    expect(judge(Reflect.construct(kafkajs.KafkaJSSASLAuthenticationError, ['no']), 'testing').error.code).toBe('LOG_DENIED');
    expect(judge(new kafkajs.KafkaJSConnectionError('gone'), 'testing')).toMatchObject({ again: true, error: { code: 'LOG_UNREACHABLE' } });
  });

  it('tells a certificate that nobody vouches for from one that its owner must renew', () => {
    const refused = (code: string): unknown => Reflect.construct(kafkajs.KafkaJSConnectionError, ['no', { code }]);
    expect(judge(refused('SELF_SIGNED_CERT_IN_CHAIN'), 'testing')).toMatchObject({ again: false, error: { code: 'BAD_SETTINGS' } });
    expect(judge(refused('CERT_HAS_EXPIRED'), 'testing')).toMatchObject({ again: true, error: { code: 'LOG_UNREACHABLE' } });
  });

  it('takes for a bug of ours what is nobody else’s', () => {
    expect(judge(new TypeError('x is undefined'), 'testing')).toMatchObject({ again: false, error: { code: 'INTERNAL' } });
  });

  it('keeps an error of ours', () => {
    const ours = new ChangeoverError('LOG_CORRUPT', 'bad');
    expect(judge(ours, 'testing').error).toBe(ours);
  });
});
