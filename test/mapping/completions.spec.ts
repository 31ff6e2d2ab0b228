import { join } from 'node:path';

import ts from 'typescript';

import { OPTIONS, ROOT } from './compile-files.js';

/** As introspection writes it, and a rule in which somebody is about to choose what stands at each ¶. */
const FILE = `
import { is, mapping, type Text } from '@changeover/mapping';

type Source = {
  'public.contacts': { row: { id: string; last_name: string; stage: 'NEW' | 'WON' }; key: ['id']; unique: never };
};
type Target = {
  'crm.account': { row: { id: string }; key: ['id']; unique: never };
  'crm.person': {
    row: { id: string; family_name: string; born?: Text<'date'> | null; email?: string | null; shown?: never };
    key: ['id'] | ['email'];
    unique: ['email'];
    references: { 'crm.account': ['id'] };
  };
};

const map = mapping<Source, Target>();
const contact = map.from('public.¶');
const row = map.from('public.contacts');
map.table('crm.person', {
  from: row,
  where: is(row('stage'), '¶'),
  columns: { id: row('¶'), ¶ },
  key: ['¶'],
  unique: [{ columns: ['¶'], otherwise: '¶' }],
  requires: [{ parent: '¶', key: [row('id')] }],
});
`;

const PARTS = FILE.split('¶');
const TEXT = PARTS.join('');
const PLACES = PARTS.slice(1).map((_, index) => PARTS.slice(0, index + 1).join('').length);

/** What an editor offers at each of them. */
function completions(): readonly (readonly string[])[] {
  const path = join(ROOT, 'rule-in-hand.ts');
  const host: ts.LanguageServiceHost = {
    getCompilationSettings: () => OPTIONS,
    getScriptFileNames: () => [path],
    getScriptVersion: () => '1',
    getScriptSnapshot: (name) => {
      const text = name === path ? TEXT : ts.sys.readFile(name);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => ROOT,
    getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
    fileExists: (name) => name === path || ts.sys.fileExists(name),
    readFile: (name) => (name === path ? TEXT : ts.sys.readFile(name)),
  };
  const service = ts.createLanguageService(host);
  return PLACES.map((place) => (service.getCompletionsAtPosition(path, place, {})?.entries ?? []).map(({ name }) => name).sort());
}

test('an editor offers the tables, columns, keys and parents that there are', () => {
  const [tables, labels, columns, written, key, unique, otherwise, parent] = completions();
  expect({ tables, labels, columns, key, unique, otherwise, parent }).toEqual({
    tables: ['public.contacts'],
    labels: ['NEW', 'WON'],
    columns: ['id', 'last_name', 'stage'],
    key: ['email', 'id'],
    unique: ['email'],
    otherwise: ['empty', 'held'],
    parent: ['crm.account'],
  });
  expect(written).toEqual(expect.arrayContaining(['born', 'email', 'family_name']));
}, 120_000);
