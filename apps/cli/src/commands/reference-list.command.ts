import { SystemClock } from '@changeover/core';

import { Command, Option } from '../command.js';
import { listedOf, renderListed } from '../reference/reference-view.js';
import { listReferences } from '../reference/refresh.js';
import { findOwnServices } from '../services/own-services.js';
import { CliCommand, toJson, type ReadOptionsOf } from './cli-command.js';

@Command({
  name: 'list',
  description: 'List the tables of the new database of which rows are recorded to be looked up. Changes nothing.',
})
export class ReferenceListCommand extends CliCommand {
  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  override async run(_args: string[], { json = false, ...options }: ReadOptionsOf & { readonly json?: boolean }): Promise<void> {
    const { settings: given, folder } = await this.readSettings(options);
    const settings = await findOwnServices(given, folder);
    const tables = (await listReferences(settings, new SystemClock())).map(listedOf);
    this.terminal.out(json ? toJson({ migration: settings.migration, tables }) : renderListed(tables));
  }
}
