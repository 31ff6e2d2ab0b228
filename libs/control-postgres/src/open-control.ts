import type { ControlDatabase, ControlOptions } from './control-database.js';

/**
 * Connects and brings the schema `changeover_control` up to date, whoever else does the same right now. TypeORM, a third of all files that a command would read when it
 * starts, is loaded here, so that only who opens a control database waits for it.
 */
export async function openControl(options: ControlOptions): Promise<ControlDatabase> {
  const { connectControl } = await import('./control-database.js');
  return connectControl(options);
}
