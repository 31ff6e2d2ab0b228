import { ChangeoverError } from '@changeover/core';
import { Module, type DynamicModule, type INestApplication, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

import type { Log } from '../logging/log.js';
import type { RunningTask } from '../process/running-task.js';
import type { RoleTelemetry } from '../telemetry/role-telemetry.js';
import type { LogTransport } from './log-transport.js';
import { NestLog } from './nest-log.js';
import { ShellModule } from './shell.module.js';

@Module({})
class RoleApp {}

export type AppOptions = {
  readonly module: Type | DynamicModule;
  readonly telemetry: RoleTelemetry;
  readonly task: RunningTask;
  readonly log: Log;
  readonly http: { readonly host: string; readonly port: number };
  /** For a role that handles records of the log. */
  readonly transport?: LogTransport;
};

/**
 * A role as a Nest application that listens: health and metrics, and the role's own module. Closing it drains the task first.
 * BAD_SETTINGS if the port is taken.
 */
export async function createApp({ module, telemetry, task, log, http, transport }: AppOptions): Promise<INestApplication> {
  const root: DynamicModule = { module: RoleApp, imports: [ShellModule.for({ telemetry, task }), module] };
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest's options are a class in name only
  const app = await NestFactory.create(root, { logger: new NestLog(log), abortOnError: false });
  try {
    if (transport !== undefined) app.connectMicroservice({ strategy: transport });
    await listen(app, http);
    log.info('health and metrics', { url: await app.getUrl() });
    await app.startAllMicroservices();
    return app;
  } catch (error) {
    await app.close();
    throw error;
  }
}

async function listen(app: INestApplication, { host, port }: AppOptions['http']): Promise<void> {
  try {
    await app.listen(port, host);
  } catch (cause) {
    const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : 'no reason';
    throw new ChangeoverError(
      'BAD_SETTINGS',
      `nothing can listen on port ${String(port)} of ${host} (${code}): see http.host and http.ports`,
      {
        facts: { host, port },
        cause,
      },
    );
  }
}
