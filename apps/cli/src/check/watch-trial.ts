import { countWords, type Clock } from '@changeover/core';
import type { TrialStep } from '@changeover/verification';

import type { ProgressLine } from '../status/progress-line.js';
import { VerifyProgress } from '../verify/verify-view.js';
import type { DataCheck } from './try-data.js';

/** Shows in one line how far a trial of a mapping has come. */
export function watchTrial(line: ProgressLine, clock: Clock): Pick<DataCheck, 'onSizes' | 'onStep'> {
  const progress = new VerifyProgress();
  return {
    onSizes: (sizes) => {
      progress.expect(sizes);
    },
    onStep: (step) => {
      line.show(trialLine(progress, step, clock.monotonic()));
    },
  };
}

function trialLine(progress: VerifyProgress, { doing, table, rows }: TrialStep, now: number): string {
  if (doing === 'trying') return `asking the target what ${table ?? ''} takes: ${countWords(rows)} rows`;
  return progress.line({ doing, table, rows }, now);
}
