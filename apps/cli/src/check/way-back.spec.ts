import { sourceTable, type TableRule } from '@changeover/mapping';
import { textTable } from '@changeover/testing';

import { renderFindings } from './finding.js';
import { wayBackFindings } from './way-back.js';

const TABLES = new Map([['old.person', sourceTable(textTable('person', ['id', 'name', 'mail', 'note']).columns)]]);
const RULE: TableRule = {
  ...{ source: 'old.person', target: 'new.person', name: 'one', key: ['id'] },
  columns: {
    id: { column: 'id' },
    mail: { convert: 'email', input: { column: 'mail' }, invalid: 'empty' },
    data: { object: { note: { column: 'note' } } },
  },
};

describe('the way back of a rule', () => {
  it('is told with the columns that do not come back by themselves', () => {
    const findings = wayBackFindings([RULE, { ...RULE, columns: { id: { column: 'id' } } }], TABLES);
    expect(renderFindings(findings)).toBe(`\
✓ mapping  new.person (one) could be written back to old.person: 1 of 3 columns exactly, 1 with what the source keeps, 1 not
             - mail: kept (capital letters, and what nobody sees; what cannot be converted is left empty)
             - data: not (several values in one text)
✓ mapping  new.person (one) could be written back to old.person: 1 of 1 columns exactly
`);
    expect(findings[0]?.wayBack).toMatchObject({ id: { kind: 'exact', reasons: [] }, data: { kind: 'lossy' } });
  });

  it('is none where rows are merged', () => {
    const merged: TableRule = { ...RULE, columns: { id: { column: 'id' } }, merge: { by: { column: 'mail' }, atMost: 2 } };
    expect(renderFindings(wayBackFindings([merged], TABLES))).toContain('- id: not (rows are merged, and it may be of another of them)');
  });
});
