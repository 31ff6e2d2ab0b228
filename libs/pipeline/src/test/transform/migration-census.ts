import { Census } from '../census.js';

const SEEN = [
  'swap',
  'cycle',
  'self reference',
  'link',
  'made of many',
  'too many rows',
  'rules of one table',
  'flip',
  'held',
  'kept',
  'released',
  'orphan',
  'noted',
  'key change',
  'truncate',
  'rows without a key',
  'copy again',
  'left in the middle of its copy',
  'partial row completed by its chunk',
  'large record',
  'abandoned record',
  'derived in a thread',
  'crash in derive-all',
  'state lost',
  'spill',
  'correction in force',
  'correction out of force',
  'correction withdrawn',
  'accepted row',
  'accepted row held again',
  'acceptance withdrawn',
  'decided before anything was derived',
  'activation that changes rows',
  'activation with a kept version',
  'activation of another form',
  'crash in an activation',
  'plan that changes rows',
  'plan with a kept version',
] as const;

export class MigrationCensus extends Census<(typeof SEEN)[number]> {
  constructor() {
    super(SEEN);
  }
}
