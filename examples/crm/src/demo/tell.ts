import { unreachable } from '@changeover/core';
import type { ClientBase } from 'pg';

import type { LagSummary } from '../lag-probe.js';
import type { Proof } from '../move/proof/prove.js';
import { MOVE_KINDS, type MoveKind } from '../move/traffic/kinds.js';
import { publicAddress } from '../stage/connect.js';
import type { Stage, StagedMigration } from '../stage/stage.js';
import type { JournalSummary } from '../traffic/journal.js';
import { heldReasons } from './held-now.js';
import { duration, whole, type Narrator } from './narrator.js';
import type { DemoResult } from './run-demo.js';

/** What a reader is told of the kinds that make it hard; plain inserts and the like are in the total. */
const HARD_KINDS: readonly MoveKind[] = [
  'saved in parts',
  'address swapped',
  'address shared',
  'number shared',
  'ring of parents',
  'link moved',
  'made unreadable',
  'lead made unreadable',
  'parent deleted',
  'taken back',
  'asynchronous commit',
];

/** Reasons that get a line of their own. */
const REASONS = 12;

export async function tellFilled(narrator: Narrator, legacy: ClientBase, ms: number): Promise<void> {
  const { rows } = await legacy.query<{ rows: number; contacts: number; tables: number }>(
    `SELECT sum(reltuples)::integer AS rows, (SELECT count(*)::integer FROM contacts) AS contacts, count(*)::integer AS tables
     FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND reltuples > 0`,
  );
  const [filled] = rows;
  narrator.say(
    `  old CRM      filled in ${duration(ms)}: ${whole(filled?.rows ?? 0)} rows in ${whole(filled?.tables ?? 0)} tables, ${whole(filled?.contacts ?? 0)} of them contacts`,
  );
}

export function tellStage(
  narrator: Narrator,
  stage: Stage,
  { migration, seed }: { readonly migration: StagedMigration; readonly seed: number },
): void {
  narrator.say(
    `               PostgreSQL ${String(stage.source.major)} at ${publicAddress(migration.sourceUrl)}: no foreign keys, soft deletes, free text, orphans`,
  );
  narrator.say(
    `  new CRM      PostgreSQL ${String(stage.target.major)} at ${publicAddress(migration.targetUrl)}: foreign keys, unique values, enums, all on`,
  );
  narrator.say(
    stage.broker === undefined
      ? `  event log    embedded, PostgreSQL ${String(stage.own.major)}: every change is kept here`
      : `  event log    Kafka at ${stage.broker.brokers.join(', ')} (${stage.broker.origin}): every change is kept here`,
  );
  narrator.say(`  Changeover   is up and follows the old CRM; the users go to work (--seed ${String(seed)})`);
  narrator.say();
}

export function tellTraffic(narrator: Narrator, journal: JournalSummary<MoveKind>, lag: LagSummary): void {
  narrator.say();
  narrator.say(`The users have stopped. They committed ${whole(journal.committed)} transactions, ${whole(journal.rows)} rows; among them`);
  for (const kind of HARD_KINDS) narrator.say(`  ${whole(journal.kinds[kind]).padStart(7)} × ${MOVE_KINDS[kind]}`);
  narrator.say(
    `From commit in the old CRM to visible in the new one: p50 ${duration(lag.p50)}, p99 ${duration(lag.p99)} ` +
      `(${whole(lag.count)} marker rows, asked for from outside).`,
  );
  narrator.say();
}

export async function tellHeld(narrator: Narrator, modern: ClientBase): Promise<void> {
  const reasons = await heldReasons(modern);
  narrator.say('Held back, as the new CRM lists it (changeover.held):');
  narrator.table([
    ['why', 'table', 'rows', 'last good version kept'],
    ...reasons
      .slice(0, REASONS)
      .map(({ reason, column, target, rows, kept }) => [`${reason} ${column ?? ''}`, target, whole(rows), whole(kept)]),
  ]);
  const rest = reasons.slice(REASONS);
  if (rest.length > 0)
    narrator.say(`  and ${whole(rest.reduce((sum, { rows }) => sum + rows, 0))} for ${whole(rest.length)} other reasons`);
  narrator.say();
}

export function tellProof(narrator: Narrator, proof: Proof, ms: number): void {
  narrator.table([
    ['new CRM', 'rows', 'must be', 'missing', 'extra', 'different'],
    ...proof.tables.map((table) => [
      table.table,
      whole(table.modernRows),
      whole(table.legacyRows),
      whole(table.missing),
      whole(table.extra),
      whole(table.different),
    ]),
  ]);
  for (const table of proof.tables) {
    for (const { kind, key, columns } of table.examples) {
      narrator.bad(`  ${table.table} ${key}: ${kind}${columns.length === 0 ? '' : ` in ${columns.join(', ')}`}`);
    }
  }
  narrator.say(`It took ${duration(ms)}.`);
  narrator.say();
}

export function tellVerdict(narrator: Narrator, { verdict, proof, traffic, damage }: DemoResult): void {
  switch (verdict) {
    case 'equal':
      narrator.good(
        `Equal: ${whole(proof.rows)} rows in ${String(proof.tables.length - 1)} tables, every column, and every row held back with its reasons, in both directions.`,
      );
      narrator.say('Can this judge say no? npm run demo -- --sabotage');
      return;
    case 'different':
      if (damage === undefined) narrator.bad('Not equal. Nothing of this should happen: please report it with the seed above.');
      else
        narrator.good(
          `Not equal: the proof found exactly what the sabotage damaged (${damage.kind}), and changeover verify found it, too.`,
        );
      return;
    case 'unshown':
      narrator.bad(`Equal, but this run proves less than it should: it had no ${traffic.missing.join(', no ')}. Give it more --seconds.`);
      return;
    case 'blind':
      narrator.bad('The proof did not find exactly what the sabotage damaged, or changeover verify did not find it. Do not trust them.');
      return;
    default:
      unreachable(verdict);
  }
}
