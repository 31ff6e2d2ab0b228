import { ChangeoverError, invariant } from '@changeover/core';

import type { FenceHeader, RecordHeader } from '../record/header.js';
import { decodeMessage, encodeMessage } from '../record/message-codec.js';
import type { LogTail, LogWriter, RecordPart } from './event-log.port.js';
import type { MessageStore, StreamName } from './message-store.port.js';

/** Longer bodies are cut: together with the header a message stays well below a broker's default limit of 1 MiB. */
export const MAX_BODY_BYTES = 700_000;
/** What one store append may hold before it is split. */
const MAX_APPEND_BYTES = 900_000;
/** After so many bytes the writer fences itself anew, so that whoever looks for the tail reads no more than this. */
const REFENCE_BYTES = 64 * 1024 * 1024;

const NEVER = new AbortController().signal;

type Fence = { readonly logId: string; readonly epoch: number; readonly at: number };
type Stored = { readonly seq: number; readonly at: number };
type Pending = { readonly bytes: Buffer; readonly header: RecordHeader; readonly checksum: string };

export class SequencedWriter implements LogWriter {
  readonly #store: MessageStore;
  readonly #stream: StreamName;
  readonly #writerId: string;
  #fence: Fence;
  #tail: LogTail;
  /** Where the next message lies if nobody else writes. */
  #expected: number;
  #bytesSinceFence = 0;
  /** Parts of the unfinished record that are stored, and the checksum of the last of them. */
  #open: { readonly part: number; readonly checksum: string } | null = null;
  #state: 'idle' | 'appending' | 'broken' = 'idle';

  constructor(options: {
    readonly store: MessageStore;
    readonly stream: StreamName;
    readonly writerId: string;
    readonly fence: Fence;
    readonly tail: LogTail;
  }) {
    this.#store = options.store;
    this.#stream = options.stream;
    this.#writerId = options.writerId;
    this.#fence = options.fence;
    this.#tail = options.tail;
    this.#expected = options.fence.at + 1;
  }

  get tail(): LogTail {
    return this.#tail;
  }

  abandon(): void {
    this.#open = null;
  }

  async append(parts: readonly RecordPart[]): Promise<readonly Stored[]> {
    invariant(this.#state === 'idle', `an append on ${this.#stream} while the writer is ${this.#state}`);
    this.#state = 'appending';
    // Only a clean end makes the writer usable again: after an error nobody knows what is stored.
    const stored = await this.#append(parts).catch((error: unknown) => {
      this.#state = 'broken';
      throw error;
    });
    this.#state = 'idle';
    return stored;
  }

  async #append(parts: readonly RecordPart[]): Promise<readonly Stored[]> {
    if (this.#bytesSinceFence > REFENCE_BYTES && this.#open === null) await this.#fenceAnew();
    const stored: Stored[] = [];
    let pending: Pending[] = [];
    let bytes = 0;
    const chain = { seq: this.#tail.seq, pos: this.#tail.pos, checksum: this.#tail.checksum, open: this.#open };
    for (const whole of parts) {
      for (const part of cut(whole)) {
        // First, so that facts can't say what is not theirs; and a spread behind other keys costs many times more.
        const header: RecordHeader = {
          ...part.facts,
          kind: part.kind,
          logId: this.#fence.logId,
          epoch: this.#fence.epoch,
          seq: chain.seq + 1,
          part: chain.open === null ? 1 : chain.open.part + 1,
          last: part.last,
          follows: chain.pos,
          prev: chain.open?.checksum ?? chain.checksum,
          fenceAt: this.#fence.at,
        };
        const message = encodeMessage(header, part.body);
        if (bytes > 0 && bytes + message.bytes.length > MAX_APPEND_BYTES) {
          stored.push(...(await this.#storeCounted(pending)));
          pending = [];
          bytes = 0;
        }
        pending.push({ header, bytes: message.bytes, checksum: message.checksum });
        bytes += message.bytes.length;
        if (part.last) {
          chain.seq = header.seq;
          chain.pos = header.pos ?? header.follows;
          chain.checksum = message.checksum;
          chain.open = null;
        } else {
          chain.open = { part: header.part, checksum: message.checksum };
        }
      }
    }
    if (pending.length > 0) stored.push(...(await this.#storeCounted(pending)));
    return stored;
  }

  /** Stores messages, makes sure that they count, and gives where each record ended that ends among them. */
  async #storeCounted(messages: readonly Pending[]): Promise<readonly Stored[]> {
    const first = await this.#store.append(
      this.#stream,
      messages.map((message) => message.bytes),
    );
    if (first !== this.#expected) await this.#requireNoFence(this.#expected, first);
    this.#expected = first + messages.length;
    const stored: Stored[] = [];
    messages.forEach(({ bytes, header, checksum }, index) => {
      this.#bytesSinceFence += bytes.length;
      if (header.last) {
        const { logId, epoch, seq, follows } = header;
        const at = first + index;
        this.#open = null;
        this.#tail = { logId, epoch, seq, pos: header.pos ?? follows, checksum, at, header };
        stored.push({ seq, at });
      } else {
        this.#open = { part: header.part, checksum };
      }
    });
    return stored;
  }

  /**
   * Our messages lie one behind the other unless somebody else wrote, so a jump is the sign to look for a fence: what
   * we are told to be stored is durable, but it counts only if no higher fence lies before it.
   */
  async #requireNoFence(from: number, until: number): Promise<void> {
    const ours = this.#fence.epoch;
    for await (const batch of this.#store.read(this.#stream, from, { signal: NEVER, until })) {
      for (const message of batch) {
        const { header } = decodeMessage(message.bytes, message.offset);
        if (header.kind !== 'fence' || header.epoch <= ours) continue;
        throw new ChangeoverError(
          'FENCED',
          `another writer took over ${this.#stream} with epoch ${String(header.epoch)}; ours was ${String(ours)}`,
          {
            facts: { stream: this.#stream, epoch: header.epoch, ours },
          },
        );
      }
    }
  }

  async #fenceAnew(): Promise<void> {
    const { logId, epoch, at: fenceAt } = this.#fence;
    const header: FenceHeader = { kind: 'fence', logId, epoch: epoch + 1, writerId: this.#writerId, fenceAt };
    const at = await this.#store.append(this.#stream, [encodeMessage(header, []).bytes]);
    if (at !== this.#expected) await this.#requireNoFence(this.#expected, at);
    this.#expected = at + 1;
    this.#fence = { logId, epoch: epoch + 1, at };
    this.#bytesSinceFence = 0;
  }
}

/** Cuts a body that is too long for one message; only the last piece is the record's last part and carries its facts. */
function* cut(part: RecordPart): Iterable<RecordPart> {
  const length = part.body.reduce((sum, piece) => sum + piece.length, 0);
  if (length <= MAX_BODY_BYTES) {
    yield part;
    return;
  }
  const bytes = Buffer.concat(part.body, length);
  for (let at = 0; at < length; at += MAX_BODY_BYTES) {
    const end = Math.min(at + MAX_BODY_BYTES, length);
    const last = part.last && end === length;
    const schemas = part.facts?.schemas;
    yield {
      kind: part.kind,
      body: [bytes.subarray(at, end)],
      last,
      ...(last ? { facts: part.facts ?? {} } : schemas === undefined ? {} : { facts: { schemas } }),
    };
  }
}
