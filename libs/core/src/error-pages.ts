/**
 * What the supervised loop does with an error:
 * `retry` with back-off, for as long as it takes; `stop` ends the process with exit code 1 and the next step.
 */
export type ErrorPolicy = 'retry' | 'stop';

export type ErrorPage = {
  /** What it means, in one or two sentences. */
  readonly meaning: string;
  /** What the operator does. Also shown by commands that try only once: that a process tries again is the policy's to say. */
  readonly nextStep: string;
  readonly policy: ErrorPolicy;
  /** What happens where that is not all that the policy says. */
  readonly does?: string;
};

/** Every code we throw, with its manual page. Sorted by subject; rendered into `docs/reference/errors.md`. */
export const ERROR_PAGES = {
  INTERNAL: {
    meaning: 'A condition that only a bug of Changeover can break.',
    nextStep:
      'Nothing was lost: the process stopped before it wrote. Start it again; if it comes back, report the message and the log lines before it.',
    policy: 'stop',
  },
  BAD_SETTINGS: {
    meaning: 'A setting, or an option of a command, is missing, unknown or has a value that does not fit.',
    nextStep: 'Correct what the message names; `docs/reference/settings.md` lists all settings, `--help` the options of a command.',
    policy: 'stop',
  },
  ALREADY_RUNNING: {
    meaning: 'Another live process holds the lease of this role in this migration.',
    nextStep:
      'Stop the other process, or wait for it. Where log and control database are servers of their own, `changeover up` and the processes of the roles have --take-over, by which they start in its place: it ends the other one’s database sessions and fences it.',
    policy: 'stop',
  },
  FENCED: {
    meaning: 'Another process has taken over this role. Nothing that this process wrote since then counts.',
    nextStep: 'Nothing to do if the take-over was meant; otherwise stop the other process and start this one again.',
    policy: 'stop',
  },
  DISTURBED: {
    meaning:
      'Another process fenced us, but the lease of this role is still ours: it had lost the role and did not know yet. Nothing that it writes from here on counts.',
    nextStep: 'Nothing, unless it stays: then two processes run that do not see the same control database.',
    policy: 'retry',
  },
  LOG_UNREACHABLE: {
    meaning: 'The event log does not answer.',
    nextStep: 'Check the address, the credentials and whether the broker or database of the log is up.',
    policy: 'retry',
  },
  LOG_DENIED: {
    meaning: 'The event log refuses our credentials or lacks a privilege that the role needs.',
    nextStep: 'Correct the credentials, or grant what the message names, then start again.',
    policy: 'stop',
  },
  LOG_MISSING: {
    meaning: 'A stream (topic or table) that this migration has written before does not exist any more.',
    nextStep: 'Restore it from a backup. If it is gone for good, begin a new migration: the events that only it held cannot be had again.',
    policy: 'stop',
  },
  LOG_RECREATED: {
    meaning: 'The stream has another log id than the one we have read so far: it was deleted and created again.',
    nextStep: 'Restore the original stream, or begin a new migration with a new id and an empty target.',
    policy: 'stop',
  },
  LOG_TRUNCATED: {
    meaning: 'The stream starts behind, or ends before, the record we must go on from: records were deleted.',
    nextStep: 'Restore the stream, and set its retention to unlimited. Changeover never goes on over a gap.',
    policy: 'stop',
  },
  LOG_GAP: {
    meaning: 'A record is missing from the middle of the stream: the sequence, the chain of checksums or the position does not follow.',
    nextStep: 'Restore the stream from a backup. Changeover never goes on over a gap.',
    policy: 'stop',
  },
  LOG_CORRUPT: {
    meaning: 'A message of the stream is not what was written: its checksum does not match, or it cannot be decoded.',
    nextStep: 'Restore the stream from a backup; the message names the offset.',
    policy: 'stop',
  },
  LOG_BEHIND_SOURCE: {
    meaning: 'The source has already released changes that the log does not hold: the log lost its end, or belongs to another source.',
    nextStep: 'Restore the log, or begin a new migration under another id with empty target tables. The message names both positions.',
    policy: 'stop',
  },
  SOURCE_UNREACHABLE: {
    meaning: 'The source database does not answer. Its slot keeps the changes meanwhile.',
    nextStep: 'Check host, port and network, and whether the server is up.',
    policy: 'retry',
  },
  SOURCE_DENIED: {
    meaning: 'The source refuses our user or password, or a privilege is missing.',
    nextStep: 'Correct the credentials. For a privilege that is missing `changeover check` prints the exact lines.',
    policy: 'stop',
  },
  SOURCE_NOT_READY: {
    meaning: 'The source is not set up for capture: wal_level, a free slot or sender, or a replica identity is missing.',
    nextStep: 'Run `changeover check`: it prints the exact lines to run, and whether a restart is needed.',
    policy: 'stop',
  },
  SOURCE_LOST: {
    meaning:
      'The source can no longer give the changes after our position, or did not tell all of them: the slot is gone or invalidated, it is another server or timeline, a captured table was dropped, renamed or taken out of the publication, or the publication was altered.',
    nextStep:
      'What was captured is kept. Find out why it was lost (the message says what was seen), then begin a new migration under another id with empty target tables. If only some tables were lost, `source.exclude` lets the others go on.',
    policy: 'stop',
  },
  SOURCE_WAITS: {
    meaning:
      'A warning: capture cannot begin yet. A replication slot is made only when every transaction that was open has ended, of any database of the server.',
    nextStep:
      'The message names the oldest transactions by process and application. End them, or `SELECT pg_terminate_backend(<pid>)`; capture then goes on by itself. For a prepared one: `ROLLBACK PREPARED` (see pg_prepared_xacts).',
    policy: 'retry',
  },
  SOURCE_BUSY: {
    meaning: 'Somebody else holds the replication slot.',
    nextStep: 'Nothing, unless it stays: then see who holds it in pg_replication_slots, or start with --take-over.',
    policy: 'retry',
  },
  SOURCE_RETENTION: {
    meaning: 'The source keeps more write-ahead log for us than the limit in the settings allows.',
    nextStep:
      'Find what holds capture back (`changeover status`); then raise the limit. If the message says that the slot was let go, begin a new migration under another id with empty target tables.',
    policy: 'stop',
  },
  SOURCE_DATA: {
    meaning: 'The source sent something that capture does not understand or must not pass on.',
    nextStep: 'The message says what and where; nothing after it was acknowledged. Report it with the source’s version.',
    policy: 'stop',
  },
  SNAPSHOT_NEEDED: {
    meaning:
      'A table without a key holds rows that no change will tell of. They cannot be copied while people write: nobody could tell which of them a change concerns.',
    nextStep:
      'Give the table a primary key (an identity column of its own will do), or a replica identity by a unique index; `changeover check` has the lines. Or leave it out with `source.exclude`, or begin while it is empty: its changes alone are captured then.',
    policy: 'stop',
  },
  SCHEMA_NEEDS_COPY: {
    meaning:
      'The source table changed in a way that may have altered rows without row events (a default, a type, a label of an enum, an attribute of a row type, a key, a generated column, a partition that came or went).',
    nextStep:
      'The stream stopped before the first row of the new form; the message names the difference. Its rows would have to be copied again, which a table without a key cannot be. The change is in the log, so undoing it at the source does not help: begin a new migration under another id with empty target tables, or one that leaves the table out with `source.exclude`.',
    policy: 'stop',
  },
  SCHEMA_NEEDS_MAPPING: {
    meaning: 'A mapped column or table of the source is gone or was renamed.',
    nextStep:
      'The stream stopped before the first row of the new form, so a mapping for that one cannot be brought into force any more, and undoing the change at the source does not help: begin a new migration under another id with empty target tables and a mapping for the new form, or one that leaves the table out with `source.exclude`.',
    policy: 'stop',
  },
  MAPPING_INVALID: {
    meaning:
      'The mapping does not fit the schemas: it names something that is not there, or maps two things to one. Or a function of its own uses what it cannot have: the clock, the locale, something outside of it.',
    nextStep: 'Correct the mapping where the message points; `changeover check` tries it again.',
    policy: 'stop',
  },
  REFERENCE_MISSING: {
    meaning:
      'The mapping looks up rows of tables of the target that were not recorded yet, or not with all columns that it reads, so nothing can be derived by it.',
    nextStep:
      '`changeover reference refresh` records them, with the mapping file that looks them up. What waits for them goes on by itself then; another mapping that was refused without them is to be activated again.',
    policy: 'stop',
    does: 'Before the first derivation transform warns, and derives nothing until they are recorded; everything else goes on. Where another mapping is to come into force it is refused, and the one before it stays in force (ACTIVATION_REFUSED). A command that needs them ends with exit code 1.',
  },
  REFERENCE_TOO_LARGE: {
    meaning: 'A table of the target that the mapping looks up has more rows, or a row of more bytes, than may be recorded to be looked up.',
    nextStep:
      'Look up a table that is small, as those of users, currencies and stages are, or leave large columns out of what is read of it. Nothing was asked for.',
    policy: 'stop',
  },
  MAPPING_NOT_ACTIVE: {
    meaning: 'The mapping of this process is not the one that the log says is active.',
    nextStep:
      'Put back the file of the mapping in force, and start or ask again. To bring the other one into force, put its file there again once transform runs, and run `changeover activate`; docs/runbook/mapping-change.md says how.',
    policy: 'stop',
  },
  ACTIVATION_REFUSED: {
    meaning:
      'A mapping that was asked for did not fit the tables of the old database as the log had told them up to its record: one of them had changed since it was planned. The mapping before it stays in force, and everything goes on under that.',
    nextStep:
      "Correct the mapping where the message points, put it into the settings' file, and run `changeover activate` again; or put back the file of the mapping in force.",
    policy: 'stop',
  },
  ACTIVATION_IMPOSSIBLE: {
    meaning:
      'The rows that are written cannot be taken over to the other mapping: it tells rows of a table apart by another key, or does otherwise with rows that have no key, which are not remembered. Or the new database cannot take what it makes: it lacks a table, a column or a right.',
    nextStep:
      'Leave the key of that table, and what becomes of tables without a key, as they are in the active mapping, or give the new database what `changeover check` says that it lacks, and run it again; or begin a new migration under another id with empty target tables. Nothing was changed.',
    policy: 'stop',
  },
  NOT_DETERMINISTIC: {
    meaning:
      'What the mapping makes of a row is not the same in every process: it depends on the time zone, the locale, the clock, random numbers, or something else that differs from run to run. The message names the table, the column and what it depends on.',
    nextStep:
      'Take it out of the mapping file: a mapping says what becomes of the source’s rows, and nothing else. `changeover check --determinism` tries it again.',
    policy: 'stop',
  },
  STATE_DAMAGED: {
    meaning:
      'The file of what transform remembers beside the log holds something that was not written there: a disk, a copy or somebody has changed it.',
    nextStep:
      'Stop transform (or `changeover up`), run `changeover state rebuild`, then start it: the state is filled again from the log. `changeover verify` says whether all that was written before is right.',
    policy: 'stop',
  },
  STATE_FENCED: {
    meaning: 'Another process has opened the folder in which this one keeps its state. What this one remembered since then is not kept.',
    nextStep: 'Nothing to do if the take-over was meant; otherwise stop the other process and start this one again.',
    policy: 'stop',
  },
  STATE_IN_USE: {
    meaning: 'What transform remembers beside the log was to be built anew while transform runs.',
    nextStep: 'Stop transform (or `changeover up`), run the command again, then start it: it fills the state from the log.',
    policy: 'stop',
  },
  STATE_LOST: {
    meaning:
      'What transform remembered beside the log is damaged, of another version of this program, or held by a process that does not let go. It is filled again from the log.',
    nextStep: 'Nothing has to be done. Until the log was read again from its beginning nothing new reaches the new database.',
    policy: 'retry',
  },
  STATE_UNAVAILABLE: {
    meaning: 'The folder in which a role keeps its state cannot be read or written.',
    nextStep:
      'Check that the disk has room and that the folder is ours. The state is derived: if the folder cannot be saved, delete it, and it is rebuilt from the log.',
    policy: 'retry',
  },
  STATE_NOT_HERE: {
    meaning: 'What transform remembers beside the log is not in the folder of the settings on this machine.',
    nextStep:
      'Run the command where transform runs, with the same `state.folder`. Where transform has never run there is nothing to compare.',
    policy: 'stop',
  },
  TARGET_UNREACHABLE: {
    meaning: 'The target database does not answer. The log keeps the writes meanwhile.',
    nextStep: 'Check host, port and network, and whether the server is up.',
    policy: 'retry',
  },
  TARGET_DENIED: {
    meaning: 'The target refuses our user or password, or a privilege is missing, or row-level security would hide rows from us.',
    nextStep: 'Correct the credentials. For a privilege that is missing `changeover check` prints the exact lines.',
    policy: 'stop',
  },
  TARGET_CHANGED: {
    meaning: 'A mapped target table is not as it was when the load began, or lacks a table or column that the writes need.',
    nextStep:
      'The message shows the difference. Add at the target what the source has and it lacks, put back what was taken away or made narrower, then start again. New columns that need no value, and wider types, may stay.',
    policy: 'stop',
  },
  TARGET_REFUSES: {
    meaning: 'The target refused more than 100 rows of one batch, or all of it; this is no longer a bad row but a wrong set-up.',
    nextStep:
      'See the reasons in the message and the log; correct the target, then start again. Where the mapping is at fault during the first load, the migration has to begin again with a corrected one (README, "The end": the lines that remove it); later `changeover activate` brings a corrected one into force, once load has passed this place. If a foreign key of a table that is not mapped is named (SQLSTATE 23503), its rows refer to rows that the source no longer has: map the table, or take those rows or the foreign key away. Nothing of the batch was written.',
    policy: 'stop',
  },
  VALIDATION_STOPPED: {
    meaning:
      'A validation rule of the severity `stop` holds a row, and still did when the source had committed something five seconds later (by its own time). Load stops before that: everything up to there is in the target, nothing behind it.',
    nextStep:
      '`changeover held list --state held` lists such rows with their keys and the rule, `changeover held show` says of one what to correct in the old database. Load looks again every few seconds and goes on by itself when a later change there has mended all of them; a restart stops at the same place. Nothing is lost: what lies behind waits in the log.',
    policy: 'retry',
  },
  TARGET_NOT_EMPTY: {
    meaning:
      'A mapped target table held rows before the first load, which are not to be left, or one of them has the key of a row of the source.',
    nextStep:
      'Empty the table, or name another one in the mapping. Rows that belong there stay with "existingRows": "leave" in the target’s settings; where a row of the source has the key of one of them, delete that one at the target (to delete the row at the source does not help: it is in the log), then start again (the keys of those that are left are in changeover.preexisting). Nothing of the batch was written.',
    policy: 'stop',
  },
  TARGET_BUSY: {
    meaning:
      'The target rolled our transaction back for its own reasons (deadlock, serialization failure, lock time-out), or another verification holds load at this moment.',
    nextStep: 'Nothing, unless it stays: then find who holds the locks (pg_stat_activity, pg_locks).',
    policy: 'retry',
  },
  TARGET_MOVED: {
    meaning: 'The target was taken to another place of the stream (`changeover rewind`, `changeover forward`) while load ran.',
    nextStep: 'Nothing: load begins anew where the target is now.',
    policy: 'retry',
  },
  TARGET_PARKED: {
    meaning: 'The target was taken back to a checkpoint, and load stays there until it is let go.',
    nextStep: '`changeover forward` brings the target to where load had come, and lets load go on; then ask again.',
    policy: 'stop',
  },
  CHECKPOINT_UNKNOWN: {
    meaning: 'There is no checkpoint of this name.',
    nextStep: '`changeover checkpoint list` names them all.',
    policy: 'stop',
  },
  CHECKPOINT_EXISTS: {
    meaning: 'There is a checkpoint of this name already.',
    nextStep: 'Choose another name, or delete that one first.',
    policy: 'stop',
  },
  CHECKPOINT_DAMAGED: {
    meaning:
      'What is written down of a checkpoint is not what was written when it was made, or the log does not hold its place: it was altered, or belongs to another log.',
    nextStep: 'Nothing was changed. Choose another checkpoint; delete this one.',
    policy: 'stop',
  },
  REWIND_IMPOSSIBLE: {
    meaning:
      'Between where the target is and where it was to be taken lies something that cannot be undone row by row: a table of the target has changed its form, or one without a key was emptied.',
    nextStep: 'Nothing was changed. Choose a checkpoint behind what the message names, or rebuild the target from the log.',
    policy: 'stop',
  },
  REWIND_TOO_LARGE: {
    meaning: 'More rows have changed between the two places than may be held in memory (limits.moveBytes).',
    nextStep: 'Nothing was changed. Choose a nearer checkpoint, or allow more memory.',
    policy: 'stop',
  },
  REWIND_REFUSED: {
    meaning: 'The target refuses rows as they were at the place to which it was to be taken.',
    nextStep:
      'Nothing was changed. See in the message which constraint refuses which rows: it, or rows of others that it looks at, are new since then.',
    policy: 'stop',
  },
  ROWS_CHANGED: {
    meaning: 'Rows that were to be taken to another place were changed at the target by somebody else.',
    nextStep:
      'Nothing was changed. Look at the rows that are named, then decide: --changed-rows keep leaves them as they are, --changed-rows overwrite takes them along.',
    policy: 'stop',
  },
  SOURCE_LOCKED: {
    meaning:
      'A table of the source is locked against readers (ALTER TABLE, VACUUM FULL, LOCK TABLE), or somebody waits to change one that was being read, and goes first.',
    nextStep: 'Nothing, unless it stays: then find who holds the lock (pg_locks), and ask again when it is gone. Nothing was changed.',
    policy: 'retry',
  },
  HOLD_LOST: {
    meaning:
      'Load was held at a place of the stream, and has gone on before what it was held for was done: the hold was not renewed in time.',
    nextStep: 'Ask again. If it stays, the machine is too busy, or a clock of the target jumped. Nothing was changed.',
    policy: 'retry',
  },
  NOT_FOLLOWING: {
    meaning: 'The target does not follow the source yet, or not at the moment: its first load, or the copy of a table, is under way.',
    nextStep: 'See with `changeover status` how far it is, and ask again when it has ended.',
    policy: 'retry',
  },
  NOT_EQUAL: {
    meaning: 'The target does not hold what the mapping makes of the source. The rows are named.',
    nextStep:
      'See who writes to these rows of the target beside Changeover (triggers, jobs, people), then let `changeover verify --repair` put them right; docs/runbook/verify.md says what it does.',
    policy: 'stop',
  },
  FULL_VERIFICATION_NEEDED: {
    meaning:
      'A verification of the rows touched since the last one cannot begin where that one ended, or one that was killed cannot be gone on with: there was none that found everything equal, or one since then has found rows that differ; none that had read the source; or what happened since then cannot be told row by row. The message says which.',
    nextStep:
      'Run `changeover verify` once, which compares everything; `--touched` builds upon that, and `--resume` goes on with one that was killed or interrupted.',
    policy: 'stop',
  },
  REBUILD_REFUSED: {
    meaning:
      'Tables of the target cannot be built once more beside the live ones, or not be exchanged with those: the message names what stands in the way.',
    nextStep:
      'Nothing was changed. Take away what is named, or choose another schema; docs/runbook/rebuild.md says what can be moved and what cannot.',
    policy: 'stop',
  },
  SAMPLE_REFUSED: {
    meaning:
      'The schema for a sample of the rows cannot be made: there is one of this name that is no sample of this migration, or one that was not to be replaced, or a table of the target cannot be made again there: also where two tables have one name in different schemas. The message says which.',
    nextStep:
      'No table of the new CRM was touched. Choose another schema with `--into`, or write the sample again with `--replace`; what else is named has to be taken away by whoever made it.',
    policy: 'stop',
  },
  REBUILD_MISSING: {
    meaning: 'There is no rebuild in this schema, or not one of this migration.',
    nextStep: 'Begin one with `changeover rebuild --into <schema>`.',
    policy: 'stop',
  },
  REBUILD_DIFFERS: {
    meaning: 'The rebuilt tables do not hold what the live ones do, both at the same record of the stream. The rows are named.',
    nextStep:
      'Nothing was exchanged. The rebuilt rows came from the log alone: see who else writes to the live ones (triggers, jobs, people), and docs/runbook/rebuild.md. Where it is the live ones that are damaged, `rebuild swap --although-different` exchanges them all the same.',
    policy: 'stop',
  },
  CONTROL_UNREACHABLE: {
    meaning: 'The control database does not answer.',
    nextStep: 'Check host, port and network, and whether the server is up.',
    policy: 'retry',
  },
  CONTROL_DENIED: {
    meaning: 'The control database refuses our user or password, or a privilege is missing.',
    nextStep: 'Correct the credentials in the settings.',
    policy: 'stop',
  },
  REQUEST_CONFLICT: {
    meaning: 'An operator’s request uses the id of an earlier request that asked for something else.',
    nextStep: 'Send it again under a new id. The earlier request stands.',
    policy: 'stop',
  },
  NOT_READY: {
    meaning: 'The check before the first start found something that would stop it.',
    nextStep: 'Resolve what the lines above name, then start again; `changeover check` looks once more without starting.',
    policy: 'stop',
  },
  NOT_HELD: {
    meaning:
      'The row that was asked for is neither held, nor waiting, nor refused at the target: it came, it went, or it has another key there.',
    nextStep:
      '`changeover held list --table <table>` lists the rows that are, each with its key as `changeover held show` takes it: of a row that is held or waits the key of its source row.',
    policy: 'stop',
  },
  NOT_REFUSED: {
    meaning:
      'There is nothing to try again: the target refuses no such row. A row that a rule of the mapping holds, or that waits for another, is derived again with each change of what it is made from.',
    nextStep:
      '`changeover held list --state refused` lists the rows that are refused, each with its key at the target. A row that is held comes when it is corrected, or accepted (`changeover held show` says how).',
    policy: 'stop',
  },
  CORRECTION_IMPOSSIBLE: {
    meaning:
      'The value that was to be corrected cannot be: no rule reads its table, rows of it also go to the target as they are, the table has no key, the column is of the key, or the row is not there.',
    nextStep:
      'The message says which, and what can be corrected. `changeover held show` names the source row; where nothing can be corrected, change the value in the old database.',
    policy: 'stop',
  },
  CORRECTION_TOO_LARGE: {
    meaning: 'One correction is larger than what a request may hold.',
    nextStep: 'Correct the value in the old database: a correction is for values that people type.',
    policy: 'stop',
  },
  ACCEPTANCE_IMPOSSIBLE: {
    meaning:
      'The row cannot be accepted: no rule of its validation holds it, or not the one that was named, or the mapping has none of that name. Only such a rule can be waived: of a value that cannot be read there is nothing to accept, and of unique values only one row can have them.',
    nextStep:
      'The message says what holds the row, if anything does. `changeover held correct` has something else read where a value is not good; where two rows want the same unique value, change one of them in the old database.',
    policy: 'stop',
  },
  CORRECTION_UNKNOWN: {
    meaning:
      'There is no correction, and nothing accepted, with this id: it was withdrawn, or another one for the same value has taken its place.',
    nextStep: '`changeover held corrections` lists those that stand.',
    policy: 'stop',
  },
  TYPES_OUT_OF_DATE: {
    meaning: 'The file of types is not what `changeover introspect` would write of the tables as they are now.',
    nextStep: 'Run the same command without --check, and look at what the compiler then says of the mapping.',
    policy: 'stop',
  },
  FILE_EXISTS: {
    meaning: 'A file that was to be written is there already.',
    nextStep: 'Nothing was written. Move the file away, or name another place.',
    policy: 'stop',
  },
  ANALYSIS_FAILED: {
    meaning:
      'The rows that `changeover analyze` had read could not be counted. Mostly there is no room on the disk where the state lies, or too little memory.',
    nextStep: 'Nothing was changed. Make room where `state.folder` lies, or read less with `--sample` or `--table`.',
    policy: 'stop',
  },
  TIMED_OUT: {
    meaning: 'What a command waited for did not happen within the time that was given.',
    nextStep: 'See with `changeover status` what holds it up. Nothing was undone; wait again, or longer.',
    policy: 'stop',
  },
  SERVICE_MISSING: {
    meaning: 'A service that this command needs is neither given by address nor can be started here, or what was started has ended.',
    nextStep: 'Do one of the things that the message lists.',
    policy: 'stop',
  },
} as const satisfies Record<string, ErrorPage>;

export type ErrorCode = keyof typeof ERROR_PAGES;
