import type { ReadBatch } from '@changeover/pipeline';
import { HandlesRecords } from '@changeover/shell/role';
import { Controller, Module } from '@nestjs/common';

/** Where Nest hands over what was read of `<m>.changes`. */
@Controller()
class ChangesController {
  @HandlesRecords()
  async changes(batch: ReadBatch): Promise<void> {
    await batch.process();
  }
}

@Module({ controllers: [ChangesController] })
export class TransformModule {}
