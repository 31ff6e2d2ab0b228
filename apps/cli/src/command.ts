import { Command as Parser, Option as ParsedOption } from 'commander';

import type { CliSession } from './cli-session.js';

/** How a command is called, and what help says of it. */
export type CommandWords = {
  readonly name: string;
  /** `<table> [key...]`; left out: it takes none. */
  readonly arguments?: string;
  readonly argsDescription?: Readonly<Record<string, string>>;
  readonly description: string;
  /** Commands under one name. Takes no options itself: a settings file that stood before the command's own name would not be the one that it reads. */
  readonly isGroup?: boolean;
  readonly subCommands?: readonly CommandClass[];
};

type OptionWords = { readonly flags: string; readonly description: string };

/** One is made for each run that may call it. */
export type CommandClass = new (session: CliSession) => CommandRunner;

/** Of an option: what is written behind it, and what it gave before where it is written again. */
type Parse = (this: CommandRunner, value: string, before: unknown) => unknown;

export abstract class CommandRunner {
  constructor(protected readonly session: CliSession) {}

  /** `options` are by their long names; `parser` is what has read them. */
  abstract run(args: string[], options: object, parser: Parser): Promise<void>;
}

/** What a group does where none of its commands is called. */
export abstract class CommandGroup extends CommandRunner {
  override run(_args: string[], _options: object, parser: Parser): Promise<void> {
    return Promise.resolve(parser.help({ error: true }));
  }
}

const WORDS = new Map<unknown, CommandWords>();
const OPTIONS = new Map<object, (OptionWords & { readonly parse: Parse })[]>();

/** Makes a command of a class. */
export function Command(words: CommandWords): (command: CommandClass) => void {
  return (command) => {
    WORDS.set(command, words);
  };
}

/** Makes an option of a command, and of those that extend it, of a method, which reads its value. */
export function Option(words: OptionWords): (command: CommandRunner, name: string, method: PropertyDescriptor) => void {
  return (command, _, method) => {
    OPTIONS.set(command, [...(OPTIONS.get(command) ?? []), { ...words, parse: method.value as Parse }]);
  };
}

/**
 * Reads the words of a command line and calls the command that they name, which has to be there as a class; of the others the words are enough. Throws
 * what commander has said (`commander.…`), and never ends the process.
 */
export function programOf(commands: readonly (CommandClass | CommandWords)[], version: string, session: CliSession): Parser {
  const program = configured(new Parser(), session).version(version);
  for (const command of commands)
    program.addCommand(typeof command === 'function' ? parserOf(command, session) : listedParser(command, session));
  return program;
}

function listedParser(words: CommandWords, session: CliSession): Parser {
  const parser = namedParser(words, session);
  // The list says who takes options: all but groups.
  return words.isGroup === true ? parser : parser.option('-c, --config <file>');
}

function parserOf(command: CommandClass, session: CliSession): Parser {
  const words = WORDS.get(command) as CommandWords;
  const { isGroup = false, subCommands = [] } = words;
  const runner = new command(session);
  const parser = namedParser(words, session)
    // A group says what it has, whatever was called.
    .allowExcessArguments(isGroup)
    .action(() => runner.run(parser.args, parser.opts(), parser));
  for (const { flags, description: told, parse } of optionsOf(runner))
    parser.addOption(new ParsedOption(flags, told).argParser((value, before) => parse.call(runner, value, before)));
  for (const subCommand of subCommands) parser.addCommand(parserOf(subCommand, session));
  return parser;
}

function namedParser({ name, arguments: args, argsDescription = {}, description }: CommandWords, session: CliSession): Parser {
  const parser = configured(new Parser(name), session).description(description);
  for (const arg of args?.split(' ') ?? []) parser.argument(arg, argsDescription[arg.replace(/[^a-z]/g, '')] ?? '');
  return parser;
}

/** A wrong usage must not end the process from inside the parser: what was opened has to be closed. */
function configured(parser: Parser, { terminal }: CliSession): Parser {
  return parser
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({
      writeOut: (text) => {
        terminal.out(text);
      },
      writeErr: (text) => {
        terminal.err(text);
      },
    });
}

/** Its own before those that it has from others. */
function optionsOf(runner: object): readonly (OptionWords & { readonly parse: Parse })[] {
  const parent = Object.getPrototypeOf(runner) as object | null;
  return parent === null ? [] : [...(OPTIONS.get(parent) ?? []), ...optionsOf(parent)];
}
