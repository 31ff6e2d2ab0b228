import type { Random } from '../../random.js';
import type { MoveKind } from './kinds.js';
import type { Session, Table } from './known-crm.js';
import { words } from './words.js';

type Work = (session: Session) => Promise<void>;
type Value = string | number | null;

/** Where people slip: a column, what nobody can read in it, and what everybody can. */
const SLIPS: Readonly<
  Record<Table, readonly (readonly [column: string, bad: (random: Random) => Value, good: (random: Random) => Value])[]>
> = {
  accounts: [
    ['billing_country', words.unreadableCountry, words.country],
    ['account_type', () => 'RESELLER?', () => 'PARTNER'],
    ['name', () => ' ', words.company],
  ],
  contacts: [
    ['phone_mobile', words.unreadablePhone, words.phone],
    ['primary_address_country', words.unreadableCountry, words.country],
    ['last_name', () => '&nbsp;', words.last],
    ['do_not_call', () => 'maybe', words.flag],
  ],
  leads: [
    ['phone', words.unreadablePhone, words.phone],
    ['status', () => 'UNHEARD OF', () => 'In  Process'],
  ],
  opportunities: [
    ['sales_stage', () => 'ON HOLD', () => 'PROPOSAL'],
    ['date_closed', words.unreadableDay, words.day],
    ['amount', () => null, (random) => random.integer(1, 1e6)],
  ],
  activities: [
    ['date_due', words.unreadableMoment, words.moment],
    ['activity_type', () => 'FAX', () => 'CALL'],
    ['finished', () => 'maybe', words.flag],
  ],
};

export const throwAway =
  (table: Table): Work =>
  async (session) => {
    const { random, known } = session;
    const key = known.rows[table].pick(random);
    if (key === undefined) return;
    await session.transaction(async (transaction) => {
      await transaction.must(`UPDATE ${table} SET deleted = 1 WHERE id = $1 AND deleted = 0`, key);
      transaction.kinds.add('thrown away');
      transaction.afterCommit(() => {
        known.rows[table].remove(key);
        known.thrownAway[table].add(key);
      });
    });
  };

export const takeBack =
  (table: Table): Work =>
  async (session) => {
    const { random, known } = session;
    const key = known.thrownAway[table].pick(random);
    if (key === undefined) return;
    await session.transaction(async (transaction) => {
      await transaction.must(`UPDATE ${table} SET deleted = 0 WHERE id = $1 AND deleted = 1`, key);
      transaction.kinds.add('taken back');
      transaction.afterCommit(() => {
        known.thrownAway[table].remove(key);
        known.rows[table].add(key);
      });
    });
  };

export const makeUnreadable =
  (table: Table, kind: MoveKind = 'made unreadable'): Work =>
  async (session) => {
    const { random, known } = session;
    const key = known.rows[table].pick(random);
    if (key === undefined) return;
    const [column, bad] = random.pick(SLIPS[table]);
    await session.transaction(async (transaction) => {
      await transaction.must(`UPDATE ${table} SET ${column} = $2 WHERE id = $1`, key, bad(random));
      transaction.kinds.add(kind);
      transaction.afterCommit(() => known.unreadable[table].add(key));
    });
  };

export const makeReadable =
  (table: Table, kind: MoveKind = 'made readable'): Work =>
  async (session) => {
    const { random, known } = session;
    const key = known.unreadable[table].pick(random);
    if (key === undefined) return;
    const slips = SLIPS[table];
    const sets = slips.map(([column], index) => `${column} = $${String(index + 2)}`).join(', ');
    await session.transaction(async (transaction) => {
      await transaction.must(`UPDATE ${table} SET ${sets} WHERE id = $1`, key, ...slips.map(([, , good]) => good(random)));
      transaction.kinds.add(kind);
      transaction.afterCommit(() => known.unreadable[table].remove(key));
    });
  };

/** A row goes for good, and nothing of what belongs to it: there are no foreign keys. */
export const deleteForGood =
  (table: 'accounts' | 'contacts', kind: MoveKind): Work =>
  async (session) => {
    const { random, known } = session;
    const key = known.rows[table].pick(random);
    if (key === undefined) return;
    known.rows[table].remove(key);
    await session.transaction(async (transaction) => {
      const [row] = await transaction.must<{ json: string }>(
        `DELETE FROM ${table} AS t WHERE id = $1 RETURNING row_to_json(t)::text AS json`,
        key,
      );
      transaction.kinds.add(kind).add('delete');
      transaction.afterCommit(() => known.bin[table].push(row?.json ?? ''));
    });
  };

export const bringBack =
  (table: 'accounts' | 'contacts', kind: MoveKind): Work =>
  async (session) => {
    const { known } = session;
    const json = known.bin[table].shift();
    if (json === undefined) return;
    await session.transaction(async (transaction) => {
      await transaction.run(`INSERT INTO ${table} SELECT * FROM json_populate_record(NULL::${table}, $1::json)`, json);
      transaction.kinds.add(kind).add('insert');
      transaction.afterCommit(() => known.rows[table].add((JSON.parse(json) as { id: number | string }).id));
    });
  };
