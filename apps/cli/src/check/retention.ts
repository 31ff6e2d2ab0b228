import type { Checkpoint, ListedCheckpoint, Retention } from '@changeover/events';
import { bytesWords, secondsWords } from '@changeover/core';

import type { Finding } from './finding.js';

export type KeptStream = {
  readonly stream: string;
  readonly retention: Retention;
  /** Offset of its first message. */ readonly start: number;
};

/**
 * What a stream does not keep for ever: the log is what everything can be built from again, and by which one goes back to a checkpoint. Checkpoints that cannot be gone to
 * any more are errors; for the others the first is named that will be lost.
 */
export function retentionFindings(
  { stream, retention, start }: KeptStream,
  checkpoints: readonly ListedCheckpoint[],
  now: number,
): readonly Finding[] {
  const kept = checkpoints.filter((one): one is Checkpoint => !('damaged' in one));
  const lost = kept.filter(({ place }) => place.writes.at < start);
  const findings: Finding[] = [];
  if (lost.length > 0) {
    const names = lost.map(({ name }) => name).join(', ');
    const message = `${stream} does not hold the place of these checkpoints any more, so that they cannot be gone to: ${names}`;
    findings.push({
      part: 'log',
      severity: 'error',
      check: 'checkpoints',
      message,
      fix: lost.map(({ name }) => `changeover checkpoint delete ${name}`),
    });
  }
  const { ms, bytes } = retention;
  if (ms === null && bytes === null) return findings;
  const limits = [
    ...(ms === null ? [] : [ms === 0 ? 'as long as it is not compacted' : `for ${secondsWords(ms / 1000)}`]),
    ...(bytes === null ? [] : [`up to ${bytesWords(bytes)}`]),
  ];
  const oldest = kept.find((one) => !lost.includes(one));
  const until =
    oldest === undefined || ms === null || ms === 0
      ? ''
      : `, and ${oldest.name} can be gone to until ${new Date(Math.max(now, oldest.made_ms + ms)).toISOString()} only`;
  findings.push({
    part: 'log',
    severity: 'warning',
    check: 'retention',
    message: `${stream} is kept ${limits.join(' and ')}: what is older can neither be built again nor gone back to${until}`,
    fix: [
      `kafka-configs.sh --alter --entity-type topics --entity-name ${stream} --add-config cleanup.policy=delete,retention.ms=-1,retention.bytes=-1`,
    ],
  });
  return findings;
}
