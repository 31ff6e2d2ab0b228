import { exitProcess } from '@changeover/shell/process';

/** Where a command's words go. */
export type Terminal = {
  /** Whether somebody watches: then lines may be rewritten in place. */
  readonly isTty: boolean;
  readonly columns: number;
  /** Results, to standard output. */
  out(text: string): void;
  /** What is said beside the results, to standard error. */
  err(text: string): void;
};

/** What every command is given. */
export class CliSession {
  constructor(
    readonly terminal: Terminal,
    /** Aborts on Ctrl-C and SIGTERM. */
    readonly signal: AbortSignal,
  ) {}
}

const USUAL_COLUMNS = 80;

export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  // Whoever read our output (`| head`) has had enough; that is no error.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') exitProcess(0);
  });
  return {
    isTty: stdout.isTTY,
    get columns() {
      // Some terminals do not say: they call themselves 0 wide.
      return stdout.columns > 0 ? stdout.columns : USUAL_COLUMNS;
    },
    out: (text) => stdout.write(text),
    err: (text) => stderr.write(text),
  };
}
