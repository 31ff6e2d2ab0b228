import { Module, type DynamicModule } from '@nestjs/common';

import { CliSession } from './cli-session.js';
import { AnalyzeCommand } from './commands/analyze.command.js';
import { BarrierCommand } from './commands/barrier.command.js';
import { CheckCommand } from './commands/check.command.js';
import { CheckpointCommand } from './commands/checkpoint.command.js';
import { CheckpointCreateCommand } from './commands/checkpoint-create.command.js';
import { CheckpointDeleteCommand } from './commands/checkpoint-delete.command.js';
import { CheckpointListCommand } from './commands/checkpoint-list.command.js';
import { CheckpointShowCommand } from './commands/checkpoint-show.command.js';
import { CountCommand } from './commands/count.command.js';
import { ExplainCommand } from './commands/explain.command.js';
import { ForwardCommand } from './commands/forward.command.js';
import { HeldCommand } from './commands/held.command.js';
import { HeldCorrectCommand } from './commands/held-correct.command.js';
import { HeldCorrectionsCommand } from './commands/held-corrections.command.js';
import { HeldListCommand } from './commands/held-list.command.js';
import { HeldShowCommand } from './commands/held-show.command.js';
import { HeldWithdrawCommand } from './commands/held-withdraw.command.js';
import { InitCommand } from './commands/init.command.js';
import { IntrospectCommand } from './commands/introspect.command.js';
import { LogCommand } from './commands/log.command.js';
import { LogInspectCommand } from './commands/log-inspect.command.js';
import { LogVerifyCommand } from './commands/log-verify.command.js';
import { PlanCommand } from './commands/plan.command.js';
import { RewindCommand } from './commands/rewind.command.js';
import { RebuildCommand, RebuildCompareCommand, RebuildDropCommand, RebuildSwapCommand } from './commands/rebuild.command.js';
import { StateCommand, StateRebuildCommand } from './commands/state.command.js';
import { StatusCommand } from './commands/status.command.js';
import { UpCommand } from './commands/up.command.js';
import { VerifyCommand } from './commands/verify.command.js';

@Module({})
class CliModule {}

export function cliModule(session: CliSession): DynamicModule {
  return {
    module: CliModule,
    providers: [
      { provide: CliSession, useValue: session },
      InitCommand,
      IntrospectCommand,
      AnalyzeCommand,
      CheckCommand,
      UpCommand,
      StatusCommand,
      BarrierCommand,
      VerifyCommand,
      PlanCommand,
      ExplainCommand,
      CountCommand,
      CheckpointCommand,
      CheckpointCreateCommand,
      CheckpointListCommand,
      CheckpointShowCommand,
      CheckpointDeleteCommand,
      RewindCommand,
      ForwardCommand,
      RebuildCommand,
      RebuildCompareCommand,
      RebuildSwapCommand,
      RebuildDropCommand,
      StateCommand,
      StateRebuildCommand,
      HeldCommand,
      HeldListCommand,
      HeldShowCommand,
      HeldCorrectCommand,
      HeldCorrectionsCommand,
      HeldWithdrawCommand,
      LogCommand,
      LogInspectCommand,
      LogVerifyCommand,
    ],
  };
}
