import { CONVERTERS, INVERSES } from '@changeover/cleaning';
import { countWords } from '@changeover/core';
import { invertRule, type SourceTable, type TableRule, type WayBack } from '@changeover/mapping';

import type { Finding } from './finding.js';

/**
 * Of each rule, which columns of the target could be written back to the source: exactly, with what the source has kept, or not. The rules fit the tables.
 */
export function wayBackFindings(rules: readonly TableRule[], tables: ReadonlyMap<string, SourceTable>): readonly Finding[] {
  return rules.map((rule) => {
    const { columns } = invertRule(rule, tables, CONVERTERS, INVERSES);
    const named = rule.name === undefined ? rule.target : `${rule.target} (${rule.name})`;
    const ways = [...columns];
    const count = (kind: WayBack['kind']): number => ways.filter(([, way]) => way.kind === kind).length;
    const parts = [
      `${countWords(count('exact'))} of ${countWords(ways.length)} columns exactly`,
      ...(count('kept') === 0 ? [] : [`${countWords(count('kept'))} with what the source keeps`]),
      ...(count('lossy') === 0 ? [] : [`${countWords(count('lossy'))} not`]),
    ];
    return {
      ...{ part: 'mapping', severity: 'ok', check: 'way back' },
      message: `${named} could be written back to ${rule.source}: ${parts.join(', ')}`,
      notes: ways.flatMap(([column, { kind, reasons }]) =>
        kind === 'exact' ? [] : [`${column}: ${kind === 'kept' ? 'kept' : 'not'} (${reasons.join('; ')})`],
      ),
      wayBack: Object.fromEntries(columns),
    };
  });
}
