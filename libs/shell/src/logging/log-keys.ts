/** Every key that a log line may have beside level, time, migration, role and msg. None ever holds a value of a record. */
export const LOG_KEYS = {
  code: 'Stable code of the error; docs/reference/errors.md has its page.',
  nextStep: 'What the operator does about it.',
  facts: 'Names, counts and positions of this occurrence.',
  cause: 'Classes and codes of the errors behind it, outermost first.',
  stack: 'Where a bug showed itself: places only.',
  attempt: 'Failed runs since the last healthy one.',
  delayMs: 'Milliseconds until the next try.',
  troubledMs: 'Milliseconds since the first failure of this trouble.',
  state: 'What the role is doing: starting, running, waiting, stopping, stopped, failed.',
  position: 'Source position reached.',
  seq: 'Sequence of the record reached.',
  records: 'Number of records.',
  rows: 'Number of rows.',
  bytes: 'Number of bytes.',
  file: 'Path of a file of ours.',
  url: 'Address of a service, without password.',
  mapping: 'Hash of a mapping.',
  context: 'Part of the framework that speaks.',
  signal: 'Signal received.',
} as const satisfies Record<string, string>;

export type LogKey = keyof typeof LOG_KEYS;

export type LogFacts = {
  readonly [Key in LogKey]?: string | number | boolean | null | undefined | Readonly<Record<string, string | number | boolean | null>>;
};
