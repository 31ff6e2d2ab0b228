import { availableParallelism, cpus, totalmem } from 'node:os';

import { connectTo } from '@changeover/example-crm';

export type MachineFacts = {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGiB: number;
  readonly platform: string;
  readonly node: string;
  readonly postgres: string;
  readonly kafka: string | null;
};

/** What a figure means nothing without. */
export async function describeMachine(postgresUrl: string, kafka: string | null): Promise<MachineFacts> {
  await using client = await connectTo(postgresUrl);
  const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    postgres: rows[0]?.server_version ?? 'unknown',
    kafka,
  };
}
