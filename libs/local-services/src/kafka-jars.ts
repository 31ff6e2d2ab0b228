import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { ChangeoverError } from '@changeover/core';

/** As in `kafka/pom.xml`; a part of the cache's path, so that a new version is fetched. */
const VERSION = '4.1.1';
const POM = fileURLToPath(new URL('../kafka/pom.xml', import.meta.url));
const CACHE = fileURLToPath(new URL(`../../../.cache/kafka-${VERSION}`, import.meta.url));

export function hasKafkaJars(): Promise<boolean> {
  return Promise.resolve(existsSync(CACHE));
}

/** The directory with the broker's jars; the first call on a machine fetches them from Maven Central (54 MB, about 10 s). */
export async function kafkaJars(): Promise<string> {
  if (existsSync(CACHE)) return CACHE;
  await mkdir(dirname(CACHE), { recursive: true });
  const making = await mkdtemp(`${CACHE}-`);
  try {
    const args = ['-q', '-B', '-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${making}`];
    await promisify(execFile)('mvn', args, { cwd: making, maxBuffer: 1 << 26 });
    // Another process may have been faster; what it fetched is as good.
    await rename(making, CACHE).catch(() => undefined);
  } catch (cause) {
    throw new ChangeoverError('SERVICE_MISSING', `Maven could not fetch Kafka ${VERSION}: ${firstErrors(cause)}`, { cause });
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return CACHE;
}

function firstErrors(cause: unknown): string {
  const output = typeof cause === 'object' && cause !== null && 'stdout' in cause ? String(cause.stdout) : String(cause);
  return output.split('\n').slice(0, 3).join(' | ');
}

/** For `java -cp`: every jar of the directory. */
export function classPath(jars: string): string {
  return join(jars, '*');
}
