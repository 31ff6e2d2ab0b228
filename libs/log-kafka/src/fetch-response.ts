import protocolErrors from 'kafkajs/src/protocol/error.js';

/** What a fetch of one partition brought: the batches as bytes, so that they can be inflated when their turn comes. */
export type Fetched = {
  readonly clientSideThrottleTime: number;
  readonly errorCode: number;
  readonly records: Buffer;
};

/**
 * Fetch response, version 11, of one topic and partition. kafkajs's own decoder inflates and decodes all of it at once, so
 * what a fetch holds would depend on how well the data compresses.
 */
export const fetchResponse = {
  decode(payload: Buffer): Promise<Fetched> {
    return Promise.resolve(decode(payload));
  },

  /** @throws KafkaJSProtocolError as the broker says. */
  parse(fetched: Fetched): Promise<Fetched> {
    return fetched.errorCode === 0 ? Promise.resolve(fetched) : Promise.reject(brokerError(fetched.errorCode));
  },
};

/** The error that a code of the protocol stands for, as kafkajs names it. */
export function brokerError(code: number): Error {
  return protocolErrors.createErrorFromCode(code);
}

/*
 * throttle int32 | error int16 | session int32 | topics [ name string | partitions [ partition int32 | error int16 |
 * highWatermark int64 | lastStableOffset int64 | logStartOffset int64 | aborted [ producer int64 | first int64 ] |
 * preferredReplica int32 | records bytes ] ]
 */
function decode(payload: Buffer): Fetched {
  const clientSideThrottleTime = payload.readInt32BE(0);
  const whole = payload.readInt16BE(4);
  const topics = payload.readInt32BE(10);
  if (whole !== 0 || topics < 1) return { clientSideThrottleTime, errorCode: whole, records: Buffer.alloc(0) };
  let at = 14;
  at += 2 + payload.readInt16BE(at);
  at += 4 + 4;
  const errorCode = payload.readInt16BE(at);
  at += 2 + 3 * 8;
  at += 4 + 16 * Math.max(0, payload.readInt32BE(at));
  at += 4;
  const size = Math.max(0, payload.readInt32BE(at));
  return { clientSideThrottleTime, errorCode, records: payload.subarray(at + 4, at + 4 + size) };
}
