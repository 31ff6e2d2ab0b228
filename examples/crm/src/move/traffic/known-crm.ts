import type { ClientBase } from 'pg';

import { KnownKeys } from '../../traffic/known-rows.js';
import type { UserActivity } from '../../traffic/crew.js';
import type { UserSession } from '../../traffic/user-session.js';
import type { MoveKind } from './kinds.js';

export type Session = UserSession<MoveKind, KnownCrm>;
export type Activity = UserActivity<MoveKind, KnownCrm>;

/** Tables whose rows are thrown away, taken back, broken and repaired. */
export type Table = 'accounts' | 'contacts' | 'leads' | 'opportunities' | 'activities';

export type Key = number | string;
type ByTable = Readonly<Record<Table, KnownKeys<Key>>>;

/** What all users share: which rows there are, and which of them are in a state that somebody can undo. Hints only; the database decides. */
export class KnownCrm {
  readonly users = new KnownKeys<Key>();
  readonly rows = byTable();
  readonly notes = new KnownKeys<Key>();
  /** `opportunity/contact` */
  readonly links = new KnownKeys<string>();
  readonly thrownAway = byTable();
  readonly unreadable = byTable();
  /** Contacts whose address, and accounts whose customer number, somebody else has as well. */
  readonly sharers = byTable();
  /** Rows that were deleted for good, as JSON, to come back as they were. */
  readonly bin: Readonly<Record<'accounts' | 'contacts', string[]>> = { accounts: [], contacts: [] };
  #last = 0;

  /** What there is when they come to work. */
  static async load(client: ClientBase): Promise<KnownCrm> {
    const known = new KnownCrm();
    const fill = async <K>(keys: KnownKeys<K>, query: string): Promise<void> => {
      const { rows } = await client.query<[K]>({ text: query, rowMode: 'array' });
      for (const [key] of rows) keys.add(key);
    };
    await fill(known.users, 'SELECT id FROM users ORDER BY id');
    for (const table of TABLES) {
      // Numbers as numbers.
      const id = table === 'accounts' || table === 'activities' ? 'id::integer' : 'id';
      await fill(known.rows[table], `SELECT ${id} FROM ${table} WHERE deleted = 0 ORDER BY id`);
      await fill(known.thrownAway[table], `SELECT ${id} FROM ${table} WHERE deleted = 1 ORDER BY id`);
    }
    await fill(known.notes, 'SELECT id::integer FROM notes WHERE deleted = 0 ORDER BY id');
    await fill(known.links, "SELECT opportunity_id || '/' || contact_id FROM opportunities_contacts ORDER BY 1");
    const { rows } = await client.query<{ last: number }>(
      'SELECT greatest((SELECT max(id) FROM accounts), (SELECT max(id) FROM activities), (SELECT max(id) FROM notes))::integer AS last',
    );
    known.#last = rows[0]?.last ?? 0;
    return known;
  }

  /** A number that no table has used yet, also not for what is missing. */
  nextNumber(): number {
    return ++this.#last + MISSING;
  }
}

/** The generator names accounts that were purged by numbers up to here above the last one. */
const MISSING = 1_000_000;

const TABLES: readonly Table[] = ['accounts', 'contacts', 'leads', 'opportunities', 'activities'];

function byTable(): ByTable {
  return Object.fromEntries(TABLES.map((table) => [table, new KnownKeys<Key>()])) as Record<Table, KnownKeys<Key>>;
}
