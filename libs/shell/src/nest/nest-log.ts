import { isNativeError } from 'node:util/types';

import type { LoggerService } from '@nestjs/common';

import type { Log, LogLevel } from '../logging/log.js';

/** Nest's own lines. What it does at start is of interest to us only; its errors are to everybody. */
export class NestLog implements LoggerService {
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  log(message: unknown, ...rest: readonly unknown[]): void {
    this.#write('debug', message, rest);
  }

  debug(message: unknown, ...rest: readonly unknown[]): void {
    this.#write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: readonly unknown[]): void {
    this.#write('debug', message, rest);
  }

  warn(message: unknown, ...rest: readonly unknown[]): void {
    this.#write('warn', message, rest);
  }

  error(message: unknown, ...rest: readonly unknown[]): void {
    this.#write('error', message, rest);
  }

  fatal(message: unknown, ...rest: readonly unknown[]): void {
    this.#write('error', message, rest);
  }

  /** Of an error only its class: its message may quote data. */
  #write(level: LogLevel, message: unknown, rest: readonly unknown[]): void {
    const context = rest.at(-1);
    const words = isNativeError(message) ? message.name : typeof message === 'string' ? message : typeof message;
    this.#log.write(level, words, typeof context === 'string' ? { context } : {});
  }
}
