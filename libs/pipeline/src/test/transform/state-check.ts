import { RandomIdSource } from '@changeover/core';
import {
  decodeJsonBody,
  HELD_NOW_TABLE,
  parseRows,
  SequencedLog,
  type Line,
  type RecordRef,
  type StateLook,
  type TableSchema,
} from '@changeover/events';
import type { Mapping } from '@changeover/mapping';
import { InMemoryMessageStore, InMemoryStateStore, StateStorage, type MemoryStorage } from '@changeover/testing';

import { RowExplanations } from '../../explain/row-explanations.js';
import { StoredDerivation } from '../../transform/stored-derivation.js';
import { keyText } from '../naive-derivation.js';
import { CONVERTERS } from '../random-rules.js';
import { CHANGES } from './changes-script.js';
import { valuesText } from './definition.js';
import type { FollowedTarget } from './followed-target.js';
import { expectExplained } from './explain-check.js';
import { expectSame } from './same.js';
import { nameOf, type View } from './told-rows.js';

/** A look at what was committed last. */
export function lookAt({ committed, place }: Pick<StateStorage, 'committed' | 'place'>): StateLook {
  const storage = new StateStorage();
  storage.committed = committed;
  storage.place = place;
  const state = new InMemoryStateStore(storage);
  return {
    place,
    isBetween: false,
    entries: (prefix, after) => state.entries(prefix, after),
    draft: () => state.draft(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** That nothing comes of it when every row is derived again from what is remembered, and that this is what the target holds. */
export async function expectFromState(
  mapping: Mapping,
  { changes, state, view }: { readonly changes: MemoryStorage; readonly state: StateStorage; readonly view: View },
  target: FollowedTarget,
): Promise<void> {
  const log = new SequencedLog(new InMemoryMessageStore(changes), new RandomIdSource());
  const fetch = async (ref: RecordRef): Promise<TableSchema> => decodeJsonBody('schema', await log.fetch(CHANGES, ref)).table;
  await expectExplained(mapping, { look: lookAt(state), fetch, view }, target);
  await using derivation = await StoredDerivation.of(lookAt(state), { migration: 'm', mapping, converters: CONVERTERS, fetch });
  await using explanations = await RowExplanations.of(lookAt(state), { migration: 'm', mapping, converters: CONVERTERS, fetch });
  const written = new Map<string, string[]>(derivation.targets.map((table) => [nameOf(table), []]));
  const met = new Set<string>();
  const isNew = (id: string): boolean => met.size !== met.add(id).size;
  const say = (name: string, names: readonly string[], lines: readonly Line[]): void => {
    for (const { bytes, start, end } of lines) {
      const [values] = parseRows(bytes.subarray(start, end + 1));
      written.get(name)?.push(valuesText(Object.fromEntries(names.map((column, place) => [column, values?.[place] ?? null]))));
    }
  };
  for (const { form } of view.values()) {
    if (!derivation.knows(form)) continue;
    const keys = form.columns.flatMap(({ key }, place) => (key ? [place] : []));
    const ids = Array.from(derivation.rows(form), ({ bytes, start, end }) => {
      const fields = bytes.toString('latin1', start, end).split('\t');
      return keys.map((place) => fields[place]).join('\t');
    });
    expectSame(derivation.mirrored(form, ids).length, ids.length);
    const passed = derivation.passedBy(form);
    if (passed !== null)
      say(
        nameOf(passed),
        passed.columns.map(({ name }) => name),
        derivation.mirrored(form, ids),
      );
    // A merged row is met with each of its rows.
    const driven = ids.flatMap((id) => [...derivation.driven(form, id, false)]).filter((row) => isNew(derivation.heldId(row)));
    for (const { table, written: was, again } of derivation.review(driven)) {
      expectSame(textsOf(again), textsOf(was));
      if (table !== HELD_NOW_TABLE)
        say(
          nameOf(table),
          table.columns.map(({ name }) => name),
          was,
        );
    }
    // Those that look these rows up are to stay as they are, too.
    for (const id of ids) {
      const looking = [...derivation.driven(form, id, true)];
      for (const { written: was, again } of derivation.review(looking)) expectSame(textsOf(again), textsOf(was));
      const [key = []] = parseRows(Buffer.from(`${id}\n`, 'latin1'));
      for (const { target: made, rows } of explanations.ofSource(nameOf(form), key as readonly string[]).dependants) {
        const found = looking.filter(({ rule }) => rule.compiled.target === made).map((one) => one.key);
        expectSame({ made, missed: rows.filter((row) => !found.includes(keyText(row.key as readonly string[]))) }, { made, missed: [] });
      }
    }
  }
  for (const table of derivation.targets) {
    const name = nameOf(table);
    const rows = written.get(name) ?? [];
    expectSame({ name, rows: rows.sort() }, { name, rows: [...target.rows(name).values()].sort() });
    expectSame(derivation.count(table), rows.length);
  }
}

function textsOf(lines: readonly Line[]): readonly string[] {
  return lines.map(({ bytes, start, end }) => bytes.toString('utf8', start, end));
}
