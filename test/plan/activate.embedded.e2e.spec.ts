import { writeFile } from 'node:fs/promises';

import { CONVERTERS } from '@changeover/cleaning';
import { countWords } from '@changeover/core';
import { decodeJsonBody, type LogEntry } from '@changeover/events';
import { mappingHash, parseMapping } from '@changeover/mapping';

import { VerifyScene } from '../verify/verify-scene.js';
import { MAPPING } from '../verify/verify-tables.js';

const MORE_TABLES = `
  CREATE TABLE app.region (id int PRIMARY KEY, name text);
  ALTER TABLE app.person ADD COLUMN nick text DEFAULT 'none';
`;

const ROWS = `
  INSERT INTO region VALUES (1, 'north'), (2, 'south');
  INSERT INTO company VALUES (950, ' Firm ', 'big');
  INSERT INTO person (id, company_id, email, note, state) VALUES
    (9501, 950, ' One@Example.com', 'first', NULL), (9504, 950, 'no address 9504', NULL, NULL), (9506, 950, 'kept@example.com', NULL, NULL);
`;

const [company, person] = MAPPING.rules;
const personWith = (more: object, columns: object = {}) => ({ ...person, ...more, columns: { ...person?.columns, ...columns } });

/** Takes e-mail addresses as they come, and rows that the other leaves out; tags go, regions come. */
const OTHER = {
  tables: { 'public.visit': {}, 'public.region': { to: 'app.region' } },
  rules: [
    company,
    personWith(
      { where: { not: { is: { column: 'id' }, in: ['9501'] } } },
      { email: { convert: 'trim', input: { column: 'email' }, invalid: 'held' } },
    ),
  ],
};
/** The same rows, in other words. */
const ALTERED = { ...MAPPING, rules: [company, personWith({}, { note: { constant: 'note' } })] };
/** The same, in words that stand nowhere else: a version that is kept has those of whatever mapping it was made by. */
const UNWANTED = { ...MAPPING, rules: [company, personWith({}, { note: { constant: 'unwanted' } })] };
/** A column that nobody wrote before. */
const WIDER = { ...MAPPING, rules: [company, personWith({}, { nick: { column: 'email' } })] };
/** A row less. */
const FEWER = { ...MAPPING, rules: [company, personWith({ where: { not: { is: { column: 'id' }, in: ['9501'] } } })] };
/** Of a column that goes before it can come into force. */
const MISFIT = { ...MAPPING, rules: [company, personWith({}, { note: { column: 'spare' } })] };
const MAPPINGS = { OTHER, ALTERED, UNWANTED, WIDER, FEWER, MAPPING } as const;
type Name = keyof typeof MAPPINGS;

type Activated = {
  readonly state: string;
  readonly activated?: boolean;
  readonly record: number;
  readonly refused?: number;
  readonly checkpoint: string | null;
};

