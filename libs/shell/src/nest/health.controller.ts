import { Controller, Get, Header, HttpStatus, Res } from '@nestjs/common';
import type { RoleStatus } from '@changeover/control-postgres';

import { RoleTelemetry } from '../telemetry/role-telemetry.js';

/** What we use of express's response. */
type Response = { status(code: number): void };

/** For whoever runs the process: restart it (live), or wait for it (ready)? */
@Controller()
export class HealthController {
  constructor(private readonly telemetry: RoleTelemetry) {}

  /** 503 only where a restart could help: the loop has ended, yet the process has not. Trouble with others is not that. */
  @Get('health/live')
  live(@Res({ passthrough: true }) response: Response): RoleStatus {
    const status = this.telemetry.status();
    response.status(status.state === 'failed' ? HttpStatus.SERVICE_UNAVAILABLE : HttpStatus.OK);
    return status;
  }

  /** 200 while the loop runs: 503 while it starts, waits for somebody, stops or has ended. */
  @Get('health/ready')
  ready(@Res({ passthrough: true }) response: Response): RoleStatus {
    const status = this.telemetry.status();
    response.status(status.state === 'running' ? HttpStatus.OK : HttpStatus.SERVICE_UNAVAILABLE);
    return status;
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  metrics(): Promise<string> {
    return this.telemetry.registry.metrics();
  }
}
