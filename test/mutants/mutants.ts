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
const LOAD_SPEC = 'libs/pipeline/src/load/load-loop.spec.ts';
const LOG_SPEC = 'libs/testing/src/event-log.spec.ts';
const SCHEDULES = 'libs/testing/src/event-log.schedules.spec.ts';
const SESSION_SPEC = 'libs/target-postgres/src/postgres-session.int.spec.ts';
const REFUSED_SPEC = 'libs/target-postgres/src/refused-rows.int.spec.ts';
const COPIES_SPEC = 'libs/pipeline/src/capture/copies/table-copies.spec.ts';
const CHUNK_SPEC = 'libs/source-postgres/src/snapshot/chunk-merge.spec.ts';

export const MUTANTS: readonly Mutant[] = [
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
    find: '    this.#frames.reset();\n    if (this.#builder !== null && this.#builder.partsGiven > 0) this.#appender.abandon();\n    this.#builder = null;',
    replace: '',
    killedBy: [TRANSFORM_SPEC, 'forgets a record that its writer gave up'],
  },
  {
    name: 'transform appends again what is there',
    file: 'libs/pipeline/src/transform/transform-loop.ts',
    find: 'from: writer.tail.header?.from ?? null,',
    replace: 'from: null,',
    killedBy: [TRANSFORM_SPEC, 'after a crash behind append'],
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
    find: 'WHERE migration = $1 AND owner = $2`;',
    replace: 'WHERE migration = $1 AND owner >= $2`;',
    killedBy: [SESSION_SPEC, 'fences the one before'],
  },
  {
    name: 'progress outside the transaction',
    file: 'libs/target-postgres/src/postgres-session.ts',
    find: '      await connection.query(`BEGIN; ${settings}`);\n      await advance(connection, this.#owner, progress);',
    replace: '      await advance(connection, this.#owner, progress);\n      await connection.query(`BEGIN; ${settings}`);',
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
];
