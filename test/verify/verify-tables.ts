import type { Decision } from '@changeover/events';
import type { Random } from '@changeover/example-crm';
import type pg from 'pg';

/** What rules do with rows: join, wait, hold back and keep, share unique values, pass by with a key and without. Of regions nothing is made. */
export const SOURCE = `
  CREATE TABLE company (id int PRIMARY KEY, name text, kind text);
  CREATE TABLE person (id int PRIMARY KEY, company_id int, boss_id int, email text, amount text, since timestamptz, profile jsonb, note text, state text);
  CREATE TABLE tag (person_id int, label text, weight numeric(6,3), PRIMARY KEY (person_id, label));
  CREATE TABLE visit (at timestamptz, line text);
  ALTER TABLE visit REPLICA IDENTITY FULL;
  CREATE TABLE region (id int PRIMARY KEY, name text);
`;

export const TARGET = `
  CREATE SCHEMA app;
  CREATE TABLE app.company (id int PRIMARY KEY, name varchar(60) NOT NULL);
  CREATE TABLE app.person (
    id bigint PRIMARY KEY, company_id int NOT NULL REFERENCES app.company, boss_id bigint REFERENCES app.person, company_kind char(8), email text UNIQUE,
    amount numeric(12,3), since timestamptz(3), profile jsonb, note text CHECK (note <> 'refused'), number bigint);
  CREATE TABLE public.tag (person_id int, label text, weight numeric(8,4), PRIMARY KEY (person_id, label));
  CREATE TABLE public.visit (at timestamptz, line text);
`;

export const MAPPING = {
  tables: { 'public.tag': {}, 'public.visit': {} },
  rules: [
    {
      source: 'public.company',
      target: 'app.company',
      columns: { id: { column: 'id' }, name: { convert: 'trim', input: { column: 'name' }, invalid: 'held' } },
      key: ['id'],
      required: ['name'],
    },
    {
      source: 'public.person',
      target: 'app.person',
      joins: [{ as: 'firm', table: 'public.company', on: { id: { column: 'company_id' } } }],
      where: { not: { is: { column: 'state' }, in: ['gone'] } },
      columns: {
        id: { column: 'id' },
        company_id: { column: 'company_id' },
        boss_id: { column: 'boss_id' },
        company_kind: { column: 'kind', of: 'firm' },
        email: { convert: 'email', input: { column: 'email' }, invalid: 'held' },
        amount: { column: 'amount' },
        since: { column: 'since' },
        profile: { column: 'profile' },
        note: { column: 'note' },
        number: { allocated: 'address', start: 1000, step: 2, input: { column: 'email' } },
      },
      key: ['id'],
      required: ['company_id'],
      requires: [
        { parent: 'app.company', key: [{ column: 'company_id' }] },
        { parent: 'app.person', key: [{ column: 'boss_id' }] },
      ],
      unique: [{ columns: ['email'], otherwise: 'held' }],
      validate: [
        { name: 'usual amount', column: 'amount', range: 'number', from: '0', to: '10', severity: 'hold' },
        { name: 'no tabs', column: 'note', rejects: '\t', severity: 'hold' },
      ],
      whileHeld: 'last',
    },
  ],
};

const [PEOPLE, COMPANIES, ADDRESSES] = [60, 8, 40];

type Cell = string | number | null;
type Statement = readonly [text: string, values: readonly Cell[]];

/** What one user does next: any of it may find nothing to do. */
function someWork(random: Random): readonly Statement[] {
  const person = (): number => random.integer(1, PEOPLE);
  const company = (): number => random.integer(1, COMPANIES);
  const email = (): Cell =>
    random.oneIn(10) ? 'no address' : random.oneIn(8) ? null : `p${String(random.integer(1, ADDRESSES))}@Example.com`;
  const note = (): Cell => random.pick<Cell>(['', null, 'x', 'tab\tbed', 'refused', 'large '.repeat(700), 'ü€😀\\']);
  const values = (): readonly Cell[] => [
    company(),
    random.oneIn(3) ? person() : null,
    email(),
    random.pick<Cell>(['1.5', '1.50', '-0', '12', null, '0.001']),
    random.pick(['2024-02-29 10:00:00+02', '2021-12-31 23:59:59.123456+00']),
    random.pick<Cell>(['{"b": 1, "a": [1, 2]}', '{}', null]),
    note(),
    random.pick<Cell>(['ok', 'gone', null]),
  ];
  const put = `INSERT INTO person VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO UPDATE SET company_id = excluded.company_id, boss_id = excluded.boss_id,
    email = excluded.email, amount = excluded.amount, since = excluded.since, profile = excluded.profile, note = excluded.note, state = excluded.state`;
  const works: readonly (() => readonly Statement[])[] = [
    () => [[put, [person(), ...values()]]],
    () => [[put, [person(), ...values()]]],
    () => [['UPDATE person SET email = $2 WHERE id = $1', [person(), email()]]],
    () => [['UPDATE person SET email = $2 WHERE id = $1', [person(), email()]]],
    () => [['UPDATE person SET amount = $2, note = $3 WHERE id = $1', [person(), '7.25', note()]]],
    () => [['UPDATE person SET state = $2 WHERE id = $1', [person(), random.pick(['ok', 'gone'])]]],
    () => [['DELETE FROM person WHERE id = $1', [person()]]],
    () => [['UPDATE person SET id = $2 WHERE id = $1 AND NOT EXISTS (SELECT FROM person WHERE id = $2)', [person(), person()]]],
    () => [
      [
        'INSERT INTO company VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind',
        [company(), random.pick([' Acme ', 'Initech', 'Ümlaut']), random.pick<Cell>(['big', 'small', null])],
      ],
    ],
    () => [['DELETE FROM company WHERE id = $1 AND id > 5', [company()]]],
    () => [
      [
        'INSERT INTO tag VALUES ($1, $2, $3) ON CONFLICT (person_id, label) DO UPDATE SET weight = excluded.weight',
        [person(), random.pick(['a', 'b', ' ']), random.pick(['1', '1.500', '0.125'])],
      ],
    ],
    () => [['DELETE FROM tag WHERE person_id = $1', [person()]]],
    () => [['INSERT INTO visit VALUES ($1, $2)', ['2024-01-01', random.pick(['x', 'y', ''])]]],
    () => [['DELETE FROM visit WHERE ctid = (SELECT min(ctid) FROM visit)', []]],
  ];
  return Array.from({ length: random.integer(1, 3) }, () => random.pick(works)()).flat();
}

