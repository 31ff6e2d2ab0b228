import type { Clock } from '@changeover/core';
import type { HeldCounts } from '@changeover/shell';
import type { RunningRole } from '@changeover/shell/role';

import type { Terminal } from '../cli-session.js';
import { totalsWords } from '../held/words.js';
import { copiesInWords, renderCopies } from '../status/copy-view.js';
import { heldLine } from '../status/held-line.js';
import { LiveBlock } from '../status/live-block.js';
import { renderLine, renderRoles, type RoleView } from '../status/role-view.js';

type Shown = { readonly roles: readonly Pick<RunningRole, 'role' | 'status'>[]; readonly counts: Pick<HeldCounts, 'now' | 'lastError'> };

const TERMINAL_MS = 1_000;
/** Without a terminal every line stays, in a file or a journal. */
const PLAIN_MS = 5_000;

/** What `up` shows while it runs: a block that is rewritten, or, where nobody watches, a line every few seconds. */
export class LiveStatus {
  readonly #terminal: Terminal;
  readonly #block: LiveBlock;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#block = new LiveBlock(terminal);
  }

  /** A finished line of the log, with its line end. */
  line(text: string): void {
    if (this.#terminal.isTty) this.#block.above(text);
    else this.#terminal.out(text);
  }

  /** Shows the roles, and how many rows are held, wait and stand refused, until `signal` aborts. */
  async show({ roles, counts }: Shown, { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal }): Promise<void> {
    const { isTty } = this.#terminal;
    while (!signal.aborted) {
      const totals = await counts.now();
      const views = roles.map((role): RoleView => ({ role: role.role, health: 'live', status: role.status() }));
      if (isTty) this.#block.update(['', ...renderRoles(views), heldLine(totals, counts.lastError), ...renderCopies(views)]);
      else {
        const held = totals === null ? '' : (totalsWords(totals) ?? '');
        this.#terminal.out(`${[renderLine(views), held, copiesInWords(views)].filter((part) => part !== '').join(' | ')}\n`);
      }
      await clock.sleep(isTty ? TERMINAL_MS : PLAIN_MS, signal);
    }
  }
}
