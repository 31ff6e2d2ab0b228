import { ChangeoverError } from '@changeover/core';

type RelationColumn = {
  readonly name: string;
  readonly typeOid: number;
  readonly typmod: number;
  /** Sent in the old key of an update or delete. With REPLICA IDENTITY FULL: every column. */
  readonly inIdentity: boolean;
};

/** `pg_class.relreplident`: default (primary key), nothing, full, index. */
export type ReplicaIdentity = 'd' | 'n' | 'f' | 'i';

/** A table as pgoutput announces it before its first row, and again after every change of its definition. */
export type Relation = {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  readonly replicaIdentity: ReplicaIdentity;
  readonly columns: readonly RelationColumn[];
};

const REPLICA_IDENTITIES: readonly ReplicaIdentity[] = ['d', 'n', 'f', 'i'];

export function asReplicaIdentity(letter: string): ReplicaIdentity {
  const known = REPLICA_IDENTITIES.find((one) => one === letter);
  if (known === undefined)
    throw new ChangeoverError('SOURCE_DATA', `the source knows a replica identity ${JSON.stringify(letter)} that we do not`);
  return known;
}

/**
 * Reads a Relation message ("R", https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html);
 * `at` is behind the message's letter.
 */
export function readRelation(message: Buffer, at: number): Relation {
  const text = new TextReader(message, at);
  const oid = text.uint32();
  const schema = text.string();
  const table = text.string();
  const replicaIdentity = asReplicaIdentity(String.fromCharCode(text.uint8()));
  const columns = Array.from({ length: text.uint16() }, () => {
    const flags = text.uint8();
    return { inIdentity: (flags & 1) !== 0, name: text.string(), typeOid: text.uint32(), typmod: text.int32() };
  });
  // pg_catalog comes as an empty name.
  return { oid, schema: schema === '' ? 'pg_catalog' : schema, table, replicaIdentity, columns };
}

/** For messages that come rarely. Past the end it throws RangeError, which the decoder turns into SOURCE_DATA. */
export class TextReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.#at++);
  }

  uint16(): number {
    this.#at += 2;
    return this.#bytes.readUInt16BE(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  uint32(): number {
    this.#at += 4;
    return this.#bytes.readUInt32BE(this.#at - 4);
  }

  skip(bytes: number): void {
    this.#at += bytes;
  }

  /** Up to the next zero byte. */
  string(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end === -1) throw new ChangeoverError('SOURCE_DATA', 'the source sent a string without an end');
    const value = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return value;
  }

  /** `bytes` bytes as text. */
  text(bytes: number): string {
    this.#at += bytes;
    if (this.#at > this.#bytes.length) throw new ChangeoverError('SOURCE_DATA', 'the source sent a text longer than its message');
    return this.#bytes.toString('utf8', this.#at - bytes, this.#at);
  }
}