describe('changeover activate', () => {
  let scene: VerifyScene;

  beforeAll(async () => {
    scene = await VerifyScene.open('embedded', { id: 'activate', seed: 7 });
    await scene.bed.target.query(MORE_TABLES);
    await scene.bed.source.query(`ALTER TABLE person ADD COLUMN spare text, ADD COLUMN unused text; ${ROWS}`);
    await scene.bed.barrier();
    await scene.bed.source.query("UPDATE person SET email = 'nothing good 9506' WHERE id = 9506");
    await scene.bed.barrier();
  }, 240_000);

  afterAll(() => scene[Symbol.asyncDispose](), 60_000);

  const use = (mapping: unknown): Promise<void> => writeFile(scene.settings.mapping as string, JSON.stringify(mapping));
  const rowsOf = async (sql: string): Promise<readonly unknown[]> => (await scene.bed.target.query(sql)).rows as readonly unknown[];
  const activate = async (name: Name, ...words: readonly string[]): Promise<Activated> => {
    await use(MAPPINGS[name]);
    const { code, said } = await scene.run(['activate', '--yes', '--json', ...words]);
    expect({ name, code, said }).toEqual({ name, code: 0, said });
    // How far it was stands behind it.
    return JSON.parse(said.slice(0, said.indexOf('\n}\n') + 2)) as Activated;
  };
  /** Resolves when `changes` tells it. */
  const untilTold = async (isIt: (entry: LogEntry) => boolean): Promise<void> => {
    for await (const items of scene.bed.log.read(scene.bed.changes, null, new AbortController().signal))
      if (items.some((item) => item.type === 'entry' && item.entry.header.last && isIt(item.entry))) return;
  };
  const expectEqual = async (name: Name): Promise<void> => {
    const { code, said } = await scene.command();
    expect({ name, code, said }).toEqual({ name, code: 0, said });
  };

  it('says what would change, and does nothing without --yes', async () => {
    await use(ALTERED);
    expect(await scene.run(['activate'])).toMatchObject({
      code: 1,
      said: expect.stringContaining('nothing was activated: --yes does it') as string,
    });
    expect(await scene.run(['activate', '--dry-run'])).toMatchObject({
      code: 0,
      said: expect.stringMatching(/note: other values in/u) as string,
    });
    await use(MAPPING);
    expect(await scene.run(['activate'])).toMatchObject({ code: 0, said: expect.stringMatching(/is in force, since record/u) as string });
  }, 180_000);

  it('refuses what the rows that are written cannot be taken over to', async () => {
    for (const [mapping, error] of [
      [{ ...MAPPING, tables: { 'public.tag': {} } }, /ACTIVATION_IMPOSSIBLE: .*public\.visit have no key/u],
      [{ ...MAPPING, rules: [company, personWith({ key: ['email'], unique: [] })] }, /(ACTIVATION_IMPOSSIBLE|MAPPING_INVALID): .*/u],
      [
        { ...MAPPING, rules: [company, personWith({}, { rank: { constant: '1' } })] },
        /ACTIVATION_IMPOSSIBLE: .*the new database cannot take its rows: .*rank/u,
      ],
      [{ rules: [{ ...company, source: 'public.nobody' }] }, /MAPPING_INVALID: .*public\.nobody, which is not captured/u],
    ] as const) {
      await use(mapping);
      const { code, said } = await scene.run(['activate', '--yes']);
      expect({ code, said }).toEqual({ code: 1, said: expect.stringMatching(error) as string });
    }
    await use(MAPPING);
  }, 180_000);

  it('writes what differs and no other row, and goes back by the checkpoint that it made', async () => {
    const [before] = (await rowsOf('SELECT xmin::text FROM app.company WHERE id = 950')) as [{ readonly xmin: string }];
    const { checkpoint } = await activate('ALTERED');
    expect(await rowsOf('SELECT note FROM app.person WHERE id = 9501')).toEqual([{ note: 'note' }]);
    expect(await rowsOf('SELECT xmin::text FROM app.company WHERE id = 950')).toEqual([before]);
    await expectEqual('ALTERED');
    expect(await scene.run(['rewind', '--to', checkpoint as string])).toMatchObject({ code: 0 });
    expect(await rowsOf('SELECT note FROM app.person WHERE id = 9501')).toEqual([{ note: 'first' }]);
    await use(MAPPING);
    expect(await scene.run(['activate', '--yes'])).toMatchObject({ code: 1, said: expect.stringContaining('TARGET_PARKED') as string });
    expect(await scene.run(['forward'])).toMatchObject({ code: 0 });
    await activate('MAPPING', '--no-checkpoint');
    await expectEqual('MAPPING');
  }, 300_000);

  it('has no way back by a checkpoint where a table was written in other columns, and what it should hold is known all the same', async () => {
    // One with a column more; then without it again, and without a row that had it.
    for (const name of ['WIDER', 'FEWER'] as const) {
      const { checkpoint } = await activate(name);
      const { code, said } = await scene.run(['rewind', '--to', checkpoint as string]);
      expect({ name, code, said }).toEqual({ name, code: 1, said: expect.stringContaining('REWIND_IMPOSSIBLE: app.person') as string });
    }
    await activate('MAPPING', '--no-checkpoint');
    expect(await scene.run(['checkpoint', 'create', 'after-both', '--read'])).toMatchObject({ code: 0 });
    await expectEqual('MAPPING');
  }, 300_000);

  it('passes by one that does not fit the tables at its record: it is refused, all goes on, and the next one comes into force', async () => {
    const { bed } = scene;
    expect(await bed.process('transform').stop()).toEqual({ code: 0, signal: null });
    // It is planned by what transform remembers, and told behind that.
    await bed.source.query('ALTER TABLE person DROP COLUMN spare');
    await bed.source.query("UPDATE person SET note = 'before' WHERE id = 9501");
    await untilTold((entry) => {
      if (entry.header.kind !== 'schema') return false;
      const { table, previous } = decodeJsonBody('schema', entry);
      return table.table === 'person' && previous !== null && table.columns.every(({ name }) => name !== 'spare');
    });
    await use(MISFIT);
    const following = scene.run(['activate', '--yes', '--no-checkpoint']);
    const hash = mappingHash(parseMapping(MISFIT, CONVERTERS));
    await untilTold((entry) => entry.header.kind === 'mapping-activated' && decodeJsonBody('mapping-activated', entry).hash === hash);
    expect(await scene.run(['status'])).toMatchObject({
      code: 0,
      said: expect.stringContaining(`mapping ${hash.slice(0, 12)} asked for`) as string,
    });
    await bed.start('transform');
    const { code, said } = await following;
    expect({ code, said }).toEqual({
      code: 1,
      said: expect.stringMatching(
        /ACTIVATION_REFUSED: mapping \w+ was refused at record \d+ of changes.*MAPPING_INVALID: .*spare/u,
      ) as string,
    });
    await bed.source.query("UPDATE person SET note = 'after' WHERE id = 9501");
    await bed.barrier();
    expect(await rowsOf('SELECT note FROM app.person WHERE id = 9501')).toEqual([{ note: 'after' }]);
    // Under the mapping in force, whatever the file holds.
    for (const words of [['explain', 'app.person', '9501'], ['count'], ['held', 'list']] as const) {
      const answer = await scene.run(words);
      expect({ words, ...answer }).toMatchObject({ words, code: 0 });
    }
    const status = await scene.run(['status']);
    expect(status.said).toMatch(
      /mapping \w+ in force since record [\d,]+ of changes\n.*refused at record [\d,]+ of changes: MAPPING_INVALID/u,
    );
    expect(status.said).not.toContain('asked for, and not in force');
    await use(MAPPING);
    expect(await scene.run(['activate'])).toMatchObject({ code: 0, said: expect.stringMatching(/is in force, since record/u) as string });
    await expectEqual('MAPPING');
    await activate('ALTERED', '--no-checkpoint');
    await expectEqual('ALTERED');
    await activate('MAPPING', '--no-checkpoint');
    await bed.source.query("UPDATE person SET note = 'first' WHERE id = 9501");
    await bed.barrier();
  }, 300_000);

  it('brings one into force of which the target refuses many rows: each is listed, and the next one leads past them', async () => {
    const { bed } = scene;
    await bed.source.query(
      "INSERT INTO person (id, company_id, email, note) SELECT 20000 + n, 950, 'p' || n || '@example.com', 'kept' FROM generate_series(1, 150) AS n",
    );
    await bed.barrier();
    await bed.target.query("ALTER TABLE app.person ADD CONSTRAINT not_so CHECK (note <> 'unwanted')");
    const REFUSED = 'SELECT count(*)::int AS n FROM changeover.refused WHERE to_seq IS NULL';
    // The target refuses one of the people now and then, whatever the mapping.
    const before = await rowsOf(REFUSED);
    const { activated, refused = 0 } = await activate('UNWANTED', '--no-checkpoint');
    // More than may be refused of any other record.
    expect({ activated, refused: refused > 100 ? 'many' : refused }).toEqual({ activated: true, refused: 'many' });
    expect(await rowsOf(REFUSED)).toEqual([{ n: refused }]);
    expect(await rowsOf("SELECT FROM app.person WHERE note = 'unwanted'")).toEqual([]);
    expect(await scene.run(['status'])).toMatchObject({
      code: 0,
      said: expect.stringContaining(`${countWords(refused)} refused`) as string,
    });
    await activate('MAPPING', '--no-checkpoint');
    expect(await rowsOf(REFUSED)).toEqual(before);
    await bed.target.query('ALTER TABLE app.person DROP CONSTRAINT not_so');
    await expectEqual('MAPPING');
  }, 300_000);

  it.each([
    ['transform.in-derive-all:2', 'OTHER'],
    ['transform.in-activation:1', 'WIDER'],
    ['transform.in-activation:2', 'MAPPING'],
  ] as const)(
    'goes on when transform is killed at %s',
    async (crashAt, name) => {
      const { bed } = scene;
      expect(await bed.process('transform').stop()).toEqual({ code: 0, signal: null });
      const killed = await bed.start('transform', { crashAt });
      // It has read the file of the mapping that is in force.
      await bed.barrier();
      const activating = activate(name, '--no-checkpoint');
      expect(await bed.ended(killed, 120_000)).toEqual({ code: null, signal: 'SIGKILL' });
      await bed.start('transform');
      expect(await activating).toMatchObject({ activated: true });
      await expectEqual(name);
    },
    300_000,
  );

  it('ten mappings come into force one after the other while people write, and all is as a rebuild from the log has it', async () => {
    await scene.letLoose(2, 20);
    // The last one has a column that nobody wrote before. Were it left out again by another one, what it holds would be nobody's.
    for (const name of ['OTHER', 'MAPPING', 'ALTERED', 'OTHER', 'ALTERED', 'MAPPING', 'ALTERED', 'OTHER', 'MAPPING', 'WIDER'] as const) {
      await activate(name, '--no-checkpoint');
      await expectEqual(name);
      if (name !== 'OTHER') continue;
      expect(await rowsOf('SELECT id FROM app.region ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }]);
      expect(await rowsOf('SELECT count(*)::int AS n FROM tag')).toEqual([{ n: 0 }]);
    }
    expect(await scene.calm()).toBeGreaterThan(0);
    expect(await rowsOf('SELECT * FROM app.region')).toEqual([]);
    await expectEqual('WIDER');
    const { code, said } = await scene.run(['rebuild', '--into', 'again']);
    expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining('are equal to the live ones') as string });
  }, 900_000);
});
