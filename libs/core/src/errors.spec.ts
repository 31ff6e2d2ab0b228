import { asChangeoverError, ChangeoverError } from './errors.js';

describe('asChangeoverError', () => {
  it('leaves ours alone, and wraps others with what they said', () => {
    const ours = new ChangeoverError('LOG_GAP', 'a gap');
    expect(asChangeoverError(ours, 'INTERNAL')).toBe(ours);
    const theirs = asChangeoverError(new TypeError('not a function'), 'LOG_UNREACHABLE');
    expect(theirs).toMatchObject({ code: 'LOG_UNREACHABLE', message: 'not a function', policy: 'retry' });
    // An error of another realm looks like one, but is no instance of ours.
    expect(asChangeoverError({ message: 'connect ECONNREFUSED' }).message).toBe('connect ECONNREFUSED');
    expect(asChangeoverError('words').message).toBe('words');
  });
});
