import type { StreamName } from '../log/message-store.port.js';

/**
 * What was looked at when something was found:
 * `start`: the stream's beginning is there. `store`: the store gives its messages. `message`: checksum and form of one message.
 * `order`: sequence, chain, positions, epochs and parts. `log-id`: one stream, one log. `frames`: a record's rows can be taken apart and are as
 * many as it says. `body`: the JSON of the other kinds. `reference`: where a record says that another one is, there it is.
 * `origin`: what a record of `writes` was made from.
 */
export type LogCheck = 'start' | 'store' | 'message' | 'order' | 'log-id' | 'frames' | 'body' | 'reference' | 'origin';

/** The codes with which a reader of the log would stop there. */
export type FindingCode = 'LOG_CORRUPT' | 'LOG_GAP' | 'LOG_RECREATED' | 'LOG_TRUNCATED';

/** Something that is wrong with a message, or with where it stands. Holds no value of a record. */
export type Problem = {
  readonly code: FindingCode;
  readonly check: LogCheck;
  readonly offset: number;
  /** Of the record that it says it is; where that cannot be read, the one that was due there. Null: nobody knows. */
  readonly seq: number | null;
  readonly what: string;
};

export type LogFinding = { readonly stream: StreamName } & Problem;
