/** One way in which the data path could be wrong, and the test that must see it. */
export type Mutant = {
  readonly name: string;
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** The spec, and a part of the names of the tests that are run. */
  readonly killedBy: readonly [spec: string, test: string];
};

const CAPTURE = 'libs/pipeline/src/capture/capture-session.ts';
const CAPTURE_LOOP = 'libs/pipeline/src/capture/capture-loop.ts';
const COUNTED = 'libs/events/src/log/counted-records.ts';
const WRITER = 'libs/events/src/log/sequenced-writer.ts';
const CAPTURE_SPEC = 'libs/pipeline/src/capture/capture-loop.spec.ts';
const TRANSFORM_SPEC = 'libs/pipeline/src/transform/transform-loop.spec.ts';
const NUMBERS = 'libs/pipeline/src/derive/allocated-numbers.ts';
const NUMBERS_SPEC = 'libs/pipeline/src/derive/allocated-numbers.spec.ts';
const DIFFERENCE = 'libs/pipeline/src/transform/mapping-difference.ts';
const CORRECTIONS = 'libs/pipeline/src/derive/corrections.ts';
const ROUND = 'libs/pipeline/src/derive/round.ts';
const DERIVATION = 'libs/pipeline/src/derive/derivation.ts';
const MERGED_ROW = 'libs/pipeline/src/derive/merged-row.ts';
const EVALUATOR = 'libs/pipeline/src/derive/row-evaluator.ts';
const MIRROR = 'libs/pipeline/src/mirror/table-mirror.ts';
const DERIVATION_SPEC = 'libs/pipeline/src/derive/derivation.spec.ts';
const MIRROR_SPEC = 'libs/pipeline/src/mirror/table-mirror.spec.ts';
const LOAD_SPEC = 'libs/pipeline/src/load/load-loop.spec.ts';
const LOG_SPEC = 'libs/testing/src/event-log.spec.ts';
const SCHEDULES = 'libs/testing/src/event-log.schedules.spec.ts';
const SESSION_SPEC = 'libs/target-postgres/src/postgres-session.int.spec.ts';
const HOLD_SPEC = 'libs/target-postgres/src/postgres-target-reader.int.spec.ts';
const REFUSED_SPEC = 'libs/target-postgres/src/refused-rows.int.spec.ts';
const COPIES_SPEC = 'libs/pipeline/src/capture/copies/table-copies.spec.ts';
const KEYLESS_SPEC = 'libs/pipeline/src/capture/copies/keyless-tables.spec.ts';
const PREFIX = 'libs/verification/src/prefix.ts';
const PREFIX_SPEC = 'libs/verification/src/prefix.spec.ts';
const MOVE_SPEC = 'libs/target-postgres/src/move/target-moves.int.spec.ts';
const DIGESTS = 'libs/verification/src/table-digests.ts';
const DIGESTS_SPEC = 'libs/verification/src/table-digests.spec.ts';
const REPAIR = 'libs/verification/src/repair.ts';
const REPAIR_SPEC = 'libs/verification/src/repair.spec.ts';
const TOLD_NUMBERS = 'libs/verification/src/told-numbers.ts';
const TOLD_NUMBERS_SPEC = 'libs/verification/src/told-numbers.spec.ts';
const REPAIRED_ROWS = 'libs/target-postgres/src/repair-rows.ts';
const REPAIRED_ROWS_SPEC = 'libs/target-postgres/src/repair-rows.int.spec.ts';
const MIRROR_ROUND = 'libs/verification/src/verify-mirror.ts';
const MIRROR_ROUND_SPEC = 'libs/verification/src/verify-mirror.spec.ts';
const CHOSEN = 'libs/verification/src/verify-chosen.ts';
const CHOSEN_TARGET = 'libs/verification/src/chosen-target.ts';
const CHOSEN_SPEC = 'libs/verification/src/verify-chosen.spec.ts';
const RESUMED = 'libs/verification/src/resume-verification.ts';
const RESUMED_SPEC = 'libs/verification/src/resume-verification.spec.ts';
const COMPARE_SPEC = 'libs/verification/src/compare-table.spec.ts';
const CHUNK_SPEC = 'libs/source-postgres/src/snapshot/chunk-merge.spec.ts';

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'a merged row that a row has left stays as it was',
    file: ROUND,
    find: 'for (const into of [left, entered])',
    replace: 'for (const into of [entered])',
    killedBy: [DERIVATION_SPEC, 'rows of one merge key'],
  },
  {
    name: 'a row keeps the key that another one had before',
    file: ROUND,
    find: 'this.#followKeys();',
    replace: '',
    killedBy: [DERIVATION_SPEC, 'gives a row the key'],
  },
  {
    name: 'a kept version keeps the key that another row had',
    file: 'libs/pipeline/src/derive/kept-version.ts',
    find: '(named.has(column) ? (version.values[column] ?? null) : value)',
    replace: '(named.has(column) ? null : value)',
    killedBy: [DERIVATION_SPEC, 'gives a row the key'],
  },
  {
    name: 'a merged row is made in the order of keys',
    file: MERGED_ROW,
    find: 'compare(a.version.part.orders[0], b.version.part.orders[0]) ||',
    replace: '',
    killedBy: [DERIVATION_SPEC, 'rows of one merge key'],
  },
  {
    name: 'a row that is bad is left out of the merged row without a word',
    file: MERGED_ROW,
    find: 'if (first === undefined || problems.length > 0)',
    replace: 'if (first === undefined)',
    killedBy: [DERIVATION_SPEC, 'rows of one merge key'],
  },
  {
    name: 'a merged row of too many is made of the first of them',
    file: MERGED_ROW,
    find: 'return members.length > atMost ? null : members.map(childOf);',
    replace: 'return members.slice(0, atMost).map(childOf);',
    killedBy: [DERIVATION_SPEC, 'rows of one merge key'],
  },
  {
    name: 'those that looked up one text are derived again for each row that has it',
    file: DERIVATION,
    find: 'if (text === null || gone.has(set)) continue;',
    replace: 'if (text === null) continue;',
    killedBy: [DERIVATION_SPEC, 'looked up one text once'],
  },
  {
    name: 'a text is given another number when nobody remembers the first',
    file: NUMBERS,
    find: 'this.#find(sequence.name, text) ?? this.#give(sequence, text)',
    replace: 'this.#give(sequence, text)',
    killedBy: [NUMBERS_SPEC, 'over a restart'],
  },
  {
    name: 'a sequence begins anew with another mapping',
    file: NUMBERS,
    find: 'last === null ? start : Math.max(start, last + step)',
    replace: 'last === null || start < last ? start : last + step',
    killedBy: [NUMBERS_SPEC, 'go on above all'],
  },
  {
    name: 'the numbers that another mapping gives are not told',
    file: DIFFERENCE,
    find: 'await this.#giveNumbers(numbers);',
    replace: '',
    killedBy: [TRANSFORM_SPEC, 'gives texts numbers'],
  },
  {
    name: 'acknowledge before durable',
    file: CAPTURE,
    find: '      const { txId, ts_ms, origin, builder } = open;',
    replace: '      this.#options.held.acknowledge(position);\n      const { txId, ts_ms, origin, builder } = open;',
    killedBy: [CAPTURE_SPEC, 'acknowledges nothing that is on its way'],
  },
  {
    name: 'keepalive acknowledged before its progress record is durable',
    file: CAPTURE,
    find: 'if (event.position > this.#position) this.#position = event.position;',
    replace: 'this.#position = event.position; this.#options.held.acknowledge(event.position);',
    killedBy: [CAPTURE_SPEC, 'position of a keepalive'],
  },
  {
    name: 'restart behind what the source was told, not behind the tail',
    file: CAPTURE,
    find: 'held.events(writer.tail.pos, signal, copying.unseen.toJSON())',
    replace: 'held.events(held.confirmed, signal, copying.unseen.toJSON())',
    killedBy: [CAPTURE_SPEC, 'never heard of'],
  },
  {
    name: 'a log that lost its end is not noticed',
    file: CAPTURE_LOOP,
    find: 'if (writer.tail.pos < held.confirmed) throw behindSource(stream, writer, held);',
    replace: '',
    killedBy: [CAPTURE_SPEC, 'the log has lost its end'],
  },
  {
    name: 'schema told in the middle of parts',
    file: CAPTURE,
    find: 'const again = open.builder.partsGiven > 0;',
    replace: 'const again = false;',
    killedBy: [CAPTURE_SPEC, 'larger than a part'],
  },
  {
    name: 'two sends in flight',
    file: 'libs/pipeline/src/record-appender.ts',
    find: '      this.#queuedBytes += bytesOf(queued.part);\n    }\n    this.#running ??= this.#run();',
    replace: '      this.#queuedBytes += bytesOf(queued.part);\n    }\n    this.#running = this.#run();',
    killedBy: [CAPTURE_SPEC, 'larger than a part'],
  },
  {
    name: 'late batch counted',
    file: COUNTED,
    find: 'if (header.epoch < state.epoch) return null;',
    replace: '',
    killedBy: [SCHEDULES, 'of two writers, each call'],
  },
  {
    name: 'a fence from behind counts',
    file: COUNTED,
    find: 'if (fence.epoch <= state.epoch) return null;',
    replace: '',
    killedBy: [SCHEDULES, 'with one answer lost'],
  },
  {
    name: 'fence ignored by who was fenced',
    file: WRITER,
    find: 'if (first !== this.#expected) await this.#requireNoFence(this.#expected, first);',
    replace: '',
    killedBy: [SCHEDULES, 'of two writers, each call'],
  },
  {
    name: 'a fence that does not count is taken for a hold',
    file: 'libs/events/src/log/sequenced-log.ts',
    find: 'if (records.fenceAt !== fenceAt) {',
    replace: 'if (records.fenceAt === Infinity) {',
    killedBy: [LOG_SPEC, 'fence at the same moment'],
  },
  {
    name: 'repeated record counted twice',
    file: COUNTED,
    find: '    if (header.seq <= state.seq) return false;\n    if (header.seq !== state.seq + 1)',
    replace: '    if (header.seq <= state.seq) return true;\n    if (header.seq !== state.seq + 1)',
    killedBy: [SCHEDULES, 'with one answer lost'],
  },
  {
    name: 'gap skipped',
    file: COUNTED,
    find: '    if (header.seq <= state.seq) return false;\n    if (header.seq !== state.seq + 1)',
    replace:
      '    if (header.seq <= state.seq) return false;\n    if (header.seq > state.seq + 1) return true;\n    if (header.seq !== state.seq + 1)',
    killedBy: [LOG_SPEC, 'missing from the middle'],
  },
  {
    name: 'checksum chain not checked',
    file: COUNTED,
    find: 'if (header.prev !== state.checksum)',
    replace: 'if (header.prev === "nothing")',
    killedBy: [LOG_SPEC, 'not the one that the next was written behind'],
  },
  {
    name: 'unfinished parts kept when their writer gave them up',
    file: 'libs/pipeline/src/transform/transform-session.ts',
    find: 'if (this.#begunAt !== null) return await this.#giveUp(this.#begunAt);',
    replace: '',
    killedBy: [TRANSFORM_SPEC, 'forgets a record that its writer gave up'],
  },
  {
    name: 'transform appends again what is there',
    file: 'libs/pipeline/src/transform/writes-output.ts',
    find: 'this.holds(header.seq) ||',
    replace: '',
    killedBy: [TRANSFORM_SPEC, 'after a crash behind append'],
  },
  {
    name: 'the first derivation begins to count anew',
    file: 'libs/pipeline/src/transform/writes-output.ts',
    find: '(batch !== null && batch <= this.#tail.batch)',
    replace: 'false',
    killedBy: [TRANSFORM_SPEC, 'a crash in the middle of deriving everything'],
  },
  {
    name: 'threads derive over what is not committed',
    file: 'libs/pipeline/src/transform/ranges-ahead.ts',
    find: '    await commit();\n',
    replace: '',
    killedBy: [TRANSFORM_SPEC, 'those of their own table that come later'],
  },
  {
    name: 'a rival that comes later in the first derivation is not contested',
    file: ROUND,
    find: 'this.#replace(row, { lookups, version, kept: false, problems });',
    replace: 'this.#moveParents(row, version);\n    row.become({ lookups, version, kept: false, problems });',
    killedBy: [TRANSFORM_SPEC, 'where a rival comes later in the first derivation'],
  },
  {
    name: 'all that has waited for one row is derived at once',
    file: DERIVATION,
    find: 'most: this.#roundRows',
    replace: 'most: Infinity',
    killedBy: [DERIVATION_SPEC, 'where many rows wait for one'],
  },
  {
    name: 'a version goes for want of a parent that is still to come',
    file: ROUND,
    find: 'if (this.#undecided !== null && (goesOn ||',
    replace: 'if (this.#undecided === undefined && (goesOn ||',
    killedBy: [DERIVATION_SPEC, 'where many rows wait for one'],
  },
  {
    name: 'the first derivation commits what it has not followed to the end',
    file: 'libs/pipeline/src/transform/transform-session.ts',
    find: "this.#options.crashPoint('transform.in-derive-all');\n    await this.#makeRoom();",
    replace: "this.#options.crashPoint('transform.in-derive-all');\n    await this.#commits.commit();",
    killedBy: [TRANSFORM_SPEC, 'where many rows wait for one'],
  },
  {
    name: 'a barrier passes before everything is derived',
    file: 'libs/pipeline/src/transform/transform-session.ts',
    find: "    if (this.#phase.name === 'following') {\n      this.#output.begin(entry);",
    replace:
      '    {\n      this.#output.begin(entry);\n      this.#output.pass(entry, { kind: "barrier", body: encodeJsonBody("barrier", body) });\n      return;\n    }\n    if (this.#active) {\n      this.#output.begin(entry);',
    killedBy: [TRANSFORM_SPEC, 'lets a barrier wait'],
  },
  {
    name: 'what a copy did not find stays',
    file: 'libs/pipeline/src/transform/transform-session.ts',
    find: 'await this.#sweep(entry, ended);',
    replace: '',
    killedBy: [TRANSFORM_SPEC, 'takes for gone what a copy'],
  },
  {
    name: 'rows are derived before their copies are there',
    file: 'libs/pipeline/src/transform/transform-session.ts',
    find: ' || Object.keys(this.#copies).length > 0) return true;',
    replace: ') return true;',
    killedBy: [TRANSFORM_SPEC, 'writes no row, then everything once'],
  },
  {
    name: 'rows without a key pass before the others',
    file: 'libs/pipeline/src/transform/transform-session.ts',
    find: "if (this.#phase.name === 'following') this.#output.add(one,",
    replace: 'if (this.#active) this.#output.add(one,',
    killedBy: [TRANSFORM_SPEC, 'passes rows without a key on behind the others'],
  },
  {
    name: 'an unchanged large value is taken for what the frame says of it',
    file: MIRROR,
    find: 'const now = partial && base !== null ? mergeLines(base, after, columns) : after;',
    replace: 'const now = after;',
    killedBy: [MIRROR_SPEC, 'holds the rows that the frames tell'],
  },
  {
    name: 'a row that moved to another key stays under the old one',
    file: MIRROR,
    find: '      this.#state.remove(from);\n',
    replace: '',
    killedBy: [MIRROR_SPEC, 'holds the rows that the frames tell'],
  },
  {
    name: 'a row that takes the key of one that went is laid over it in silence',
    file: MIRROR,
    find: '      this.#delete(to, form, sink);\n',
    replace: '',
    killedBy: [MIRROR_SPEC, 'whose key another one takes'],
  },
  {
    name: 'a reverse index is dropped: who looked a value up is not found',
    file: ROUND,
    find: "for (const text of come) this.#state.addMember(stateKey('dependants', number, text), member);",
    replace: '',
    killedBy: [DERIVATION_SPEC, 'keeps the target what the definition says'],
  },
  {
    name: 'who stands on a row is not remembered',
    file: ROUND,
    find: "for (const parent of entered) if (!isAmong(parent, left)) this.#state.addMember(stateKey('children', parent.rule, parent.key), child);",
    replace: '',
    killedBy: [DERIVATION_SPEC, 'keeps the target what the definition says'],
  },
  {
    name: 'the next rival is not derived again',
    file: ROUND,
    find: 'for (const name of [before, winner]) {',
    replace: 'for (const name of [before]) {',
    killedBy: [DERIVATION_SPEC, 'keeps the target what the definition says'],
  },
  {
    name: 'who loses a unique value is not derived again',
    file: ROUND,
    find: 'for (const name of [before, winner]) {',
    replace: 'for (const name of [winner]) {',
    killedBy: [DERIVATION_SPEC, 'keeps the target what the definition says'],
  },
  {
    name: 'a waiting child is forgotten',
    file: ROUND,
    find: 'waiting.push(...this.#children(coming));',
    replace: '',
    killedBy: [DERIVATION_SPEC, 'keeps the target what the definition says'],
  },
  {
    name: 'a child stays when its parent goes',
    file: ROUND,
    find: 'waiting.push(...this.#children(row));',
    replace: '',
    killedBy: [DERIVATION_SPEC, 'keeps the target what the definition says'],
  },
  {
    name: 'a kept version outlives its parent',
    file: ROUND,
    find: 'if (dropped.length === 0) break;',
    replace: 'if (dropped.length >= 0) break;',
    killedBy: [DERIVATION_SPEC, 'gives what a kept version no longer has'],
  },
  {
    name: 'what stood when a record began is not put aside',
    file: ROUND,
    find: 'rowsBefore?.put(row);',
    replace: '',
    killedBy: [TRANSFORM_SPEC, 'whose parent goes and comes back'],
  },
  {
    name: 'children that are too many for a round are forgotten',
    file: ROUND,
    find: 'this.#left.push({ rule, key, after });',
    replace: '',
    killedBy: [DERIVATION_SPEC, 'in rounds of a bounded size'],
  },
  {
    name: 'what was good for a moment in the middle of a record is kept',
    file: 'libs/pipeline/src/transform/derived-tables.ts',
    find: 'kept.length === 0 ? [] : this.derivation.keep(kept)',
    replace: 'kept.length >= 0 ? [] : this.derivation.keep(kept)',
    killedBy: [TRANSFORM_SPEC, 'that is good in between'],
  },
  {
    name: 'who has a unique value stays whoever had it first in the round',
    file: ROUND,
    find: 'contest.winner = after;',
    replace: '',
    killedBy: [DERIVATION_SPEC, 'keeps the target what the definition says'],
  },
  {
    name: 'the second of several rivals is not found',
    file: 'libs/pipeline/src/derive/unique-claims.ts',
    find: 'isAlone(entry) ? undefined : this.#state.members(others, null, 1)[0]',
    replace: 'undefined as Buffer | undefined',
    killedBy: [DERIVATION_SPEC, 'keeps the target what the definition says'],
  },
  {
    name: 'a row that does not meet the condition of a unique rule wants its value all the same',
    file: 'libs/pipeline/src/derive/source-mirror.ts',
    find: 'counts === null || counts(row) ? valuesText(row, columns) : null',
    replace: 'counts === undefined ? null : valuesText(row, columns)',
    killedBy: [DERIVATION_SPEC, 'counts for a unique value only'],
  },
  {
    name: 'rules of one table do not know the rows of each other',
    file: 'libs/pipeline/src/derive/derivation-plan.ts',
    find: 'uniquesOf.get(rule.target) ?? ',
    replace: '',
    killedBy: [DERIVATION_SPEC, 'keeps the target what the definition says'],
  },
  {
    name: 'what was looked up behind a link is forgotten',
    file: EVALUATOR,
    find: 'if (innerText !== null) lookups[index]?.add(innerText);',
    replace: '',
    killedBy: [DERIVATION_SPEC, 'makes rows of all that are joined'],
  },
  {
    name: 'a row is made of more rows than its rule allows',
    file: EVALUATOR,
    find: 'rows.length > all.atMost || ',
    replace: '',
    killedBy: [DERIVATION_SPEC, 'makes rows of all that are joined'],
  },
  {
    name: 'a filter is asked about what was made of nothing',
    file: EVALUATOR,
    find: 'decided &&= !all.decides;',
    replace: '',
    killedBy: [DERIVATION_SPEC, 'makes rows of all that are joined'],
  },
  {
    name: 'a rule of the validation does not see what the one before it has fixed',
    file: 'libs/mapping/src/validation.ts',
    find: "if (severity === 'fix') values[place] = fixed(values[place] ?? '');",
    replace: '',
    killedBy: [DERIVATION_SPEC, 'keeps the target what the definition says'],
  },
  {
    name: 'a row is told as noted that waits for its parent',
    file: ROUND,
    find: '    if (present) return now.version.notes.length > 0',
    replace: '    if (present || now.version.notes.length > 0) return now.version.notes.length > 0',
    killedBy: [DERIVATION_SPEC, 'keeps the target what the definition says'],
  },
  {
    name: 'a record that was given up mends a row that stops load',
    file: 'libs/pipeline/src/load/stop-watch.ts',
    find: "if (item.type === 'abandoned' || item.entry.header.part === 1) restart();",
    replace: '',
    killedBy: [LOAD_SPEC, 'stops at a record of many parts too'],
  },
  {
    name: 'load stops only for rows that it has brought in itself',
    file: 'libs/pipeline/src/load/stop-watch.ts',
    find: 'new StoppingRows(bySince.map(({ sinceMs, rows }) => [sinceMs, rows]))',
    replace: 'new StoppingRows(bySince.slice(0, 0).map(({ sinceMs, rows }) => [sinceMs, rows]))',
    killedBy: [LOAD_SPEC, 'stops before the first record'],
  },
  {
    name: 'a row is still found by what it held before',
    file: 'libs/pipeline/src/derive/source-mirror.ts',
    find: "if (left !== null) this.#state.removeMember(stateKey('lookup', number, left), member);",
    replace: '',
    killedBy: [DERIVATION_SPEC, 'keeps the target what the definition says'],
  },
  {
    name: 'staged parts kept at a fence',
    file: 'libs/pipeline/src/load/load-loop.ts',
    find: '    this.#staged = null;\n    await this.#session.discardStaged();',
    replace: '    this.#staged = null;',
    killedBy: [LOAD_SPEC, 'forgets staged parts'],
  },
  {
    name: 'load begins anew after a lost connection',
    file: 'libs/pipeline/src/load/load-loop.ts',
    find: 'from: session.progress?.writes ?? null,',
    replace: 'from: null,',
    killedBy: [LOAD_SPEC, 'connection was lost'],
  },
  {
    name: 'owner of the progress row not checked',
    file: 'libs/target-postgres/src/own-schema.ts',
    find: 'WHERE migration = $1 AND owner = $2 AND parked IS NULL',
    replace: 'WHERE migration = $1 AND owner >= $2 AND parked IS NULL',
    killedBy: [SESSION_SPEC, 'fences the one before'],
  },
  {
    name: 'load goes on while it is held',
    file: 'libs/target-postgres/src/own-schema.ts',
    find: 'OR hold_through >= $10)',
    replace: 'OR hold_through >= $10 OR true)',
    killedBy: [HOLD_SPEC, 'goes no further than it is let'],
  },
  {
    name: 'progress outside the transaction',
    file: 'libs/target-postgres/src/postgres-session.ts',
    find: '      await connection.query(`BEGIN; ${settings}`);\n      const held = await advance(connection, this.#owner, progress);',
    replace: '      const held = await advance(connection, this.#owner, progress);\n      await connection.query(`BEGIN; ${settings}`);',
    killedBy: [REFUSED_SPEC, 'nothing of it is written'],
  },
  {
    name: 'cascades of the target let (in a batch out of the ordinary)',
    file: 'libs/target-postgres/src/apply/careful-path.ts',
    find: 'if (referenced !== null) return',
    replace: 'if (referenced === undefined) return',
    killedBy: [REFUSED_SPEC, 'comes while its parent goes'],
  },
  {
    name: 'a form of a table looked up before everybody sees it',
    file: 'libs/source-postgres/src/held-postgres-source.ts',
    find: '      await this.#untilSeen(txId);\n      decoder.provide',
    replace: '      void txId;\n      decoder.provide',
    killedBy: ['libs/source-postgres/src/holding.int.spec.ts', 'synchronous replication puts off'],
  },
  {
    name: 'a chunk beside a commit that nobody sees yet',
    file: 'libs/source-postgres/src/snapshot/visibility.ts',
    find: 'return id < this.#next && !this.#running.has(id);',
    replace: 'return id < this.#next;',
    killedBy: [CHUNK_SPEC, 'whatever the order'],
  },
  {
    name: 'a chunk over what was committed while it was read',
    file: 'libs/source-postgres/src/snapshot/chunk-merge.ts',
    find: 'else rows.apply(event);',
    replace: '',
    killedBy: [CHUNK_SPEC, 'whatever the order'],
  },
  {
    name: 'what an earlier hold gave forgotten',
    file: 'libs/source-postgres/src/snapshot/chunk-merge.ts',
    find: 'new Map(unseen.map((txId) => [txId, 0]))',
    replace: 'new Map(unseen.slice(0, 0).map((txId) => [txId, 0]))',
    killedBy: [CHUNK_SPEC, 'earlier holds'],
  },
  {
    name: 'acknowledged what was received',
    file: 'libs/source-postgres/src/upstream-acker.ts',
    find: 'if (position > this.#told) this.#told = position;',
    replace: 'if (position > this.#told) this.#acknowledged = this.#told = position;',
    killedBy: ['libs/source-postgres/src/upstream-acker.spec.ts', 'stays where it was'],
  },
  {
    name: 'transactions that nobody sees yet are forgotten with a restart',
    file: CAPTURE_LOOP,
    find: 'new UnseenTransactions([...(unseen ?? []), ...behind])',
    replace: 'new UnseenTransactions(behind)',
    killedBy: [COPIES_SPEC, 'that an earlier hold gave'],
  },
  {
    name: 'transactions behind the last progress are forgotten with a restart',
    file: CAPTURE_LOOP,
    find: 'new UnseenTransactions([...(unseen ?? []), ...behind])',
    replace: 'new UnseenTransactions(unseen ?? [])',
    killedBy: [COPIES_SPEC, 'where no progress has followed'],
  },
  {
    name: 'rows that moved incompletely are not read again',
    file: 'libs/pipeline/src/capture/copies/table-copy.ts',
    find: 'this.#again.add(to);',
    replace: 'void to;',
    killedBy: [COPIES_SPEC, 'reads rows once more'],
  },
  {
    name: 'the cursor goes into the log before its rows',
    file: CAPTURE,
    find: 'this.#appender.add(this.#chunkParts(event, copy, builder));',
    replace: 'this.#appender.add([...this.#chunkParts(event, copy, builder)].reverse());',
    killedBy: [COPIES_SPEC, 'only behind the rows'],
  },
  {
    name: 'a copy is said to have ended before its last chunk is in the log',
    file: CAPTURE,
    find: 'this.#options.observer.copied(told);',
    replace: 'this.#tellCopied(copy);',
    killedBy: [COPIES_SPEC, 'rows that went that way are gone'],
  },
  {
    name: 'a table without a key is copied',
    file: CAPTURE,
    find: 'needed && canBeCopied(table)',
    replace: 'needed',
    killedBy: [KEYLESS_SPEC, 'told of as not copied'],
  },
  {
    name: 'a snapshot that fell between two commits is taken for a place of the stream',
    file: PREFIX,
    find: '      if (hides) return null;\n      shown = Math.max(shown, seq);',
    replace: '      shown = Math.max(shown, seq);',
    killedBy: [PREFIX_SPEC, 'is right whenever there is one'],
  },
  {
    name: 'commits that were told long ago and seen late are not asked for',
    file: PREFIX,
    find: 'if (!unseen.every(shows)) return null;',
    replace: '',
    killedBy: [PREFIX_SPEC, 'it lacks one from before'],
  },
  {
    name: 'what history says of a held row is not laid over what is derived',
    file: ROUND,
    find: 'if (problems.length > 0 && rule.compiled.keepsLast) this.#replace(row,',
    replace: 'if (problems.length < 0) this.#replace(row,',
    killedBy: [DERIVATION_SPEC, 'from the last rows alone'],
  },
  {
    name: 'rows are counted, and not looked at',
    file: 'libs/verification/src/row-sums.ts',
    find: '        this.#sums[at] = sum;',
    replace: '',
    killedBy: [COMPARE_SPEC, 'differs by exactly what was done'],
  },
  {
    name: 'the list of refused rows can hide what should be there',
    file: 'libs/verification/src/compare-table.ts',
    find: 'if (should?.equals(is) === true) continue;',
    replace: 'if (is.length > 0) continue;',
    killedBy: [COMPARE_SPEC, 'differs where the version refused is another'],
  },
  {
    name: 'a barrier is committed with what comes behind it',
    file: 'libs/pipeline/src/load/load-loop.ts',
    find: '        // It ends its batch, so that the target was once just there: a place to go back to.\n        await this.flush();',
    replace: '',
    killedBy: [LOAD_SPEC, 'ends a batch with a barrier'],
  },
  {
    name: 'of a row that is refused again only the last version is known',
    file: 'libs/target-postgres/src/apply/refused-rows.ts',
    find: 'await this.#connection.query(KEEP_VERSION, [refusal.id, seq, ...values.slice(0, 4), values[7]]);',
    replace: 'void seq;',
    killedBy: [MOVE_SPEC, 'in whichever version they were refused'],
  },
  {
    name: 'rows that somebody else has changed are taken along unasked',
    file: 'libs/target-postgres/src/move/changed-rows.ts',
    find: 'if (row === undefined) return [{ op, how:',
    replace: 'if (row !== undefined) return [];\n    return [{ op, how:',
    killedBy: [MOVE_SPEC, 'asks what is to become of rows'],
  },
  {
    name: 'a load that runs is not told that the target was moved',
    file: 'libs/target-postgres/src/move/postgres-target-move.ts',
    find: 'owner = owner + 1, moves = moves + 1,',
    replace: 'moves = moves + 1,',
    killedBy: [MOVE_SPEC, 'is parked there'],
  },
  {
    name: 'a parked target goes on by itself',
    file: 'libs/target-postgres/src/own-schema.ts',
    find: 'WHERE migration = $1 AND owner = $2 AND parked IS NULL AND (hold_until',
    replace: 'WHERE migration = $1 AND owner = $2 AND (hold_until',
    killedBy: [MOVE_SPEC, 'is parked there'],
  },
  {
    name: 'rows that went stay in the digest',
    file: DIGESTS,
    find: 'pieces === coming ? 1 : -1',
    replace: 'pieces === coming ? 1 : 1',
    killedBy: [DIGESTS_SPEC, 'a random history leads'],
  },
  {
    name: 'a row is repaired that load has brought since it was compared',
    file: REPAIR,
    find: 'const touched = loaded.has(row.table, row.id as string);',
    replace: 'const touched = false as boolean;',
    killedBy: [REPAIR_SPEC, 'since it was compared'],
  },
  {
    name: 'a repair looks only at what was loaded before load is held',
    file: REPAIR,
    find: 'if (hold.progress !== null) await loaded.readTo(hold.progress.writes, signal);',
    replace: '',
    killedBy: [REPAIR_SPEC, 'looks up to where load is held'],
  },
  {
    name: 'a repair deletes what may be a kept version',
    file: REPAIR,
    find: "return doubtful(row) ? 'maybe-kept' : null;",
    replace: 'return null;',
    killedBy: [REPAIR_SPEC, 'of the list of held rows'],
  },
  {
    name: 'a repair writes numbers that it has made up',
    file: REPAIR,
    find: "if (options.numbersUnsure) return 'unnumbered';",
    replace: '',
    killedBy: [REPAIR_SPEC, 'have lost their numbers'],
  },
  {
    name: 'a held row whose entry is missing is held since the repair',
    file: REPAIR,
    find: 'const since = told.get(entryOf(row)) ?? {',
    replace: 'const since = {',
    killedBy: [REPAIR_SPEC, 'since what the stream last said'],
  },
  {
    name: 'numbers of the target are believed although the log tells them',
    file: TOLD_NUMBERS,
    find: 'for (const { rows } of numbers) await learn(rows);',
    replace: 'for (const { rows } of numbers.slice(1)) await learn(rows);',
    killedBy: [TOLD_NUMBERS_SPEC, 'what the records told'],
  },
  {
    name: 'numbers of the target are taken for told although they do not come to the digest',
    file: TOLD_NUMBERS,
    find: "return rows === told.content.rows && sum === told.content.sum ? told : 'others';",
    replace: "return rows === told.content.rows || sum === told.content.sum ? told : 'others';",
    killedBy: [TOLD_NUMBERS_SPEC, 'no more is read'],
  },
  {
    name: 'a repair writes over what somebody else has written since',
    file: REPAIRED_ROWS,
    find: 'there.length === 1 && was.equals(formatRows([there[0] as StandingRow]))',
    replace: 'there.length === 1',
    killedBy: [REPAIRED_ROWS_SPEC, 'leaves rows that are not as they were found'],
  },
  {
    name: 'load goes on before a repair is committed',
    file: REPAIRED_ROWS,
    find: 'AND writes_seq = $4 FOR UPDATE`',
    replace: 'AND writes_seq = $4`',
    killedBy: [REPAIRED_ROWS_SPEC, 'is done before load goes on'],
  },
  {
    name: 'what is remembered is compared with rows that were touched since',
    file: MIRROR_ROUND,
    find: '=> !left.has(id) && (wanted',
    replace: '=> (wanted',
    killedBy: [MIRROR_ROUND_SPEC, 'sets rows aside'],
  },
  {
    name: 'rows that were set aside are never compared',
    file: MIRROR_ROUND,
    find: 'if (again.size > 0) aside.set(name, again);',
    replace: '',
    killedBy: [MIRROR_ROUND_SPEC, 'compares in another round'],
  },
  {
    name: 'chosen rows that change between the two looks are compared all the same',
    file: CHOSEN,
    find: 'const now = chunk.filter((id) => !left.has(id));',
    replace: 'const now = chunk;',
    killedBy: [CHOSEN_SPEC, 'sets rows aside'],
  },
  {
    name: 'rows of the target that were written since the state was looked at are held against the state',
    file: CHOSEN_TARGET,
    find: 'word !== undefined && word.seq > derivation.read.seq ? inWordsOf(table, word.line) : line',
    replace: 'word !== undefined && word.seq < 0 ? inWordsOf(table, word.line) : line',
    killedBy: [CHOSEN_SPEC, 'another one has changed'],
  },
  {
    name: 'rows that were not settled are left behind by the next verification of touched rows',
    file: CHOSEN,
    find: "isBase: choice.kind === 'touched' && equal && report.unsettled === 0,",
    replace: "isBase: choice.kind === 'touched' && equal,",
    killedBy: [CHOSEN_SPEC, 'none to build upon'],
  },
  {
    name: 'a verification that goes on holds rows against what they were before they were touched',
    file: RESUMED,
    find: 'since.size === 0 ? undefined : (id: string): boolean => !since.has(id)',
    replace: 'since.size < 0 ? (): boolean => false : undefined',
    killedBy: [RESUMED_SPEC, 'goes on where it was'],
  },
  {
    name: 'a verification that goes on is equal where a touched row differs',
    file: RESUMED,
    find: 'isEqual({ tables }) && isEqualChosen(resumed.touched)',
    replace: 'isEqual({ tables }) || isEqualChosen(resumed.touched)',
    killedBy: [RESUMED_SPEC, 'left undone'],
  },
  {
    name: 'a verification does not write down which tables it has compared',
    file: 'libs/verification/src/verification.ts',
    find: "await derivation.mark();\n    options.crashPoint('verify.compared');",
    replace: "options.crashPoint('verify.compared');",
    killedBy: [RESUMED_SPEC, 'goes on where it was'],
  },
  {
    name: 'a verification of some tables is one to build upon',
    file: 'libs/verification/src/verification.ts',
    find: 'isBase: isFull && equal',
    replace: 'isBase: equal',
    killedBy: [CHOSEN_SPEC, 'of some tables is none to build upon'],
  },
  {
    name: 'versions that the target refuses are held against what rows were before they were touched',
    file: 'libs/verification/src/compare-table.ts',
    find: 'if (isDue?.(this.#id({ bytes: is, start: 0, end: is.length - 1 })) === false) continue;',
    replace: '',
    killedBy: [RESUMED_SPEC, 'takes what stands'],
  },
  {
    name: 'a verification goes on from a target that was taken to another place',
    file: 'libs/verification/src/base.ts',
    find: 'base.generation !== now.generation',
    replace: 'base.generation === null',
    killedBy: [RESUMED_SPEC, 'is not gone on with'],
  },
  {
    name: 'what a record says that was given up counts',
    file: 'libs/verification/src/last-words.ts',
    find: '[this.#said, this.#counted] = [[], []];\n          break;',
    replace: 'break;',
    killedBy: ['libs/verification/src/last-words.spec.ts', 'that was given up'],
  },
  {
    name: 'a state is taken for one of a place in the middle of a record',
    file: 'libs/pipeline/src/transform/stored-mirror.ts',
    find: "if (look.isBetween && place.phase.name !== 'activating')",
    replace: 'if (look.isBetween && place.read === null)',
    killedBy: ['libs/pipeline/src/transform/stored-mirror.spec.ts', 'in the middle of a record'],
  },
  {
    name: 'a correction stays in force when the source holds something else',
    file: CORRECTIONS,
    find: 'place !== undefined && (row[place] ?? null) === from',
    replace: 'place !== undefined',
    killedBy: ['libs/pipeline/src/derive/corrections.spec.ts', 'are read while the source holds'],
  },
  {
    name: 'a correction that was replaced can be withdrawn by its id',
    file: CORRECTIONS,
    find: "decision.what === 'withdraw' && before?.id !== decision.id",
    replace: "decision.what === 'withdraw' && before === null",
    killedBy: ['libs/pipeline/src/derive/corrections.spec.ts', 'by another id stays'],
  },
  {
    name: 'nobody looks for refused rows that somebody asks to be tried again',
    file: 'libs/target-postgres/src/postgres-session.ts',
    find: 'if (report === null || batch.barriers.length === 0) return report;',
    replace: 'if (report === null || batch.barriers.length < Infinity) return report;',
    killedBy: ['libs/target-postgres/src/postgres-refused-retries.int.spec.ts', 'tried with the next barrier'],
  },
  {
    name: 'a row stays accepted when what the rule looks at is something else',
    file: CORRECTIONS,
    find: 'one.rule === rule && one.from === lookedText(looked)',
    replace: 'one.rule === rule',
    killedBy: ['libs/pipeline/src/derive/corrections.spec.ts', 'accept what a rule of validation would hold'],
  },
  {
    name: 'who accepts a row waives all rules of its validation',
    file: CORRECTIONS,
    find: 'one.rule === rule && one.from === lookedText(looked)',
    replace: 'one.from === lookedText(looked)',
    killedBy: ['libs/pipeline/src/derive/corrections.spec.ts', 'accept what a rule of validation would hold'],
  },
  {
    name: 'what is decided of a row is read only when the row changes next',
    file: 'libs/pipeline/src/transform/derived-tables.ts',
    find: 'if (table !== undefined) this.#touch(table, key, was, mirror.get(table, key));',
    replace: '',
    killedBy: [TRANSFORM_SPEC, 'derives with what operators decided'],
  },
  {
    name: 'what was decided before anything was derived is never told',
    file: 'libs/pipeline/src/transform/first-derivation.ts',
    find: 'for (const _ of derived.decided()) await output.ready();',
    replace: '',
    killedBy: [TRANSFORM_SPEC, 'derives with what operators decided'],
  },
  {
    name: 'under another mapping nothing is kept of rows that are held',
    file: 'libs/pipeline/src/transform/transform-session.ts',
    find: 'await difference.keep();',
    replace: '',
    killedBy: [TRANSFORM_SPEC, 'where another mapping is activated'],
  },
  {
    name: 'another mapping comes into force without its file',
    file: 'libs/pipeline/src/transform/transform-session.ts',
    find: 'await requireOurs(hash, file);',
    replace: '{ /* whatever it is */ }',
    killedBy: [TRANSFORM_SPEC, 'where another mapping is activated'],
  },
  {
    name: 'a mapping that does not fit its tables stops transform',
    file: 'libs/pipeline/src/transform/transform-session.ts',
    find: "const mayRefuse = before !== null && this.#phase.name !== 'activating';",
    replace: 'const mayRefuse = before === undefined;',
    killedBy: [TRANSFORM_SPEC, 'where another mapping is activated'],
  },
  {
    name: 'load takes what another mapping changes for any record',
    file: 'libs/pipeline/src/load/load-loop.ts',
    find: 'if (header.activation === true) {',
    replace: 'if (header.seq === 0) {',
    killedBy: ['libs/pipeline/src/load/load-loop.spec.ts', 'lets the target refuse any'],
  },
  {
    name: 'under another mapping rows go on from what the mapping before has derived',
    file: 'libs/pipeline/src/transform/transform-session.ts',
    find: 'this.#generation = generation;',
    replace: '',
    killedBy: [TRANSFORM_SPEC, 'where another mapping is activated'],
  },
];
