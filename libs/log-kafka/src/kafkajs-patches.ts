import { promisify } from 'node:util';
import { gzip, unzip } from 'node:zlib';

import kafkajs from 'kafkajs';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

const compress = promisify(gzip);
const decompress = promisify(unzip);

/**
 * Two corrections of kafkajs 2.2.4, once per process, before its first connection.
 *
 * - Its request queue sets a new timer of 0 to 1 ms whenever one fires, also with nothing pending: 17,284 timers and
 *   267 ms of CPU in five idle seconds. A queue with nothing pending has nothing to look for.
 * - Its gzip runs at level 6, which costs about four times the CPU of level 1 for a tenth fewer bytes.
 */
export function patchKafkajs(): void {
  if (patched) return;
  patched = true;
  const queue = RequestQueue.prototype;
  const schedule = Reflect.get<RequestQueue, 'scheduleCheckPendingRequests'>(queue, 'scheduleCheckPendingRequests');
  queue.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length > 0) schedule.call(this);
  };
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.GZIP] = () => ({
    compress: (encoder: { readonly buffer: Buffer }) => compress(encoder.buffer, { level: 1 }),
    decompress: (bytes: Buffer) => decompress(bytes),
  });
}

let patched = false;
