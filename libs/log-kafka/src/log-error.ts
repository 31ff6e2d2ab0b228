import { ChangeoverError, type ErrorCode } from '@changeover/core';

/** An error as one of ours, and whether the same call may succeed a moment later. */
export type Verdict = { readonly error: ChangeoverError; readonly again: boolean };

/**
 * Kafka's error names (kafkajs: `type`) that are more than "not now". What a broker may say for a moment while it
 * starts or a partition moves (`again`) is tried again, for a short while where it may also be the truth.
 */
const TYPES: Readonly<Record<string, { readonly code: ErrorCode; readonly again: boolean }>> = {
  UNKNOWN_TOPIC_OR_PARTITION: { code: 'LOG_MISSING', again: true },
  OFFSET_OUT_OF_RANGE: { code: 'LOG_TRUNCATED', again: false },
  CORRUPT_MESSAGE: { code: 'LOG_CORRUPT', again: true },
  MESSAGE_TOO_LARGE: { code: 'BAD_SETTINGS', again: false },
  RECORD_LIST_TOO_LARGE: { code: 'BAD_SETTINGS', again: false },
  // A compacted topic refuses messages without a key.
  INVALID_RECORD: { code: 'BAD_SETTINGS', again: false },
  INVALID_TOPIC_EXCEPTION: { code: 'BAD_SETTINGS', again: false },
  INVALID_REPLICATION_FACTOR: { code: 'BAD_SETTINGS', again: false },
  INVALID_CONFIG: { code: 'BAD_SETTINGS', again: false },
  POLICY_VIOLATION: { code: 'BAD_SETTINGS', again: false },
  TOPIC_AUTHORIZATION_FAILED: { code: 'LOG_DENIED', again: false },
  CLUSTER_AUTHORIZATION_FAILED: { code: 'LOG_DENIED', again: false },
  SASL_AUTHENTICATION_FAILED: { code: 'LOG_DENIED', again: false },
  UNSUPPORTED_SASL_MECHANISM: { code: 'LOG_DENIED', again: false },
  SECURITY_DISABLED: { code: 'LOG_DENIED', again: false },
  // Credentials where the broker wants none; or a login that went out of step.
  ILLEGAL_SASL_STATE: { code: 'LOG_DENIED', again: true },
  // The broker has forgotten our producer or knows better: no repetition of this send can be right.
  OUT_OF_ORDER_SEQUENCE_NUMBER: { code: 'LOG_UNREACHABLE', again: false },
  DUPLICATE_SEQUENCE_NUMBER: { code: 'LOG_UNREACHABLE', again: false },
  UNKNOWN_PRODUCER_ID: { code: 'LOG_UNREACHABLE', again: false },
  INVALID_PRODUCER_EPOCH: { code: 'LOG_UNREACHABLE', again: false },
};

/**
 * Node's codes for a broker's certificate that our settings do not vouch for. An expired one is not among them: it is
 * the broker's to renew, and then we go on.
 */
const UNTRUSTED: ReadonlySet<unknown> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** By class, type and code, never by text. */
export function judge(error: unknown, doing: string): Verdict {
  if (error instanceof ChangeoverError) return { error, again: error.code === 'LOG_UNREACHABLE' };
  const root = rootOf(error);
  const name = root instanceof Error ? root.name : '';
  const type = typeOf(root);
  const message = `${doing}: ${root instanceof Error ? root.message : String(root)}`;
  const facts = type === undefined ? {} : { kafka: type };
  const wrap = (code: ErrorCode, hint = ''): ChangeoverError => new ChangeoverError(code, message + hint, { facts, cause: error });

  if (name === 'KafkaJSSASLAuthenticationError') return { error: wrap('LOG_DENIED'), again: false };
  if (isUntrusted(root)) {
    return { error: wrap('BAD_SETTINGS', ': the settings ssl and brokers do not fit the broker’s certificate'), again: false };
  }
  if (name === 'KafkaJSConnectionClosedError') {
    return { error: wrap('LOG_UNREACHABLE', ' by the broker, which is also its answer where TLS or a password is missing'), again: true };
  }
  const known = type === undefined ? undefined : TYPES[type];
  if (known !== undefined) return { error: wrap(known.code), again: known.again };
  // kafkajs's own: connections, time-outs, stale metadata, and Kafka's "not now" (no leader, too few replicas, …).
  if (name.startsWith('KafkaJS')) return { error: wrap('LOG_UNREACHABLE'), again: true };
  return { error: wrap('INTERNAL'), again: false };
}

/** kafkajs wraps what it gave up on ("number of retries exceeded", or one error per topic); what happened is innermost. */
function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof Error && root.name.startsWith('KafkaJS')) {
    const inner: unknown = 'errors' in root && Array.isArray(root.errors) ? root.errors[0] : root.cause;
    if (!(inner instanceof Error)) break;
    root = inner;
  }
  return root;
}

function isUntrusted(error: unknown): boolean {
  return error instanceof Error && 'code' in error && UNTRUSTED.has(error.code);
}

function typeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('type' in error)) return undefined;
  return typeof error.type === 'string' ? error.type : undefined;
}
