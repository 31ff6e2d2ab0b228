import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';

import { ChangeoverError, SystemClock } from '@changeover/core';
import type { DescribedTable } from '@changeover/events';
import { createSourceCatalogue, createTargetCatalogue, withoutPassword, type CliSettings } from '@changeover/shell';
import { aborted } from '@changeover/shell/process';

import { Command, Option } from '../command.js';
import { COMMAND_WORDS } from '../command-words.js';
import { saying, type Saying } from '../check/saying.js';
import { qualified } from '../held/words.js';
import { FIRST_LINE, renderTypes, type Ends } from '../introspect/render-types.js';
import { selectTables } from '../introspect/select-tables.js';
import { renderDifference, typesDifference } from '../introspect/types-difference.js';
import { writing } from '../writing.js';
import { CliCommand, INTERRUPTED, toJson, type ReadOptionsOf } from './cli-command.js';

type IntrospectOptions = ReadOptionsOf & {
  readonly table?: readonly string[];
  readonly sourceOnly?: boolean;
  readonly targetOnly?: boolean;
  readonly comments?: boolean;
  readonly out?: string;
  readonly check?: boolean;
  readonly json?: boolean;
};

@Command(COMMAND_WORDS.introspect)
export class IntrospectCommand extends CliCommand {
  @Option({
    flags: '-t, --table <table>',
    description: 'only this table, as schema.table, where * stands for any characters (may be given again; default: all)',
  })
  parseTable(table: string, before: readonly string[] = []): readonly string[] {
    return [...before, qualified(table)];
  }

  @Option({ flags: '--source-only', description: 'only the tables of the old database; the new one is not asked' })
  parseSourceOnly(): boolean {
    return true;
  }

  @Option({ flags: '--target-only', description: 'only the tables of the new database; the old one is not asked' })
  parseTargetOnly(): boolean {
    return true;
  }

  @Option({ flags: '--comments', description: 'with comments, defaults and conditions of indexes, as the databases have them' })
  parseComments(): boolean {
    return true;
  }

  @Option({ flags: '-o, --out <file>', description: 'write them to this file, over what an earlier run has written (default: print them)' })
  parseOut(file: string): string {
    return file;
  }

  @Option({
    flags: '--check',
    description: 'write nothing: exit 1 if the file of --out is not what would be written, and name what differs',
  })
  parseCheck(): boolean {
    return true;
  }

  @Option({ flags: '--json', description: 'the tables as JSON instead of TypeScript; with --check, what differs' })
  parseJson(): boolean {
    return true;
  }

  override async run(_args: string[], options: IntrospectOptions): Promise<void> {
    const { table, comments = false, out, check = false, json = false } = options;
    if (check && out === undefined)
      throw new ChangeoverError('BAD_SETTINGS', '--check looks at the file that --out names, and goes with it');
    const ends = askedEnds(options);
    const { settings } = await this.readSettings(options);
    const before = out === undefined ? undefined : await written(out, json && !check ? FIRST_OF_JSON : FIRST_LINE);
    const read = await this.#read(settings, ends);
    if (read === null) return;
    const tables = table === undefined ? read : selectTables(read, table);
    if (check && out !== undefined) {
      this.#compare({ out, before, now: renderTypes(tables, { comments }), json });
      return;
    }
    const text = json ? toJson(tables) : renderTypes(tables, { comments });
    if (out === undefined) {
      this.terminal.out(text);
      return;
    }
    await writing(out, () => writeFile(out, text));
    const counts = ends.map((end) => `${String(tables[end]?.length)} ${end === ends[0] ? 'tables ' : ''}of the ${end}`);
    this.terminal.out(`wrote ${out}: ${counts.join(', ')}\n`);
  }

  /** Null: it was told to stop. */
  async #read(settings: CliSettings, ends: readonly End[]): Promise<Ends | null> {
    const say = (line: string): void => {
      this.terminal.err(`${line}\n`);
    };
    const tables = await Promise.race([readTables(settings, ends, say), aborted(this.session.signal).then(() => null)]);
    if (tables !== null) return tables;
    this.terminal.err('changeover: interrupted: nothing was written\n');
    process.exitCode = INTERRUPTED;
    return null;
  }

  #compare({ out, before, now, json }: { out: string; before: string | undefined; now: string; json: boolean }): void {
    const same = before === now;
    const difference = typesDifference(before ?? '', now);
    if (json) this.terminal.out(toJson({ upToDate: same, ...difference }));
    else this.terminal.out(same ? `${out} is up to date\n` : renderDifference(difference));
    if (same) return;
    const message = before === undefined ? `there is no file ${out}` : `${out} is not what introspect would write`;
    throw new ChangeoverError('TYPES_OUT_OF_DATE', message, { facts: { file: out } });
  }
}

type End = 'source' | 'target';

function askedEnds({ sourceOnly = false, targetOnly = false }: IntrospectOptions): readonly [End, ...End[]] {
  if (sourceOnly && targetOnly) throw new ChangeoverError('BAD_SETTINGS', '--source-only and --target-only leave nothing to read');
  if (sourceOnly) return ['source'];
  return targetOnly ? ['target'] : ['source', 'target'];
}

/** By which an earlier run's JSON is known. */
const FIRST_OF_JSON = /^\{\n {2}"(?:source|target)": \[/u;

async function readTables({ migration, limits, source, target }: CliSettings, ends: readonly End[], say: Saying['say']): Promise<Ends> {
  const clock = new SystemClock();
  const context = { migration, limits, clock };
  const read = {
    source: () => createSourceCatalogue(source, context).tables(),
    target: () => createTargetCatalogue(target, context).tables(),
  };
  const url = { source: source.url, target: target.url };
  const tables = await Promise.all(
    ends.map(async (end): Promise<readonly [End, readonly DescribedTable[]]> => {
      return [end, await saying(`${end}: waiting for ${withoutPassword(url[end])}`, { clock, say }, read[end])];
    }),
  );
  const empty = tables.find(([, some]) => some.length === 0)?.[0];
  if (empty === 'source') {
    throw new ChangeoverError(
      'BAD_SETTINGS',
      'the source has no table that the settings select (source.schemas, source.tables, source.exclude)',
    );
  }
  if (empty === 'target') throw new ChangeoverError('BAD_SETTINGS', 'the target has no table yet');
  return Object.fromEntries(tables);
}

/**
 * What an earlier run has written, or nothing. A name is soon mistyped, and the mapping itself may stand beside it: what is not ours is
 * FILE_EXISTS.
 */
async function written(file: string, beginning: string | RegExp): Promise<string | undefined> {
  if (!existsSync(file)) return undefined;
  const text = await writing(file, () => readFile(file, 'utf8'));
  if (typeof beginning === 'string' ? text.startsWith(beginning) : beginning.test(text)) return text;
  throw new ChangeoverError('FILE_EXISTS', `${file} exists, and was not written by changeover introspect`, { facts: { file } });
}
