import { Command, CommandGroup } from '../command.js';
import { COMMAND_WORDS } from '../command-words.js';
import { HeldAcceptCommand } from './held-accept.command.js';
import { HeldCorrectCommand } from './held-correct.command.js';
import { HeldCorrectionsCommand } from './held-corrections.command.js';
import { HeldListCommand } from './held-list.command.js';
import { HeldRetryCommand } from './held-retry.command.js';
import { HeldShowCommand } from './held-show.command.js';
import { HeldWithdrawCommand } from './held-withdraw.command.js';

@Command({
  ...COMMAND_WORDS.held,
  subCommands: [
    HeldListCommand,
    HeldShowCommand,
    HeldCorrectCommand,
    HeldAcceptCommand,
    HeldCorrectionsCommand,
    HeldWithdrawCommand,
    HeldRetryCommand,
  ],
})
export class HeldCommand extends CommandGroup {}
