import type { ChangeoverError } from '@changeover/core';
import { pino, type Logger } from 'pino';

import { errorFacts, safeMessage } from './error-facts.js';
import type { LogFacts } from './log-keys.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Where finished lines go, each with its line end. */
export type LogDestination = { write(line: string): void };

export type LogOptions = {
  readonly level: LogLevel;
  readonly migration: string;
  /** `capture`, `transform`, `load`, `cli`. */
  readonly role: string;
  /** Default: standard output, one JSON object a line. */
  readonly destination?: LogDestination;
};

/** What processes tell about themselves. Facts have the keys of `log-keys.ts`, and never a value of a record. */
export class Log {
  readonly #root: Logger;
  readonly #pino: Logger;

  private constructor(root: Logger, role: string) {
    this.#root = root;
    this.#pino = root.child({ role });
  }

  static open({ level, migration, role, destination = pino.destination({ fd: 1, sync: true }) }: LogOptions): Log {
    const options = {
      level,
      base: { migration },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label: string) => ({ level: label }) },
    };
    return new Log(pino(options, destination), role);
  }

  /** The same log for another role of the same process. */
  as(role: string): Log {
    // From the root: a child of a child would have the key twice.
    return new Log(this.#root, role);
  }

  write(level: LogLevel, message: string, facts: LogFacts = {}): void {
    this.#pino[level](facts, message);
  }

  debug(message: string, facts?: LogFacts): void {
    this.write('debug', message, facts);
  }

  info(message: string, facts?: LogFacts): void {
    this.write('info', message, facts);
  }

  warn(message: string, facts?: LogFacts): void {
    this.write('warn', message, facts);
  }

  /** An error with its code, what to do, and what may be told of its causes. */
  failure(level: LogLevel, error: ChangeoverError, facts: LogFacts = {}): void {
    this.write(level, safeMessage(error), { ...errorFacts(error), ...facts });
  }
}
