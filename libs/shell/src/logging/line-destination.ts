import type { LogDestination } from './log.js';

/** Keys that people at a terminal see in another form, or need not see. */
const SHOWN_ELSEWHERE = new Set(['level', 'time', 'msg', 'role', 'migration', 'stack']);

/** Turns pino's JSON into one line for people: `12:00:01 warn load: message  key=value`. */
export function lineDestination(write: (line: string) => void): LogDestination {
  return {
    write(json) {
      write(toLine(JSON.parse(json) as Readonly<Record<string, unknown>>));
    },
  };
}

function toLine(entry: Readonly<Record<string, unknown>>): string {
  const facts = Object.entries(entry)
    .filter(([key, value]) => !SHOWN_ELSEWHERE.has(key) && value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const time = text(entry['time']).slice(11, 19);
  return [`${time} ${text(entry['level']).padEnd(5)} ${text(entry['role'])}: ${text(entry['msg'])}`, ...facts].join('  ') + '\n';
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
