import { Module, type DynamicModule, type Provider } from '@nestjs/common';

import { CliSession } from './cli-session.js';

type CommandClass = { registerWithSubCommands(): Provider[] };

/** The commands by the words that call them. Read when they are called: each needs other parts, all of them together a thousand files. */
const COMMANDS: Readonly<Record<string, () => Promise<CommandClass>>> = {
  init: async () => (await import('./commands/init.command.js')).InitCommand,
  introspect: async () => (await import('./commands/introspect.command.js')).IntrospectCommand,
  analyze: async () => (await import('./commands/analyze.command.js')).AnalyzeCommand,
  check: async () => (await import('./commands/check.command.js')).CheckCommand,
  up: async () => (await import('./commands/up.command.js')).UpCommand,
  status: async () => (await import('./commands/status.command.js')).StatusCommand,
  barrier: async () => (await import('./commands/barrier.command.js')).BarrierCommand,
  verify: async () => (await import('./commands/verify.command.js')).VerifyCommand,
  plan: async () => (await import('./commands/plan.command.js')).PlanCommand,
  activate: async () => (await import('./commands/activate.command.js')).ActivateCommand,
  explain: async () => (await import('./commands/explain.command.js')).ExplainCommand,
  count: async () => (await import('./commands/count.command.js')).CountCommand,
  checkpoint: async () => (await import('./commands/checkpoint.command.js')).CheckpointCommand,
  rewind: async () => (await import('./commands/rewind.command.js')).RewindCommand,
  forward: async () => (await import('./commands/forward.command.js')).ForwardCommand,
  rebuild: async () => (await import('./commands/rebuild.command.js')).RebuildCommand,
  state: async () => (await import('./commands/state.command.js')).StateCommand,
  held: async () => (await import('./commands/held.command.js')).HeldCommand,
  reference: async () => (await import('./commands/reference.command.js')).ReferenceCommand,
  log: async () => (await import('./commands/log.command.js')).LogCommand,
};

@Module({})
class CliModule {}

/** The command that these words call; all of them where they call none, as help does, or the wrong one. */
export async function cliModule([first = '']: readonly string[], session: CliSession): Promise<DynamicModule> {
  const called = Object.hasOwn(COMMANDS, first) ? [COMMANDS[first] as (typeof COMMANDS)[string]] : Object.values(COMMANDS);
  const commands = await Promise.all(called.map((load) => load()));
  const own = commands.flatMap((command) => command.registerWithSubCommands());
  return { module: CliModule, providers: [{ provide: CliSession, useValue: session }, ...own] };
}
