import type { CommandClass, CommandWords } from './command.js';
import { COMMAND_WORDS } from './command-words.js';

/** Read when they are called: each needs other parts, all of them together a thousand files. */
const COMMANDS: Readonly<Record<keyof typeof COMMAND_WORDS, () => Promise<CommandClass>>> = {
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

/** All of them: the one that these words call, if any, and the words of the others. */
export async function calledCommands(words: readonly string[]): Promise<readonly (CommandClass | CommandWords)[]> {
  const names = Object.keys(COMMANDS) as (keyof typeof COMMANDS)[];
  // It is the first that is one, after `help` or `--` too.
  const called = words.find((word) => Object.hasOwn(COMMANDS, word));
  return Promise.all(names.map(async (name) => (name === called ? await COMMANDS[name]() : COMMAND_WORDS[name])));
}
