import type { CommandWords } from './command.js';

/** What `changeover --help` says: of all commands, of which it loads none. In its order. */
export const COMMAND_WORDS = {
  init: { name: 'init', description: 'Write a settings file and a mapping to begin with. Never overwrites.' },
  introspect: {
    name: 'introspect',
    description:
      'Read the tables of both databases, and write their types, by which TypeScript checks the rules of a mapping. Changes nothing in them.',
  },
  analyze: {
    name: 'analyze',
    description:
      'Say what is really in the source: types in use, references nobody declared, orphans, duplicates, personal data, broken text; hold it against the target, and propose a first mapping. Reads each table once, no faster than source.copy.bytesPerSecond. Changes nothing.',
  },
  check: {
    name: 'check',
    description:
      'Look at settings, mapping, source, target, log and control database; say what is missing and the exact lines that grant it. Changes nothing.',
  },
  up: { name: 'up', description: 'Run capture, transform and load in this process, with the services they need, until Ctrl-C.' },
  status: {
    name: 'status',
    description:
      'Show how far capture, transform and load are, as they said last, and how many rows the target lists as held, waiting and refused.',
  },
  barrier: {
    name: 'barrier',
    description: 'Put a mark behind everything that is committed at the source now, and follow it to the target.',
  },
  verify: {
    name: 'verify',
    description:
      'Compare every row of the target, and of the lists of held and refused rows, with what the mapping makes of the source, both at one place of the stream, while people go on. Exits 1 if they differ.',
  },
  plan: {
    name: 'plan',
    arguments: '[mapping]',
    argsDescription: { mapping: 'the file of the mapping (default: that of the settings)' },
    description:
      'Tell what another mapping would change of the rows that are written: how many come, go and change in which columns, which are held, and some of them by key; where transform runs. Changes nothing. Exits 1 if something would change, or if the target cannot take it. With --sample, before anything was copied: write some of the rows that the mapping makes into a schema of their own.',
  },
  activate: {
    name: 'activate',
    arguments: '[mapping]',
    argsDescription: { mapping: 'the file of the mapping: has to hold what that of the settings does (default: that)' },
    description:
      'Bring another mapping into force, while people go on: rows of the new database that it makes otherwise are written, and no others. Where transform runs, once its mapping file holds the new one. Says what would change, and with --yes does it.',
  },
  explain: {
    name: 'explain',
    arguments: '<table> [key...]',
    argsDescription: {
      table: 'a table of the new database, or of the old one',
      key: 'its key, a word for each column; of the old one as `held list` shows it. Behind -- where it begins with a dash',
    },
    description:
      'Tell why a row of the new database is what it is, column by column, or what became of a row of the old one and why; where transform runs. Prints its values. Changes nothing.',
  },
  count: {
    name: 'count',
    description:
      'Account for every row of the old database: how many are written, merged into others, held, waiting, and left out by the rule, table by table, and what each validation rule says; where transform runs. Exits 1 if a row is not accounted for.',
  },
  checkpoint: {
    name: 'checkpoint',
    description: 'Name a place of the stream to which the target can be taken back, and see which there are.',
    isGroup: true,
  },
  rewind: {
    name: 'rewind',
    description:
      'Take the target back to a checkpoint, or on to another one, in one transaction, and park load there. Costs what has changed since, not what the tables hold.',
  },
  forward: {
    name: 'forward',
    description: 'Take the target from the checkpoint where it is parked to where load had come, in one transaction, and let load go on.',
  },
  rebuild: {
    name: 'rebuild',
    description:
      'Build the tables of the target once more from the log alone, beside the live ones, and compare them. Resumes where it was. Exits 1 if they differ.',
  },
  state: { name: 'state', description: 'What transform remembers beside the log.', isGroup: true },
  held: {
    name: 'held',
    description: 'See the rows that are held, wait or are refused, and correct or accept what holds them.',
    isGroup: true,
  },
  reference: {
    name: 'reference',
    description: 'Record rows of the new database that the mapping looks up, and see what is recorded.',
    isGroup: true,
  },
  log: { name: 'log', description: 'Look into the event log, and check that it is as it was written. Changes nothing.', isGroup: true },
} as const satisfies Readonly<Record<string, CommandWords>>;
