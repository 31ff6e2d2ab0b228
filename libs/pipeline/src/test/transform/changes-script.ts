import { RandomIdSource } from '@changeover/core';
import {
  encodeFrameHeader,
  encodeJsonBody,
  formatRows,
  SequencedLog,
  type CopyProgress,
  type Decision,
  type LastPartFacts,
  type LogWriter,
  type ProgressBody,
  type RecordPart,
  type RecordRef,
  type TableSchema,
} from '@changeover/events';
import { isReference, mappingHash, parseMapping, type Mapping } from '@changeover/mapping';
import { InMemoryMessageStore, MemoryStorage, positionAt } from '@changeover/testing';

import { changeWithoutRowEvents } from '../../schema-change.js';
import type { Change, RowChange } from '../random-changes.js';
import { CONVERTERS } from '../random-rules.js';
import type { Choices } from './choices.js';
import { isSameDecision, type Decided, type Place } from './decided.js';
import { Definition } from './definition.js';
import { LiveTable } from './live-table.js';
import type { MigrationCensus } from './migration-census.js';
import { NOW, type Alteration, type DecisionStep, type Migration, type SourceStep } from './random-migration.js';
import { nameOf, ToldRows, type RowTold, type View } from './told-rows.js';

export const CHANGES = 'm.changes';

/** Rows of one table and operation, before they become a frame. */
type Run = { readonly form: TableSchema; readonly rows: readonly RowTold[] } | { readonly form: TableSchema; readonly truncated: true };

type Copy = {
  since: number;
  /** The row read last, by its key. */
  after: string | null;
  again: Set<string>;
  ended: boolean;
  /** Its mark has come by. */
  placed: boolean;
  /** Its table is captured no longer. */
  left?: true;
};

/**
 * Writes `changes` as a correct capture of this source may: where the source leaves it open, `choices` decide. What the log says after each record
 * is kept beside it, computed from the rows that were told, not from the log.
 */
export class ChangesScript {
  readonly storage = new MemoryStorage();
  /** By sequence. */
  readonly places = new Map<number, Place>();
  /** By sequence, the mappings that were activated. */
  readonly mappings = new Map<number, Mapping>();
  /** Sequences of those that cannot come into force. */
  readonly misfits = new Set<number>();
  /** The one in force. */
  mapping: Mapping;
  readonly #log = new SequencedLog(new InMemoryMessageStore(this.storage), new RandomIdSource());
  readonly #migration: Migration;
  readonly #choices: Choices;
  readonly #census: MigrationCensus;
  /** Of the mapping in force. */
  #definition: Definition;
  readonly #tables = new Map<string, LiveTable>();
  readonly #told = new ToldRows();
  readonly #forms = new Map<string, RecordRef>();
  readonly #latest = new Map<string, { readonly form: TableSchema; readonly ref: RecordRef }>();
  readonly #copies = new Map<string, Copy>();
  /** Forms that were told before the source has come to them in its stream: until then nothing of their tables can be copied. */
  readonly #ahead = new Set<string>();
  /** Tables that are captured no longer. */
  readonly #away = new Set<string>();
  /** The source has done something that the log does not say yet. */
  #onItsWay = false;
  #writer: LogWriter | null = null;
  #position = 0;
  #time = 1_700_000_000_000;
  #whole: { readonly text: string; readonly ref: RecordRef } | null = null;
  #progressRef: RecordRef | undefined;
  /** The one told last. */
  #mapping: string | null = null;
  /** Everything has been derived once. */
  #isFollowed = false;
  #barriers = 0;
  #decided: readonly Decided[];
  #requests = 0;

  /** `already`: what is there, and was decided. */
  constructor(
    migration: Migration,
    choices: Choices,
    census: MigrationCensus,
    already: { readonly tables: Iterable<LiveTable>; readonly decided: readonly Decided[] } = { tables: [], decided: [] },
  ) {
    this.#migration = migration;
    this.mapping = migration.mapping;
    this.#definition = new Definition(migration);
    this.#choices = choices;
    this.#census = census;
    this.#decided = already.decided;
    for (const table of already.tables) this.#tables.set(table.spec.name, table);
  }

