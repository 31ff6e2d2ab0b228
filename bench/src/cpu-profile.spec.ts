import { selfTimes, type CpuProfile } from './cpu-profile.js';

const node = (id: number, url: string, functionName = 'f') => ({ id, callFrame: { url, functionName } });

const PROFILE: CpuProfile = {
  nodes: [
    node(1, '', '(root)'),
    node(2, 'file:///home/me/changeover/libs/pipeline/dist/derive/round.js'),
    node(3, 'file:///home/me/changeover/libs/pipeline/dist/derive/round.js', 'g'),
    node(4, 'file:///home/me/changeover/node_modules/@scope/name/dist/deep/index.js'),
    node(5, 'file:///home/me/changeover/node_modules/pg/lib/client.js'),
    node(6, '', '(garbage collector)'),
    node(7, '', 'utf8Write'),
    node(8, 'node:buffer'),
    node(9, '', '(idle)'),
    node(10, '', '(program)'),
  ],
  samples: [2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2, 99],
  timeDeltas: [100, 100, 90, 80, 70, 60, 50, 1e6, 1e6, 1e6, 1, 1e6],
};

describe('self time out of a CPU profile', () => {
  it('is summed by file, with packages and what is built in as one each, and without waiting', () => {
    expect(selfTimes(PROFILE)).toEqual([
      { where: 'pipeline/derive/round.js', micros: 201 },
      { where: '@scope/name', micros: 90 },
      { where: 'pg', micros: 80 },
      { where: '(garbage collector)', micros: 70 },
      { where: 'built into the engine', micros: 60 },
      { where: 'node:buffer', micros: 50 },
    ]);
  });
});
