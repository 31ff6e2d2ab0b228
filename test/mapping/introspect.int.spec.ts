import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { testDatabase } from '@changeover/testing';

import { compileFiles } from './compile-files.js';

const BIN = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'apps/cli/bin/changeover.mjs');

const SOURCE = `
  CREATE TYPE stage AS ENUM ('NEW', 'IT''S "WON"', E'LO\\\\ST');
  CREATE DOMAIN mail AS varchar(200);
  CREATE TABLE contacts (id bigint PRIMARY KEY, "constructor" text, "a b" mail, stage stage NOT NULL, born date, seen timestamp NOT NULL,
    deleted boolean NOT NULL DEFAULT false, tags text[], data jsonb, price numeric(8,2), code char(3))`;
const TARGET = `
  CREATE SCHEMA crm;
  CREATE TYPE crm.stage AS ENUM ('new', 'won', 'lost');
  CREATE TABLE crm.firm (id bigint PRIMARY KEY);
  CREATE TABLE crm.person (id bigint PRIMARY KEY, firm_id bigint REFERENCES crm.firm, name text NOT NULL, email text UNIQUE, stage crm.stage NOT NULL, born timestamp, data json,
    active boolean NOT NULL DEFAULT true, shown text GENERATED ALWAYS AS (name) STORED)`;

/** As a mapping file would have it, which stands beside the types. */
const MAPPING = `
import { defineMapping, is, mapping } from '@changeover/mapping';
import { email, enumeration, trim } from '@changeover/cleaning';
import type { Source, Target } from './types.js';

const map = mapping<Source, Target>();
const contact = map.from('public.contacts');
export default defineMapping({
  rules: [
    map.table('crm.person', {
      from: contact,
      where: is(contact('deleted'), 'f'),
      columns: {
        ...contact.same('id', 'born', 'data'),
        name: trim(contact('constructor')),
        email: email(contact('a b'), { invalid: 'empty' }),
        stage: enumeration(contact('stage'), { NEW: 'new', 'IT\\'S "WON"': 'won', 'LO\\\\ST': 'lost' }),
      },
      key: ['id'],
      required: ['name'],
      unique: [{ columns: ['email'], otherwise: 'empty' }],
    }),
  ],
});
`;

/** What is written instead, and what the compiler says of it. */
const MISTAKES = [
  ["contact('constructor')", "contact('name')", '"name"'],
  ['stage: enumeration', 'stag: enumeration', 'stag'],
  ["NEW: 'new', ", '', "Property 'NEW' is missing"],
  ["'won'", "'wonn'", '"wonn"'],
  ["required: ['name'],", '', "'null' is not assignable"],
  ["name: trim(contact('constructor')),", '', "Property 'name' is missing"],
  ['email: email(', 'shown: email(', "'undefined'"],
  ["key: ['id']", "key: ['name']", '\'"name"\' is not assignable to type \'"id" | "email"\''],
  ["columns: ['email']", "columns: ['name']", `'"name"' is not assignable`],
  ["required: ['name'],", "required: ['name'], requires: [{ parent: 'crm.person', key: [contact('id')] }],", '"crm.firm"'],
  ['...contact.same(', "active: contact('code'), ...contact.same(", '"t" | "f"'],
] as const;

test('the types of both databases let a mapping be checked by the compiler', async () => {
  await using source = await testDatabase();
  await using target = await testDatabase();
  await (await source.connect()).query(SOURCE);
  await (await target.connect()).query(TARGET);
  const folder = await mkdtemp(join(tmpdir(), 'changeover-introspect-'));
  try {
    const settings = {
      migration: 'm',
      source: { type: 'postgres', url: source.url },
      target: { type: 'postgres', url: target.url },
      mapping: './mapping.ts',
    };
    await writeFile(join(folder, 'changeover.json'), JSON.stringify(settings));
    await promisify(execFile)(process.execPath, [BIN, 'introspect', '--out', 'types.ts'], { cwd: folder });
    const types = await readFile(join(folder, 'types.ts'), 'utf8');
    // All in one go: the compiler reads our own types for every program anew.
    const files = MISTAKES.map(([before, after], index) => [`wrong-${String(index)}.ts`, MAPPING.replace(before, after)] as const);
    const errors = compileFiles({ 'types.ts': types, 'mapping.ts': MAPPING, ...Object.fromEntries(files) });
    expect(errors.filter((error) => !error.startsWith('wrong-'))).toEqual([]);
    for (const [index, [, , problem]] of MISTAKES.entries()) {
      expect(errors.filter((error) => error.startsWith(`wrong-${String(index)}.`)).join('\n')).toContain(problem);
    }
    // What the compiler takes, check takes too.
    await writeFile(join(folder, 'mapping.ts'), MAPPING);
    const { stdout } = await promisify(execFile)(process.execPath, [BIN, 'check'], { cwd: folder });
    expect(stdout).toMatch(/rules for 1 tables of the target[^✗]*born: date → timestamp without time zone[^✗]*ready to start, 1 warning/);
    // The same tables give the same text, and a run does not mind what another wrote.
    await promisify(execFile)(process.execPath, [BIN, 'introspect', '--out', 'types.ts'], { cwd: folder });
    expect(await readFile(join(folder, 'types.ts'), 'utf8')).toBe(types);
  } finally {
    await rm(folder, { recursive: true });
  }
}, 120_000);
