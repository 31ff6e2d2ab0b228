import type { ReadBatch } from '@changeover/pipeline';
import { HandlesRecords } from '@changeover/shell/role';
import { Controller, Module } from '@nestjs/common';

/** Where Nest hands over what was read of `<m>.writes`. */
@Controller()
class WritesController {
  @HandlesRecords()
  async writes(batch: ReadBatch): Promise<void> {
    await batch.process();
  }
}

@Module({ controllers: [WritesController] })
export class LoadModule {}
