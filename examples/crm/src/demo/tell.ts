import { unreachable } from '@changeover/core';

import type { Comparison } from '../compare.js';
import type { LagSummary } from '../lag-probe.js';
import { CHANGE_KINDS, type ChangeKind } from '../traffic/change-kinds.js';
import type { JournalSummary } from '../traffic/journal.js';
import { duration, whole, type Narrator } from './narrator.js';
import type { DemoResult } from './run-demo.js';

/** What a reader is told of the kinds that make it hard; plain inserts and the like are in the total. */
const HARD_KINDS: readonly ChangeKind[] = [
  'unique swap',
  'deferred swap',
  'key change',
  'cycle of references',
  'cascading delete',
  'large text unchanged',
  'rolled back',
  'asynchronous commit',
];

export function tellTraffic(narrator: Narrator, journal: JournalSummary, lag: LagSummary): void {
  narrator.say();
  narrator.say(`The users have stopped. They committed ${whole(journal.committed)} transactions, ${whole(journal.rows)} rows; among them`);
  for (const kind of HARD_KINDS) narrator.say(`  ${whole(journal.kinds[kind]).padStart(7)} × ${CHANGE_KINDS[kind]}`);
  narrator.say(
    `From commit in the old CRM to visible in the new one: p50 ${duration(lag.p50)}, p99 ${duration(lag.p99)} ` +
      `(${whole(lag.count)} marker rows, asked for from outside).`,
  );
  narrator.say();
}

export function tellComparison(narrator: Narrator, comparison: Comparison): void {
  narrator.table([
    ['new CRM', 'rows', 'in the old', 'missing', 'extra', 'different'],
    ...comparison.tables.map((table) => [
      table.table,
      whole(table.modernRows),
      whole(table.legacyRows),
      whole(table.missing),
      whole(table.extra),
      whole(table.different),
    ]),
  ]);
  for (const table of comparison.tables) {
    for (const { kind, key, columns } of table.examples) {
      narrator.bad(`  ${table.table} ${key}: ${kind}${columns.length === 0 ? '' : ` in ${columns.join(', ')}`}`);
    }
  }
  narrator.say();
}

export function tellVerdict(narrator: Narrator, result: DemoResult): void {
  const { verdict, comparison, traffic, damage } = result;
  switch (verdict) {
    case 'equal':
      narrator.good(
        `Equal: ${whole(comparison.rows)} rows in ${String(comparison.tables.length)} tables, every column, in both directions.`,
      );
      narrator.say('Can this judge say no? npm run demo -- --sabotage');
      return;
    case 'different':
      if (damage === undefined) narrator.bad('Not equal. Nothing of this should happen: please report it with the seed above.');
      else narrator.good(`Not equal: the comparison found exactly what the sabotage damaged (${damage.kind} in ${damage.table}).`);
      return;
    case 'unshown':
      narrator.bad(`Equal, but this run proves less than it should: it had no ${traffic.missing.join(', no ')}. Give it more --seconds.`);
      return;
    case 'blind':
      narrator.bad('The comparison did not find exactly what the sabotage damaged. Do not trust it.');
      return;
    default:
      unreachable(verdict);
  }
}
