import { Module } from '@nestjs/common';

/** Capture serves nobody: its loop runs by itself, and health and metrics come from the shell. */
@Module({})
export class CaptureModule {}
