import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);
const SOURCES = ['scripts', 'examples/crm/src', 'bench/src'];

describe('help of the four commands', () => {
  let clone: string;

  beforeAll(async () => {
    clone = await mkdtemp(join(tmpdir(), 'changeover-help-'));
    for (const folder of SOURCES) await cp(join(ROOT, folder), join(clone, folder), { recursive: true });
  });

  afterAll(() => rm(clone, { recursive: true, force: true }));

  const said = async (folder: string, ...words: readonly string[]): Promise<string> =>
    (await run(process.execPath, words, { cwd: folder })).stdout;

  it.each([
    ['demo', 'examples/crm/dist/main.js', []],
    ['bench', 'bench/dist/main.js', []],
    ['bench', 'bench/dist/main.js', ['--first-copy']],
    ['soak', 'bench/dist/soak.js', []],
  ])('of %s comes in a fresh clone, as the program says it', async (command, program, args) => {
    const help = await said(clone, 'scripts/run.mjs', command, ...args, '--help');
    expect(help).toMatch(/^npm run .*\n {2}--help +this text\n$/su);
    expect(help).toBe(await said(ROOT, program, ...args, '--help'));
    expect(await readdir(clone)).toEqual(['bench', 'examples', 'scripts']);
  });

  it('of test comes in a fresh clone', async () => {
    expect(await said(clone, 'scripts/run.mjs', 'test', '-h')).toMatch(/^npm test +everything\n/u);
    expect(await readdir(clone)).toEqual(['bench', 'examples', 'scripts']);
  });
});
