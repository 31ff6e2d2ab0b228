import { ChangeoverError } from '@changeover/core';

import { isInterruption } from './interruption.js';

describe('isInterruption', () => {
  const stopped = AbortSignal.abort();
  const thrownBy = (signal: AbortSignal): unknown => {
    try {
      signal.throwIfAborted();
      return null;
    } catch (error) {
      return error;
    }
  };

  it('knows what the signal itself throws, and what is thrown in its name', () => {
    expect(isInterruption(thrownBy(stopped), stopped)).toBe(true);
    expect(isInterruption(Object.assign(new Error('The operation was aborted'), { name: 'AbortError' }), stopped)).toBe(true);
  });

  it('takes nothing else for it: what went wrong is told though somebody pressed Ctrl-C', () => {
    expect(isInterruption(new ChangeoverError('TARGET_UNREACHABLE', 'gone'), stopped)).toBe(false);
    expect(isInterruption(new TypeError('undefined is not a function'), stopped)).toBe(false);
  });

  it('is none where nobody was told to stop', () => {
    expect(isInterruption(thrownBy(stopped), new AbortController().signal)).toBe(false);
  });
});