/** Commits as fast as it goes, or with a pause between two, until it is told to stop. Unique values and locks of others roll some of it back. */
export async function writeOn(client: pg.Client, random: Random, stopping: () => boolean, pauseMs = 0): Promise<number> {
  let committed = 0;
  while (!stopping()) {
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    try {
      await client.query('BEGIN');
      for (const [text, values] of someWork(random)) await client.query(text, [...values]);
      await client.query('COMMIT');
      committed++;
    } catch (error) {
      if (!/^(40P01|40001|23505)$/.test((error as { readonly code?: string }).code ?? '')) throw error;
      await client.query('ROLLBACK');
    }
  }
  return committed;
}

/** What was decided, by the id that it has since. */
type Standing = Exclude<Decision, { what: 'withdraw' }> & { readonly id: string };

function withdrawalOf(standing: Standing): Decision {
  const { id, table, key, column, from } = standing;
  const accepted = standing.what === 'accept' ? { target: standing.target, rule: standing.rule } : {};
  return { what: 'withdraw', id, table, key, column, from, ...accepted };
}

/** Between two requests of an operator. */
const DECIDE_MS = 100;

/** Corrections of what users write, and of what makes rows held or refused, and rows taken as they are; some are never in force, some are taken back. */
function someDecision(random: Random, standing: readonly Standing[]): Decision {
  if (standing.length > 0 && random.oneIn(3)) {
    return withdrawalOf(random.pick(standing));
  }
  const person = (column: string, from: string | null, to: string | null) => {
    return { what: 'correct' as const, table: 'public.person', key: String(random.integer(1, PEOPLE)), column, from, to, why: null };
  };
  const accept = (rule: string, column: string, from: string): Decision => {
    const row = { table: 'public.person', key: String(random.integer(1, PEOPLE)), target: 'app.person' };
    return { what: 'accept', ...row, rule, column, from, why: null };
  };
  const address = (): string => `p${String(random.integer(1, ADDRESSES))}@Example.com`;
  return random.pick<() => Decision>([
    () => person('email', 'no address', random.pick([address(), 'none either', null])),
    () => person('email', address(), address()),
    () => person('note', 'refused', 'tab\tbed'),
    () => accept('usual amount', 'amount', '12'),
    () => accept('usual amount', 'amount', '12'),
    () => accept('no tabs', 'note', 'tab\\tbed'),
    () => person('state', 'gone', 'ok'),
    () => person('boss_id', String(random.integer(1, PEOPLE)), null),
    () => person('company_id', String(random.integer(1, COMPANIES)), '1'),
    () => ({ ...person('kind', random.pick(['big', null]), 'small'), table: 'public.company', key: String(random.integer(1, COMPANIES)) }),
  ])();
}

/** An operator who decides something now and then, until he is told to stop. `submit` gives the request's id. */
export async function decideOn(
  submit: (decisions: readonly Decision[]) => Promise<string>,
  random: Random,
  stopping: () => boolean,
): Promise<void> {
  const standing: Standing[] = [];
  while (!stopping()) {
    const decisions = Array.from({ length: random.integer(1, 3) }, () => someDecision(random, standing));
    const requestId = await submit(decisions);
    decisions.forEach((decision, place) => {
      if (decision.what !== 'withdraw') standing.push({ ...decision, id: `${requestId}.${String(place + 1)}` });
    });
    await new Promise((resolve) => setTimeout(resolve, DECIDE_MS));
  }
}
