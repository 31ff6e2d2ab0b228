import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';

import { ChangeoverError, SystemClock } from '@changeover/core';
import type { DescribedTable } from '@changeover/events';
import { createSourceCatalogue, createTargetCatalogue, withoutPassword, type CliSettings } from '@changeover/shell';
import { Command, Option } from 'nest-commander';

import { saying, type Saying } from '../check/saying.js';
import { FIRST_LINE, renderTypes } from '../introspect/render-types.js';
import { writing } from '../writing.js';
import { CliCommand, toJson, type ReadOptionsOf } from './cli-command.js';

type IntrospectOptions = ReadOptionsOf & { readonly out?: string; readonly json?: boolean };

@Command({
  name: 'introspect',
  description:
    'Read the tables of both databases, and write their types, by which TypeScript checks the rules of a mapping. Changes nothing.',
})
export class IntrospectCommand extends CliCommand {
  @Option({ flags: '-o, --out <file>', description: 'write them to this file, over what an earlier run has written (default: print them)' })
  parseOut(file: string): string {
    return file;
  }

  @Option({ flags: '--json', description: 'the tables as JSON instead of TypeScript' })
  parseJson(): boolean {
    return true;
  }

  override async run(_args: string[], { out, json = false, ...options }: IntrospectOptions): Promise<void> {
    const { settings } = await this.readSettings(options);
    if (out !== undefined) await refuseWhatIsNotOurs(out, json ? FIRST_OF_JSON : FIRST_LINE);
    const say = (line: string): void => {
      this.terminal.err(`${line}\n`);
    };
    const tables = await readTables(settings, say);
    const text = json ? toJson(tables) : renderTypes(tables);
    if (out === undefined) {
      this.terminal.out(text);
      return;
    }
    await writing(out, () => writeFile(out, text));
    this.terminal.out(
      `wrote ${out}: ${String(tables.source.length)} tables of the source, ${String(tables.target.length)} of the target\n`,
    );
  }
}

/** By which an earlier run's JSON is known. */
const FIRST_OF_JSON = '{\n  "source": [';

type Tables = { readonly source: readonly DescribedTable[]; readonly target: readonly DescribedTable[] };

async function readTables({ migration, limits, source, target }: CliSettings, say: Saying['say']): Promise<Tables> {
  const clock = new SystemClock();
  const context = { migration, limits, clock };
  const [sources, targets] = await Promise.all([
    saying(`source: waiting for ${withoutPassword(source.url)}`, { clock, say }, () => createSourceCatalogue(source, context).tables()),
    saying(`target: waiting for ${withoutPassword(target.url)}`, { clock, say }, () => createTargetCatalogue(target, context).tables()),
  ]);
  if (sources.length === 0) {
    throw new ChangeoverError(
      'BAD_SETTINGS',
      'the source has no table that the settings select (source.schemas, source.tables, source.exclude)',
    );
  }
  if (targets.length === 0) throw new ChangeoverError('BAD_SETTINGS', 'the target has no table yet');
  return { source: sources, target: targets };
}

/** A name is soon mistyped, and the mapping itself may stand beside it. */
async function refuseWhatIsNotOurs(file: string, beginning: string): Promise<void> {
  if (!existsSync(file) || (await writing(file, () => readFile(file, 'utf8'))).startsWith(beginning)) return;
  throw new ChangeoverError('FILE_EXISTS', `${file} exists, and was not written by changeover introspect`, { facts: { file } });
}
