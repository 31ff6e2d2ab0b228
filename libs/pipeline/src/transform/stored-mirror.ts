import { ChangeoverError } from '@changeover/core';
import type { Line, ReadPosition, RecordRef, StateLook, TableSchema } from '@changeover/events';

import { TableMirror, type MirrorState } from '../mirror/table-mirror.js';
import { decodePlace, type RefusedActivation, type TransformPlace } from './transform-place.js';

/** What transform remembers of the source's rows, as it has committed it last: for those who look from outside. */
export class StoredMirror {
  /** The last record of `changes` that is in it. */
  readonly read: ReadPosition;
  readonly #state: MirrorState;
  readonly #place: TransformPlace;
  readonly #fetch: (ref: RecordRef) => Promise<TableSchema>;

  private constructor(look: StateLook, place: TransformPlace, read: ReadPosition, fetch: (ref: RecordRef) => Promise<TableSchema>) {
    const unwritten = (): never => {
      throw new ChangeoverError('INTERNAL', 'who looks at a state changes nothing, and finds no single row');
    };
    this.#state = { entries: (prefix, after) => look.entries(prefix, after), get: unwritten, put: unwritten, remove: unwritten };
    this.#place = place;
    this.#fetch = fetch;
    this.read = read;
  }

  /** `fetch` gives a form that `changes` has told. NOT_FOLLOWING: what is there is of no record, or not all that the source holds. */
  static of(look: StateLook, fetch: (ref: RecordRef) => Promise<TableSchema>): StoredMirror {
    const place = wholePlace(look);
    return new StoredMirror(look, place, place.read, fetch);
  }

  /** The rows that are remembered of the table, in the form told last there; null: the table is not known, or that form is not this one. */
  async rows(table: TableSchema): Promise<Iterable<Line> | null> {
    const number = this.#place.tables.findIndex(({ name }) => name === `${table.schema}.${table.table}`);
    const known = this.#place.tables[number];
    if (known === undefined) return null;
    const mirror = new TableMirror(this.#state, number, known.name);
    let last: TableSchema | null = null;
    for (const ref of known.forms) mirror.addForm((last = await this.#fetch(ref)));
    return last?.hash === table.hash ? linesOf(mirror, known.forms.length - 1) : null;
  }
}

/** The record of `changes` that activated the mapping of what is there. NOT_FOLLOWING: what is there is of no record, or not all that the source holds. */
export function activationOf(look: StateLook): RecordRef {
  const { active } = wholePlace(look);
  if (active === null) throw notWhole('no mapping is active yet');
  return active;
}

/** The same as far as it is known, whatever transform does now; null: it is not. */
export function lastActivationOf({ place }: StateLook): RecordRef | null {
  return decodePlace(place)?.active ?? null;
}

/** The activations that were refused, in their order, as far as it is known. */
export function refusedOf({ place }: StateLook): readonly RefusedActivation[] {
  return decodePlace(place)?.refused ?? [];
}

/** Where the state stands. NOT_FOLLOWING: what is there is of no record, or not all that the source holds. */
export function wholePlace(look: StateLook): TransformPlace & { readonly read: ReadPosition } {
  const place = decodePlace(look.place);
  const read = place?.read ?? null;
  if (place === null || read === null) throw notWhole('transform has remembered nothing yet, or is of another version');
  // What a coming mapping puts there is beside all that is asked for.
  if (look.isBetween && place.phase.name !== 'activating')
    throw notWhole(
      place.phase.name === 'deriving'
        ? 'everything is being derived for the first time'
        : 'transform is in the middle of a large transaction',
    );
  if (place.phase.name === 'filling')
    throw notWhole('tables are being copied for the first time, or rows that the mapping looks up are not recorded yet');
  const copied = Object.keys(place.copies);
  if (copied.length > 0) throw notWhole(`${copied.join(', ')} ${copied.length === 1 ? 'is' : 'are'} being copied`);
  return { ...place, read };
}

function* linesOf(mirror: TableMirror, form: number): Generator<Line> {
  for (const { line } of mirror.rows(null, form)) yield line;
}

export function notWhole(why: string): ChangeoverError {
  return new ChangeoverError('NOT_FOLLOWING', `what transform remembers cannot be compared now: ${why}`);
}