  /** As the source has them now. */
  get tables(): Iterable<LiveTable> {
    return this.#tables.values();
  }

  /** What stands of what was decided. */
  get decided(): readonly Decided[] {
    return this.#decided;
  }

  /** The last record's sequence. */
  get last(): number {
    return this.#seq;
  }

  async write(): Promise<void> {
    await this.#start();
    const steps = [...this.#migration.steps];
    while (steps.length > 0 || this.#copies.size > 0 || this.#away.size > 0) {
      for (const name of steps.length === 0 ? this.#away : []) await this.#comeBack(name);
      const copy = this.#choose([...this.#copies].filter(([name, { left }]) => left !== true && !this.#ahead.has(name)));
      if (copy !== null && (steps.length === 0 || this.#choices.below(9) > 4)) await this.#copyOn(...copy);
      else await this.#step(steps.shift() as SourceStep, steps);
      for (const table of steps.length === 0 ? this.#tables.values() : [])
        if (!this.#away.has(table.spec.name)) await this.#tellForm(table);
      await this.#noise();
    }
    await this.#progress();
  }

  async #start(): Promise<void> {
    const { tables, before, mapping } = this.#migration;
    for (const spec of tables) if (!this.#tables.has(spec.name)) this.#tables.set(spec.name, new LiveTable(spec));
    for (const change of before) this.#table(change).change(change);
    const keyless = [...this.#tables.values()].filter(({ isKeyed, rows }) => !isKeyed && rows.length > 0);
    this.#onItsWay = true;
    await this.#fence('preparing');
    if (this.#choices.oneIn(6)) await this.#fence('preparing');
    for (const table of this.#tables.values())
      if (table.rows.length > 0 && table.isKeyed && !isReference(table.spec.name)) this.#beginCopy(table.spec.name);
    await this.#progress();
    for (const table of this.#tables.values()) await this.#tell(table.form, table.rows.length === 0, true);
    for (const table of this.#tables.values()) if (isReference(table.spec.name)) await this.#recordAll(table);
    this.#onItsWay = keyless.length > 0;
    const decided = this.#decided;
    this.#decided = [];
    if (decided.length > 0) await this.#decide(decided.map(({ id: _, seq: _seq, ms: _ms, ...decision }) => decision));
    await this.#noise();
    await this.#activate(mapping);
    // They cannot be copied: as if they came only now.
    const runs = this.#runs(
      keyless.flatMap((table) => table.rows.map((after) => ({ table, change: { op: 'c' as const, before: null, after } }))),
    );
    this.#onItsWay = false;
    if (runs.length > 0) await this.#rows('transaction', runs, { pos: positionAt(++this.#position), ts_ms: this.#now() }, []);
  }

  async #step(step: SourceStep, coming: readonly SourceStep[]): Promise<void> {
    switch (step.do) {
      case 'transaction':
        await this.#transaction(step.changes, coming[0]);
        return;
      case 'alter':
        await this.#alter(step.alteration);
        return;
      case 'create':
        await this.#create(step.rows);
        return;
      case 'decide':
        await this.#decide(step.decisions.flatMap((one) => this.#decisionsOf(one)));
        return;
      case 'activate': {
        const { mapping, other } = this.#migration;
        const another = this.mapping === mapping ? other : mapping;
        if (this.#isFollowed && this.#choices.oneIn(3)) await this.#activateMisfit(another);
        await this.#activate(another);
        return;
      }
      case 'barrier': {
        const requestId = `barrier-${String(++this.#barriers)}`;
        const body = encodeJsonBody('barrier', { requestId, token: requestId });
        const part: RecordPart = { kind: 'barrier', body, last: true, facts: { ...this.#facts(), ts_ms: this.#now() } };
        await this.#append([part, this.#progressPart()]);
      }
    }
  }

  async #activate(mapping: Mapping): Promise<void> {
    this.mapping = mapping;
    this.#definition = new Definition({ ...this.#migration, mapping });
    this.mappings.set(this.#seq + 1, mapping);
    await this.#tellActivation(mapping);
  }

  /** Of a mapping that reads what is not there. */
  async #activateMisfit({ tables, rules: fitting }: Mapping): Promise<void> {
    const known = [...this.#tables.values()].filter(
      ({ isKeyed, spec: { name } }) => isKeyed && !isReference(name) && this.#latest.has(name),
    );
    const source = this.#choices.of(['public.nobody', ...known.map(({ spec }) => spec.name)]);
    const columns = { id: { column: 'gone' } };
    const mapping = parseMapping({ tables, rules: [...fitting, { source, target: 'crm.misfit', columns, key: ['id'] }] }, CONVERTERS);
    this.misfits.add(this.#seq + 1);
    await this.#tellActivation(mapping);
  }

  async #tellActivation(mapping: Mapping): Promise<void> {
    this.#mapping = mappingHash(mapping);
    const body = encodeJsonBody('mapping-activated', { requestId: 'activate', hash: this.#mapping, mapping });
    await this.#append([{ kind: 'mapping-activated', body, last: true, facts: this.#facts() }, this.#progressPart()]);
  }

  #decisionsOf(step: DecisionStep): readonly Decision[] {
    if (step.how === 'withdraw') {
      const meant = this.#decided.filter(({ what }) => what === step.what);
      const standing = meant.length > 0 ? meant : this.#decided;
      const decided = standing[step.correction % Math.max(1, standing.length)];
      if (decided === undefined) return [];
      const { id, table, key, column, from } = decided;
      const accepted = decided.what === 'accept' ? { target: decided.target, rule: decided.rule } : {};
      return [{ what: 'withdraw', id, table, key, column, from, ...accepted }];
    }
    if (step.how === 'accept') {
      const view = new Map([...this.#tables].map(([name, { form, rowsByKey: rows }]) => [name, { form, rows }]));
      const found = this.#definition.acceptable({ view, decided: this.#decided });
      const first = step.row % Math.max(1, found.length);
      const wanted = [...found.slice(first), ...found.slice(0, first)].slice(0, step.rows);
      return wanted.map((one) => ({ ...one, why: step.now ? 'so it is' : null, from: step.now ? one.from : 'other' }));
    }
    const { table: name, column, to } = step;
    const table = this.#tables.get(name);
    const row = table?.isKeyed === true ? table.rows[step.row % Math.max(1, table.rows.length)] : undefined;
    if (table === undefined || row === undefined) return [];
    const from = step.from === NOW ? (row[table.form.columns.findIndex((one) => one.name === column)] ?? null) : step.from;
    return [{ what: 'correct', table: name, key: table.keyOf(row), column, from, to, why: to === null ? 'so it is' : null }];
  }

  async #decide(decisions: readonly Decision[]): Promise<void> {
    const requestId = `request-${String(++this.#requests)}`;
    const ts_ms = this.#now();
    decisions.forEach((decision, index) => {
      if (decision.what === 'withdraw') {
        const id = (one: Decided): boolean => one.id === decision.id;
        const withdrawn = this.#decided.find(id)?.what;
        this.#census.saw('correction withdrawn', withdrawn === 'correct');
        this.#census.saw('acceptance withdrawn', withdrawn === 'accept');
        this.#decided = this.#decided.filter((one) => !id(one));
        return;
      }
      const said = { id: `${requestId}.${String(index + 1)}`, seq: this.#seq + 1, ms: ts_ms };
      this.#decided = [...this.#decided.filter((one) => !isSameDecision(one, decision)), { ...decision, ...said }];
    });
    const body = encodeJsonBody('correction', { requestId, decisions });
    await this.#append([{ kind: 'correction', body, last: true, facts: { ...this.#facts(), ts_ms } }, this.#progressPart()]);
  }

  /** What capture does by itself, whenever. */
  async #noise(): Promise<void> {
    if (this.#choices.oneIn(6)) await this.#progress();
    if (this.#choices.oneIn(10)) await this.#restart();
  }

  async #transaction(changes: readonly Change[], next: SourceStep | undefined): Promise<void> {
    if (next?.do === 'alter' && this.#choices.oneIn(3)) await this.#tellAhead(next.alteration);
    const [ofTarget, ofSource] = [true, false].map((is) => changes.filter(({ table }) => isReference(table) === is)) as [
      Change[],
      Change[],
    ];
    for (const change of ofTarget) await this.#refresh(this.#table(change), change);
    const done: { readonly table: LiveTable; readonly change: RowChange }[] = [];
    for (const change of ofSource) {
      const table = this.#tables.get(change.table);
      for (const one of table?.change(change) ?? [])
        if (!this.#away.has(change.table)) done.push({ table: table as LiveTable, change: one });
    }
    if (done.length === 0) return;
    if (done.some(({ table }) => !table.isKeyed)) this.#census.saw('rows without a key');
    this.#onItsWay = true;
    const runs = this.#runs(this.#reordered(done));
    const tables = new Set(done.map(({ table }) => table));
    if (this.#choices.oneIn(8)) await this.#abandon('transaction', runs, tables);
    for (const table of tables) await this.#tellForm(table);
    this.#position++;
    const facts = {
      pos: positionAt(this.#position),
      txId: String(700 + this.#position),
      ts_ms: this.#now(),
      ...(this.#choices.oneIn(8) ? { origin: 'elsewhere' } : {}),
    };
    this.#onItsWay = false;
    await this.#rows('transaction', runs, facts, []);
    for (const run of runs) this.#moved(run);
  }

  /** All rows of a table of the target, in one record or in two. */
  async #recordAll(table: LiveTable): Promise<void> {
    const runs = table.rows.map((now): Run => ({ form: table.form, rows: [{ op: 'c', before: 'none', old: null, now }] }));
    const first = this.#choices.oneIn(2) ? this.#choices.below(runs.length + 1) : 0;
    if (first > 0) await this.#record(table, runs.slice(0, first), { more: true });
    await this.#record(table, runs.slice(first));
  }

  /** Rows of the target are read again: what changed there is told as it is, not how it came to be so. */
  async #refresh(table: LiveTable, change: Change): Promise<void> {
    const { form } = table;
    if (change.how === 'truncate') return;
    const runs = table.change(change).flatMap(({ op, ...rows }): readonly Run[] => {
      const { before, after } = { before: null, after: null, ...rows };
      const key = before?.map((value, place) => (form.columns[place]?.key === true ? value : undefined)) ?? null;
      const isGone = before !== null && (after === null || table.keyOf(before) !== table.keyOf(after));
      return [
        ...(isGone ? [{ form, rows: [{ op: 'd' as const, before: 'key' as const, old: key, now: null }] }] : []),
        ...(after === null || op === 't' ? [] : [{ form, rows: [{ op: 'c' as const, before: 'none' as const, old: null, now: after }] }]),
      ];
    });
    this.#census.saw('rows of the target recorded anew', runs.length > 0);
    if (runs.length > 0) await this.#record(table, runs);
  }

  async #record({ form }: LiveTable, runs: readonly Run[], more: { readonly more?: true } = {}): Promise<void> {
    const named = runs.length === 0 ? [{ form, rows: [] }] : runs;
    await this.#rows('reference-data', named, { ts_ms: this.#now(), ...more }, [this.#progressPart()]);
  }

  /** The order of rows of different tables is nobody's. */
  #reordered<T extends { readonly table: LiveTable }>(done: readonly T[]): readonly T[] {
    const how = this.#choices.below(3);
    if (how === 0) return done;
    const queues = [...new Set(done.map(({ table }) => table))].map((table) => done.filter((one) => one.table === table));
    if (how === 1) return queues.toReversed().flat();
    const mixed: T[] = [];
    for (let left = queues; left.length > 0; left = left.filter((queue) => queue.length > 0))
      mixed.push(...(left[this.#choices.below(left.length)] as T[]).splice(0, 1));
    return mixed;
  }

  #runs(done: readonly { readonly table: LiveTable; readonly change: RowChange }[]): readonly Run[] {
    return done.map(({ table: { form, spec }, change }): Run => {
      if (change.op === 't') return { form, truncated: true };
      const key = (place: number): boolean => form.columns[place]?.key === true;
      const { op, before, after } = change;
      const moved = op === 'u' && before.some((value, place) => key(place) && value !== after[place]);
      const tells = op === 'c' ? 'none' : spec.identity === 'full' ? 'full' : op === 'd' || moved ? 'key' : 'none';
      const old =
        tells === 'none' || before === null ? null : before.map((value, place) => (tells === 'full' || key(place) ? value : undefined));
      const large = op === 'u' && this.#choices.oneIn(2);
      const now =
        after?.map((value, place) =>
          large && !key(place) && value !== null && value === before?.[place] && this.#choices.oneIn(2) ? undefined : value,
        ) ?? null;
      if (moved) this.#census.saw('key change');
      return { form, rows: [{ op, before: tells, old, now }] };
    });
  }

  /** Rows that moved without being told whole are read again, where the copy may have passed their new key. */
  #moved(run: Run): void {
    const copy = this.#copies.get(nameOf(run.form));
    if (copy === undefined) return;
    if ('truncated' in run) {
      copy.again.clear();
      return;
    }
    const table = this.#tables.get(nameOf(run.form)) as LiveTable;
    for (const { old, now } of run.rows) {
      if (old === null || now === null || !now.includes(undefined)) continue;
      const [from, to] = [old, now].map((row) => table.keyOf(row as readonly string[])) as [string, string];
      if (from !== to && (!copy.ended || copy.again.has(from))) copy.again.add(to);
    }
  }

  async #alter(alteration: Alteration): Promise<void> {
    const { what, table: name } = alteration;
    const table = this.#tables.get(name) as LiveTable;
    const wasAhead = this.#ahead.delete(name);
    if (!table.alter(alteration)) return;
    if (what === 'leave' && !this.#away.has(name)) await this.#leave(name);
    else if (what === 'rejoin' || what === 'leave') await this.#comeBack(name);
    else if (this.#away.has(name)) return;
    else if (!wasAhead && this.#choices.below(3) > 0) await this.#tellForm(table);
  }

  /** Nothing more is told of the table. Its copy, if there is one, goes no further. */
  async #leave(name: string): Promise<void> {
    this.#away.add(name);
    const copy = this.#copies.get(name);
    if (copy !== undefined) {
      copy.left = true;
      this.#census.saw('left in the middle of its copy');
    }
    await this.#restart();
  }

  async #comeBack(name: string): Promise<void> {
    this.#away.delete(name);
    this.#beginCopy(name);
    await this.#restart();
  }

  /** The catalogue is ahead of the stream. */
  async #tellAhead(alteration: Alteration): Promise<void> {
    const table = this.#tables.get(alteration.table) as LiveTable;
    const form = table.formBehind(alteration);
    if (form === null || this.#away.has(alteration.table) || this.#forms.has(form.hash) || this.#forms.get(table.form.hash) === undefined)
      return;
    this.#ahead.add(alteration.table);
    await this.#tell(form, false);
  }

  async #create(rows: readonly Change[]): Promise<void> {
    const { later } = this.#migration;
    if (this.#tables.has(later.name)) return;
    const table = new LiveTable(later);
    this.#tables.set(later.name, table);
    for (const change of rows) table.change(change);
    // Capture finds it at a start, or hears of it by its first row.
    const atStart = this.#choices.oneIn(2);
    if (atStart) {
      if (table.rows.length > 0) this.#beginCopy(later.name);
      await this.#restart();
    }
    await this.#tell(table.form, table.rows.length === 0, atStart);
  }

  async #tellForm(table: LiveTable): Promise<void> {
    if (!this.#forms.has(table.form.hash)) await this.#tell(table.form, this.#isEmpty(table));
  }

  /** Its rows did not go without a word, either. */
  #isEmpty({ rows, spec }: LiveTable): boolean {
    return rows.length === 0 && this.#told.isEmpty(spec.name);
  }

  async #tell(form: TableSchema, empty: boolean, atStart = false): Promise<void> {
    const name = nameOf(form);
    const latest = this.#latest.get(name);
    const copied = this.#copies.has(name);
    const needed = latest === undefined ? !atStart && !copied : (!empty || copied) && changeWithoutRowEvents(latest.form, form) !== null;
    if (needed) {
      this.#beginCopy(name);
      await this.#progress();
    }
    const flags = { ...(empty && latest !== undefined ? { empty: true as const } : {}), ...(needed ? { copy: true as const } : {}) };
    const body = encodeJsonBody('schema', { table: form, previous: latest?.ref ?? null, ...flags });
    this.#told.tell(form);
    const [ref] = await this.#append([{ kind: 'schema', body, last: true, facts: this.#facts() }]);
    this.#forms.set(form.hash, ref as RecordRef);
    this.#latest.set(name, { form, ref: ref as RecordRef });
  }

  #beginCopy(name: string): void {
    if (this.#latest.has(name)) this.#census.saw('copy again');
    this.#copies.set(name, { since: this.#seq, after: null, again: new Set(), ended: false, placed: false });
  }

  async #copyOn(name: string, copy: Copy): Promise<void> {
    const table = this.#tables.get(name) as LiveTable;
    if (!copy.placed) {
      copy.since = this.#seq;
      copy.placed = true;
      await this.#progress();
    } else if (!this.#forms.has(table.form.hash)) await this.#tellForm(table);
    else await this.#chunk(table, copy);
  }

  async #chunk(table: LiveTable, copy: Copy): Promise<void> {
    const { rows, form } = table;
    const behind = rows.filter((row) => copy.after === null || table.keyOf(row) > copy.after);
    const read = copy.ended ? [] : behind.slice(0, 1 + this.#choices.below(4));
    const named = rows.filter((row) => copy.again.has(table.keyOf(row)) && !read.includes(row));
    const run: Run = { form, rows: [...read, ...named].map((row) => ({ op: 'r' as const, before: 'none' as const, old: null, now: row })) };
    if (this.#choices.oneIn(12)) {
      await this.#abandon('snapshot-chunk', [run], new Set());
      return;
    }
    const before = { ...copy, again: new Set(copy.again) };
    const last = read.at(-1);
    if (last !== undefined) copy.after = table.keyOf(last);
    copy.ended ||= read.length === behind.length;
    copy.again.clear();
    if (copy.ended) this.#copies.delete(table.spec.name);
    // The chunk is there, and nobody knows: it is read again.
    const unheard = this.#choices.oneIn(10);
    await this.#rows(
      'snapshot-chunk',
      [run],
      { pos: positionAt(this.#position), ts_ms: this.#now() },
      unheard ? [] : [this.#progressPart()],
    );
    if (!unheard) return;
    this.#copies.set(table.spec.name, before);
    await this.#restart();
  }

  /** Parts of a record that its writer gives up: for another record, or because it ends. */
  async #abandon(kind: 'transaction' | 'snapshot-chunk', runs: readonly Run[], tables: ReadonlySet<LiveTable>): Promise<void> {
    // Of forms that were not told yet nothing can stand in the log.
    const unknown = runs.findIndex(({ form }) => !this.#forms.has(form.hash));
    const known = unknown === -1 ? runs : runs.slice(0, unknown);
    if (known.length === 0) return;
    const parts = this.#parts(kind, known, {}, 2 + this.#choices.below(2)).slice(0, -1);
    await (this.#writer as LogWriter).append(parts);
    this.#census.saw('abandoned record');
    if (kind === 'snapshot-chunk' || this.#choices.oneIn(2)) {
      await this.#restart();
      return;
    }
    (this.#writer as LogWriter).abandon();
    for (const table of tables) await this.#tellForm(table);
    if (this.#choices.oneIn(2)) await this.#progress();
  }

  async #rows(
    kind: 'transaction' | 'snapshot-chunk' | 'reference-data',
    runs: readonly Run[],
    facts: LastPartFacts,
    behind: readonly RecordPart[],
  ): Promise<void> {
    const seq = this.#seq + 1;
    for (const run of runs) {
      this.#census.saw('truncate', 'truncated' in run);
      if ('truncated' in run) this.#told.truncate(run.form);
      else
        for (const row of run.rows)
          if (this.#told.row(run.form, row, seq) && row.op === 'r') this.#census.saw('partial row completed by its chunk');
    }
    const count = kind !== 'reference-data' && this.#choices.oneIn(5) ? 2 + this.#choices.below(3) : 1;
    const rows = runs.reduce((sum, run) => sum + ('truncated' in run ? 0 : run.rows.length), 0);
    const parts = this.#parts(kind, runs, { ...this.#facts(), ...facts, rows }, count);
    if (count > 1) this.#census.saw('large record');
    await this.#append([...parts, ...behind]);
  }

  /** Cut anywhere into so many. */
  #parts(
    kind: 'transaction' | 'snapshot-chunk' | 'reference-data',
    runs: readonly Run[],
    facts: LastPartFacts,
    count: number,
  ): readonly RecordPart[] {
    const bytes = Buffer.concat(this.#joined(runs).flatMap((run) => this.#frame(run)));
    const cuts = Array.from({ length: count - 1 }, () => this.#choices.below(bytes.length + 1)).sort((a, b) => a - b);
    return [...cuts, bytes.length].map((end, index): RecordPart => {
      const last = index === count - 1;
      return { kind, body: [bytes.subarray(cuts[index - 1] ?? 0, end)], last, ...(last ? { facts } : {}) };
    });
  }

  /** Rows that follow one another are of one frame, if they are alike; now and then they are not. */
  #joined(runs: readonly Run[]): readonly Run[] {
    const joined: Run[] = [];
    for (const run of runs) {
      const last = joined.at(-1);
      const together =
        last !== undefined && 'rows' in last && 'rows' in run && last.form === run.form && isAlike(last.rows[0], run.rows[0]);
      if (together && !this.#choices.oneIn(4)) joined[joined.length - 1] = { form: run.form, rows: [...last.rows, ...run.rows] };
      else joined.push(run);
    }
    return joined;
  }

  #frame(run: Run): readonly Buffer[] {
    const { seq: schemaSeq } = this.#forms.get(run.form.hash) as RecordRef;
    if ('truncated' in run) {
      return [encodeFrameHeader({ op: 't', before: 'none', partial: false, schemaSeq, rowCount: 0 }, 0)];
    }
    const { op, before } = run.rows[0] ?? { op: isReference(nameOf(run.form)) ? ('c' as const) : ('r' as const), before: 'none' as const };
    const partial = run.rows.some(({ now }) => now?.includes(undefined) === true);
    const rows = formatRows(run.rows.flatMap(({ old, now }) => [old, now].filter((row) => row !== null)));
    return [encodeFrameHeader({ op, before, partial, schemaSeq, rowCount: run.rows.length }, rows.length), rows];
  }

  async #fence(phase: ProgressBody['phase']): Promise<void> {
    this.#writer = await this.#log.openWriter(CHANGES, { writerId: 'capture', create: true });
    this.#whole = null;
    await this.#append([this.#progressPart(phase)]);
  }

  /** Another process of capture: it knows what `progress` says. */
  async #restart(): Promise<void> {
    for (const copy of this.#copies.values()) copy.placed = copy.after !== null || copy.ended;
    await this.#fence('streaming');
  }

  async #progress(): Promise<void> {
    await this.#append([this.#progressPart()]);
  }

  #progressPart(phase: ProgressBody['phase'] = 'streaming'): RecordPart {
    const position = positionAt(this.#position);
    const copies = Object.fromEntries(
      [...this.#copies].map(([name, { since, after, again, ended, left }]) => [
        name,
        {
          since,
          after,
          again: [...again],
          ...(ended ? { ended: true as const } : {}),
          ...(left === true ? { left } : {}),
          rows: 0,
          bytes: 0,
          estimate: null,
        } satisfies CopyProgress,
      ]),
    );
    const whole = {
      phase,
      systemId: 's',
      timeline: 1,
      schemas: {},
      requests: { through: 0, beyond: [] },
      mapping: this.#mapping,
      ...(Object.keys(copies).length === 0 ? {} : { copies }),
    };
    const text = JSON.stringify(whole);
    const body = text === this.#whole?.text ? { position, same: this.#whole.ref } : { ...whole, position };
    const sinces = Object.fromEntries([...this.#copies].map(([name, { since, left }]) => [name, left === true ? null : since]));
    return {
      kind: 'progress',
      body: encodeJsonBody('progress', body),
      last: true,
      facts: { ...this.#facts(), ts_ms: this.#now() },
      ...{ [TELLS]: { sinces, text } satisfies Tells },
    };
  }

  async #append(parts: readonly RecordPart[]): Promise<readonly RecordRef[]> {
    const refs = await (this.#writer as LogWriter).append(parts);
    const records = parts.filter(({ last }) => last);
    refs.forEach((ref, index) => {
      const tells = (records[index] as RecordPart & { [TELLS]?: Tells })[TELLS];
      if (tells !== undefined) {
        this.#told.progress(tells.sinces);
        this.#isFollowed ||= this.#mapping !== null && Object.values(tells.sinces).every((since) => since === null);
        if (this.#whole?.text !== tells.text) this.#whole = { text: tells.text, ref };
        this.#progressRef = ref;
      }
      this.#look(ref.seq);
    });
    return refs;
  }

  #look(seq: number): void {
    const { view } = this.#told;
    const untold = [...this.#tables.values()].some(({ form }) => !this.#forms.has(form.hash));
    this.places.set(seq, { view, decided: this.#decided });
    const isComplete = !this.#told.copying && !untold && this.#away.size === 0 && !this.#onItsWay;
    if (isComplete) for (const table of this.#tables.values()) expectTold(table, view);
  }

  #choose<T>(from: readonly T[]): T | null {
    return from.length === 0 ? null : (from[this.#choices.below(from.length)] as T);
  }

  #table({ table }: Change): LiveTable {
    return this.#tables.get(table) as LiveTable;
  }

  get #seq(): number {
    return this.#writer?.tail.seq ?? 0;
  }

  #now(): number {
    return ++this.#time;
  }

  #facts(): LastPartFacts {
    return { pos: positionAt(this.#position), ...(this.#progressRef === undefined ? {} : { progress: this.#progressRef }) };
  }
}

/** What a progress part says, for those who made it. */
const TELLS = Symbol('tells');
type Tells = { readonly sinces: Readonly<Record<string, number | null>>; readonly text: string };

function isAlike(a: RowTold | undefined, b: RowTold | undefined): boolean {
  return a !== undefined && b !== undefined && a.op === b.op && a.before === b.before;
}

/** The script itself must not be wrong: with no copy under way the log says what the source holds. */
function expectTold({ spec, form, rows }: LiveTable, view: View): void {
  const told = view.get(spec.name);
  const cells = (value: (name: string) => string | null): string => JSON.stringify(form.columns.map(({ name }) => value(name)));
  const expected = rows.map((row) => cells((name) => row[form.columns.findIndex((column) => column.name === name)] ?? null)).sort();
  const actual = [...(told?.rows.values() ?? [])].map((row) => cells((name) => row[name] ?? null)).sort();
  expect({ table: spec.name, rows: actual }).toEqual({ table: spec.name, rows: expected });
}
