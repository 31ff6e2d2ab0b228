import type { Frame } from '@changeover/events';

import { LoadBed } from './test/load-bed.js';
import type { Row } from './test/writes.js';

const TABLES = `
  CREATE TABLE firms (id int PRIMARY KEY, code text UNIQUE);
  CREATE TABLE contacts (id int PRIMARY KEY, firm int REFERENCES firms, name text CHECK (name <> 'bad'))`;

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => String(from + index));
}

function tablesOf(bed: LoadBed) {
  return { firms: bed.writes.table('firms', ['id', 'code']), contacts: bed.writes.table('contacts', ['id', 'firm', 'name']) };
}

async function staged(bed: LoadBed, frames: readonly Frame[]) {
  bed.seq += 1;
  for (const frame of frames) await bed.session.stage([frame], bed.writes.lookup);
  return bed.session.applyStaged(bed.progress());
}

describe('a record that is staged', () => {
  it('is applied as one net change, children before parents or not', async () => {
    await using bed = await LoadBed.open(TABLES);
    const { firms, contacts } = tablesOf(bed);
    await bed.apply([firms.c(['1', 'a'], ['2', 'b'])]);
    const many = numbers(1, 12_000);
    const report = await staged(bed, [
      contacts.c(...many.map((id): Row => [id, '3', `n${id}\t\\`])),
      firms.c(['3', 'c']),
      contacts.u(...many.map((id): Row => [id, undefined, `m${id}`])),
      contacts.d(...numbers(11_001, 12_000).map((id) => [id])),
      firms.d(['1']),
      firms.c(['1', 'a2']),
    ]);
    expect(report).toEqual({ inserted: 11_001, updated: 1, deleted: 0, refused: 0, released: 0 });
    expect(await bed.rows('SELECT count(*)::int, max(id), bool_and(name = $$m$$ || id AND firm = 3) FROM contacts')).toEqual([
      [11_000, 11_000, true],
    ]);
    expect(await bed.rows('SELECT * FROM firms ORDER BY id')).toEqual([
      [1, 'a2'],
      [2, 'b'],
      [3, 'c'],
    ]);
    expect(await bed.committedSeq()).toBe(2);
  });

  it('that only adds rows goes through as it came, a slice at a time, parents first', async () => {
    const points: string[] = [];
    await using bed = await LoadBed.open(TABLES, { crashPoint: (name) => void points.push(name) });
    const { firms, contacts } = tablesOf(bed);
    const rows = (from: number, to: number) => numbers(from, to).map((id): Row => [id, '3', `ü${id}\t\\\n`]);
    const frames = [contacts.c(...rows(1, 3000)), contacts.c(...rows(3001, 6000)), firms.c(['3', 'c']), contacts.c(...rows(6001, 6500))];
    expect(await staged(bed, frames)).toEqual({ inserted: 6501, updated: 0, deleted: 0, refused: 0, released: 0 });
    expect(await staged(bed, [contacts.c(...rows(7001, 10_000)), contacts.c(...rows(10_001, 13_000))])).toMatchObject({ inserted: 6000 });
    expect(points.filter((point) => point === 'load.in-copy')).toHaveLength(4);
    expect(await staged(bed, [contacts.c(['20000', '3', 'ü20000\t\\\n']), contacts.u(), firms.u()])).toMatchObject({ inserted: 1 });
    expect(await bed.rows(`SELECT count(*)::int, bool_and(name = 'ü' || id || E'\\t\\\\\\n') FROM contacts`)).toEqual([[12_501, true]]);
  });

  it('comes whole where rows are added, then changed, by whatever came between', async () => {
    await using bed = await LoadBed.open(TABLES);
    const { firms, contacts } = tablesOf(bed);
    await bed.apply([firms.c(['1', 'a']), contacts.c(['5', '1', 'old'])]);
    const ids = numbers(10, 6009);
    await staged(bed, [
      contacts.c(...ids.slice(0, 3000).map((id): Row => [id, '1', 'x'])),
      contacts.c(...ids.slice(3000).map((id): Row => [id, '1', 'y'])),
      firms.c(['2', 'b']),
      contacts.d(...ids.slice(0, 10).map((id) => [id])),
      contacts.c(['10', '2', 'again']),
      contacts.u(['6009', '2', undefined], ['5', undefined, 'new']),
    ]);
    expect(await bed.rows('SELECT name, firm, count(*)::int FROM contacts GROUP BY 1, 2 ORDER BY 1, 2')).toEqual([
      ['again', 2, 1],
      ['new', 1, 1],
      ['x', 1, 2990],
      ['y', 1, 2999],
      ['y', 2, 1],
    ]);
  });

  it('comes in its order where keys move or tables are emptied', async () => {
    await using bed = await LoadBed.open(TABLES);
    const { firms, contacts } = tablesOf(bed);
    await bed.apply([contacts.c(...numbers(1, 6000).map((id): Row => [id, null, 'x']))]);
    await staged(bed, [
      contacts.move(
        ...numbers(1, 6000)
          .reverse()
          .map((id) => [[id], [String(Number(id) + 1), null, 'y']] as const),
      ),
    ]);
    expect(await bed.rows('SELECT count(*)::int, min(id), max(id), min(name) FROM contacts')).toEqual([[6000, 2, 6001, 'y']]);
    await staged(bed, [
      firms.c(['1', 'a']),
      contacts.t(),
      contacts.c(['1', '1', 'z']),
      contacts.t(),
      contacts.c(['2', '1', 'y'], ['3', '1', 'y']),
    ]);
    expect(await bed.rows('SELECT * FROM contacts ORDER BY 1')).toEqual([
      [2, 1, 'y'],
      [3, 1, 'y'],
    ]);
    await staged(bed, [firms.c(['2', 'b'], ['4', 'd']), contacts.move([['2'], ['5', '4', 'x']])]);
    expect(await bed.rows('SELECT * FROM contacts ORDER BY 1')).toEqual([
      [3, 1, 'y'],
      [5, 4, 'x'],
    ]);
  });

  it('leaves refused rows beside the others', async () => {
    await using bed = await LoadBed.open(TABLES);
    const { contacts } = tablesOf(bed);
    const rows = numbers(1, 11_000).map((id): Row => [id, null, id === '77' || id === '10500' ? 'bad' : 'good']);
    expect(await staged(bed, [contacts.c(...rows)])).toMatchObject({ inserted: 10_998, refused: 2 });
    expect((await bed.openRefusals()).map(({ key }) => key)).toEqual([{ id: '77' }, { id: '10500' }]);
    expect(await staged(bed, [contacts.u(['77', null, 'better'])])).toMatchObject({ inserted: 1, released: 1 });
  });

  it('takes over unique values between its passes, in the order of the record', async () => {
    await using bed = await LoadBed.open(TABLES);
    const { firms } = tablesOf(bed);
    await bed.apply([firms.c(...numbers(1, 6000).map((id): Row => [id, `code${id}`]))]);
    // Each new firm takes the code of an old one that goes: inserts before deletes would be refused by the thousand.
    const report = await staged(bed, [
      firms.d(...numbers(1, 6000).map((id) => [id])),
      firms.c(...numbers(1, 6000).map((id): Row => [String(Number(id) + 10_000), `code${id}`])),
    ]);
    expect(report).toMatchObject({ inserted: 6000, deleted: 6000, refused: 0 });
  });

  it('is forgotten when it is abandoned, and nothing of the next is mixed with it', async () => {
    await using bed = await LoadBed.open(TABLES);
    const { firms } = tablesOf(bed);
    await bed.session.stage([firms.c(['1', 'a'])], bed.writes.lookup);
    await bed.session.discardStaged();
    await bed.session.discardStaged();
    expect(await staged(bed, [firms.c(['2', 'b'])])).toMatchObject({ inserted: 1 });
    await bed.session.stage([firms.c(['3', 'c'])], bed.writes.lookup);
    bed.session = await bed.target.open();
    expect(await staged(bed, [firms.c(['4', 'd'])])).toMatchObject({ inserted: 1 });
    expect(await bed.rows('SELECT id FROM firms ORDER BY id')).toEqual([[2], [4]]);
  });

  it('is stopped at a new row without all its values', async () => {
    await using bed = await LoadBed.open(TABLES);
    const { firms } = tablesOf(bed);
    await expect(staged(bed, [firms.c(['1', undefined])])).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('bears rows as large as a slice', async () => {
    await using bed = await LoadBed.open(TABLES);
    const { firms } = tablesOf(bed);
    await bed.sql.query('ALTER TABLE firms DROP CONSTRAINT firms_code_key');
    const huge = 'x'.repeat(9 * 1024 * 1024);
    expect(await staged(bed, [firms.c(['1', huge], ['2', 'b']), firms.c(['3', huge]), firms.u(['1', 'small'])])).toMatchObject({
      inserted: 3,
    });
    expect(await bed.rows('SELECT id, length(code) FROM firms ORDER BY id')).toEqual([
      [1, 5],
      [2, 1],
      [3, huge.length],
    ]);
  });
});
