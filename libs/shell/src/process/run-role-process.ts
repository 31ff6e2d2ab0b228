import { parseArgs } from 'node:util';

import type { Role } from '@changeover/control-postgres';

import { Log } from '../logging/log.js';
import { readSettings } from '../settings/read-settings.js';
import type { SettingsOf } from '../settings/schema.js';
import { aborted, runProcess } from './run-process.js';
import type { StartRole } from './start-role.js';

const USAGE = `[--config <changeover.json>] [--take-over]

  --config      the settings file (default: $CHANGEOVER_CONFIG, else changeover.json)
  --take-over   start although another process has this role: its sessions are ended and it is fenced
  --help        this text
`;

/** The whole of a role's `main.ts`: reads the settings, runs the role until a signal or an error ends it, and exits. */
export async function runRoleProcess<A extends Role>(role: A, start: StartRole<SettingsOf<A>>): Promise<void> {
  const args = readArguments(role);
  if (args === null) return;
  await runProcess(async (signal) => {
    const { settings, file } = await readSettings(role, args.config === undefined ? {} : { file: args.config });
    const log = Log.open({ level: settings.logging.level, migration: settings.migration, role });
    log.info('starting', { file });
    const running = await start(settings, { log, signal, takeOver: args.takeOver });
    try {
      await Promise.race([running.done, aborted(signal)]);
    } finally {
      await running.stop();
    }
  });
}

function readArguments(role: Role): { readonly config?: string; readonly takeOver: boolean } | null {
  const options = {
    config: { type: 'string' },
    'take-over': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  } as const;
  try {
    const { values } = parseArgs({ options, strict: true });
    if (!values.help) return { takeOver: values['take-over'], ...(values.config === undefined ? {} : { config: values.config }) };
    process.stdout.write(`changeover-${role} ${USAGE}`);
    return null;
  } catch {
    // The parser's message quotes the argument; usage says more.
    process.stderr.write(`changeover-${role} ${USAGE}`);
    process.exit(2);
  }
}
