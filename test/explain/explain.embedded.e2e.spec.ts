import { VerifyScene } from '../verify/verify-scene.js';

const ROWS = `
  INSERT INTO company VALUES (950, ' Firm ', 'big');
  INSERT INTO person (id, company_id, email, note, state) VALUES
    (9501, 950, ' A@Example.com', 'first', NULL), (9502, 950, 'a@example.com', NULL, NULL), (9503, 951, NULL, NULL, NULL),
    (9504, 950, 'no address', NULL, NULL), (9505, 950, NULL, NULL, 'gone'), (9506, 950, 'kept@example.com', NULL, NULL),
    (9507, 950, NULL, 'refused', NULL);
  INSERT INTO person (id, company_id, boss_id) VALUES (9508, 950, 9503), (9509, NULL, NULL);
  INSERT INTO tag VALUES (9501, 'x''y', 1.5);
`;

/** Each starts a command or more. */
const PATIENCE_MS = 120_000;

describe('changeover explain', () => {
  let scene: VerifyScene;

  beforeAll(async () => {
    scene = await VerifyScene.open('embedded', { id: 'explain', seed: 7 });
    await scene.bed.source.query(ROWS);
    await scene.bed.barrier();
    await scene.bed.source.query("UPDATE person SET email = 'nothing good' WHERE id = 9506");
    await scene.bed.barrier();
    // What transform remembers is committed a little later.
    await scene.bed.until(
      async () => (await scene.run(['explain', 'public.person', '9506'])).said.includes('an earlier version stands'),
      'what transform remembers',
    );
  }, 120_000);

  afterAll(() => scene[Symbol.asyncDispose](), 60_000);

  const explain = async (...words: readonly string[]): Promise<string> => {
    const { code, said } = await scene.run(['explain', ...words]);
    expect({ code, said: code === 0 ? '' : said }).toEqual({ code: 0, said: '' });
    return said;
  };

  it(
    'tells of a row of the target which rows, records and rules made each column',
    async () => {
      const said = await explain('app.person', '9501');
      expect(said).toMatch(/^app\.person 9501: it stands in the new database$/mu);
      expect(said).toMatch(/^ {2}from +public\.person 9501 +changed last with record \d+ of changes at 20\d\d-/mu);
      expect(said).toMatch(/^ {2}firm +public\.company 950 +changed last with record \d+/mu);
      expect(said).toMatch(/^ {2}where not\(is\(state, 'gone'\)\): yes \(state = null\)$/mu);
      expect(said).toMatch(/^ {2}email +"A@example\.com" += email\(email\) +email = " A@Example\.com"$/mu);
      expect(said).toMatch(/^ {2}company_kind +"big" += firm\.kind$/mu);
      expect(said).toMatch(/^ {2}needs the row of app\.company from public\.company 950: it is there$/mu);
      expect(said).toMatch(/^as transform had it at record \d+ of changes, under mapping [0-9a-f]{12}$/mu);
      expect(said).not.toContain('!');
    },
    PATIENCE_MS,
  );

  it.each([
    ['9502', /better right|it stands/u],
    ['9503', /waits for a row that it needs[^]*needs the row of app\.company from public\.company 951: the old database has no such row/u],
    ['9504', /it is held \(email: not an e-mail address\); nothing of it[^]*email +! not an e-mail address +=/u],
    ['9505', /the rule leaves it out[^]*where [^]*: no \(state = "gone"\)/u],
    ['9506', /it is held \(email: not an e-mail address\); an earlier version stands[^]*\("kept@example\.com" stands\)/u],
    ['9507', /it should stand in the new database, which refuses it[^]*the new database refuses it: /u],
    ['9508', /needs the row of app\.person from public\.person 9503: it is not there: changeover explain --source public\.person 9503/u],
    ['9509', /it is held \(company_id: empty\)/u],
    ['9999', /the old database does not have its row[^]*had no such row at record/u],
  ])(
    'tells what became of the row of the source %s',
    async (key, words) => {
      expect(await explain('public.person', key)).toMatch(words);
    },
    PATIENCE_MS,
  );

  it(
    'tells of a row that is only looked up by which it is',
    async () => {
      const said = await explain('public.company', '950');
      expect(said).toMatch(/^app\.company 950: it stands[^]*name +"Firm" += trim\(name\) +name = " Firm "/mu);
      expect(said).toMatch(/^looked up as firm by 7 of app\.person: public\.person 9501, /mu);
    },
    PATIENCE_MS,
  );

  it(
    'tells of a table that goes over as it is, of either end',
    async () => {
      expect(await explain('tag', '9501', "x'y")).toMatch(/^public\.tag 9501 'x'\\''y': it goes over as it is$/mu);
      expect(await explain('tag', '9501', "x'y", '--source')).toMatch(/from +public\.tag 9501/u);
    },
    PATIENCE_MS,
  );

  it(
    'tells machines the same',
    async () => {
      const told = JSON.parse(await explain('public.person', '9504', '--json')) as {
        readonly rows: readonly {
          readonly outcome: string;
          readonly columns: readonly { readonly column: string; readonly problem: string | null }[];
        }[];
        readonly events: readonly { readonly seq: number; readonly kind: string; readonly ts_ms: number }[];
      };
      expect(told.rows.map(({ outcome }) => outcome)).toEqual(['held']);
      expect(told.rows[0]?.columns.find(({ column }) => column === 'email')?.problem).toBe('not an e-mail address');
      expect(told.events.map(({ kind }) => kind)).toContain('transaction');
    },
    PATIENCE_MS,
  );

  it(
    'accounts for every row of the old database',
    async () => {
      const { code, said } = await scene.run(['count', '--json']);
      expect({ code, said: code === 0 ? '' : said }).toEqual({ code: 0, said: '' });
      const { tables } = JSON.parse(said) as { readonly tables: readonly Readonly<Record<string, string | number | null>>[] };
      const one = async (sql: string, end: 'source' | 'target'): Promise<number> =>
        ((await scene.bed[end].query(`SELECT count(*)::int AS n FROM ${sql}`)).rows[0] as { readonly n: number }).n;
      const heldOf = (table: string, which: string): Promise<number> =>
        one(`changeover.held WHERE target = '${table}' AND ${which}`, 'target');
      for (const [source, target, filter] of [
        ['public.company', 'app.company', 'false'],
        ['public.person', 'app.person', `state = 'gone'`],
        ['public.tag', 'public.tag', 'false'],
      ] as const) {
        const refused = await one(`changeover.refused WHERE to_seq IS NULL AND table_schema || '.' || table_name = '${target}'`, 'target');
        const [held, kept] = [await heldOf(target, `state = 'held' AND NOT kept`), await heldOf(target, 'kept')];
        const told = tables.find((table) => table['source'] === source);
        expect(told).toMatchObject({
          ...{ target, held, kept, refused, lost: 0 },
          candidates: await one(source, 'source'),
          waiting: await heldOf(target, `state = 'waiting'`),
          filtered: await one(`${source} WHERE ${filter}`, 'source'),
        });
        // Of a refused row an earlier version may stand.
        const standing = await one(target, 'target');
        expect(Math.abs((told?.['written'] as number) + kept - standing)).toBeLessThanOrEqual(refused);
      }
      expect((await scene.run(['count'])).said).toMatch(/old table[^]*app\.person[^]*as transform had them at record/u);
    },
    PATIENCE_MS,
  );

  it(
    'says what is wrong with what it is asked for',
    async () => {
      for (const [words, error] of [
        [['app.nobody', '1'], /BAD_SETTINGS: nothing is made of or into a table app\.nobody; there are app\.company, app\.person, /u],
        [['tag', '9501'], /BAD_SETTINGS: a row of public\.tag is named by person_id, label: a word for each/u],
      ] as const) {
        const { code, said } = await scene.run(['explain', ...words]);
        expect({ code, said }).toEqual({ code: 1, said: expect.stringMatching(error) as string });
      }
      expect(await explain('app.person', '123456')).toMatch(/nothing makes this row|does not have its row/u);
    },
    PATIENCE_MS,
  );
});
