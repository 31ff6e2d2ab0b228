import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';

import { RunningTask } from '../process/running-task.js';
import { RoleTelemetry } from '../telemetry/role-telemetry.js';
import { HealthController } from './health.controller.js';

/** What every role's module can inject, and its health and metrics. */
@Module({ controllers: [HealthController] })
export class ShellModule implements OnApplicationShutdown {
  constructor(private readonly task: RunningTask) {}

  static for(parts: { readonly telemetry: RoleTelemetry; readonly task: RunningTask }): DynamicModule {
    return {
      module: ShellModule,
      global: true,
      providers: [
        { provide: RoleTelemetry, useValue: parts.telemetry },
        { provide: RunningTask, useValue: parts.task },
      ],
      exports: [RoleTelemetry, RunningTask],
    };
  }

  /** Whoever started it: nothing runs behind a closed application. */
  async onApplicationShutdown(): Promise<void> {
    await this.task.stop();
  }
}
