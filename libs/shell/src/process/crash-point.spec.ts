import { noCrash } from '@changeover/core';

import { crashPointFrom } from './crash-point.js';

test('without the variable nothing happens', () => {
  expect(crashPointFrom({})).toBe(noCrash);
});

test('the process is killed at the pass that was named, and at no other point', () => {
  const killed: unknown[] = [];
  const { kill } = process;
  process.kill = (...call) => {
    killed.push(call);
    return true;
  };
  try {
    const crashPoint = crashPointFrom({ CHANGEOVER_CRASH_AT: 'load.in-commit:2' });
    crashPoint('load.before-commit');
    crashPoint('load.in-commit');
    expect(killed).toEqual([]);
    crashPoint('load.in-commit');
    expect(killed).toEqual([[process.pid, 'SIGKILL']]);
  } finally {
    process.kill = kill;
  }
});

test.each(['load.nowhere', 'load.in-commit:x', 'load.in-commit:0'])(
  '%s is BAD_SETTINGS: a test must not believe in a crash that cannot come',
  (given) => {
    expect(() => crashPointFrom({ CHANGEOVER_CRASH_AT: given })).toThrow(expect.objectContaining({ code: 'BAD_SETTINGS' }));
  },
);
