import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';

import { ChangeoverError, invariant, RandomIdSource, type ErrorCode } from '@changeover/core';
import { chooseSecureKafka, inspectMachine, startKafka, type RunningKafka, type SecureListener } from '@changeover/local-services';

import { KafkaMessageStore } from './kafka-message-store.js';
import type { KafkaLogSettings } from './settings.js';

const choice = chooseSecureKafka(await inspectMachine());
const suite = choice.from === 'java' ? describe : describe.skip;
const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

suite(choice.from === 'java' ? 'over TLS, with a password' : `over TLS, with a password (${choice.enable})`, () => {
  let kafka: RunningKafka;
  let secure: SecureListener;
  let stores: KafkaMessageStore[] = [];

  beforeAll(async () => {
    kafka = await startKafka({ secure: true });
    invariant(kafka.secure !== undefined, 'a secure listener was asked for');
    secure = kafka.secure;
  }, 120_000);

  afterEach(async () => {
    await Promise.all(stores.map((store) => store.stop()));
    stores = [];
  });

  afterAll(async () => {
    await kafka.stop();
  }, 60_000);

  function open(settings: Partial<KafkaLogSettings>): KafkaMessageStore {
    // Patience beyond the time of a test: who tries again what cannot succeed runs out of that.
    const store = new KafkaMessageStore({ brokers: secure.brokers, patienceMs: 60_000, ...settings });
    stores.push(store);
    return store;
  }

  const newName = (): string => `t${new RandomIdSource().uuid().slice(0, 8)}.changes`;
  const trusting = (): { readonly ca: string } => ({ ca: secure.ca });
  const login = (over: Partial<KafkaLogSettings['sasl']> = {}): NonNullable<KafkaLogSettings['sasl']> => {
    const { username, password } = secure;
    return { mechanism: 'scram-sha-256', username, password, ...over };
  };

  /** Whatever a store is asked for, it says `code`, and tells nobody a secret. */
  async function expectRefusal(code: ErrorCode, settings: Partial<KafkaLogSettings>, secrets: readonly string[] = []): Promise<void> {
    const store = open(settings);
    const stream = newName();
    const calls = [
      store.create(stream),
      store.bounds(stream),
      store.append(stream, [Buffer.from('a')]),
      store.read(stream, 0, { signal: new AbortController().signal }).next(),
    ];
    const errors = await Promise.all(calls.map((call) => call.then(() => undefined, asOurs)));
    expect(errors.map((error) => error?.code)).toEqual(calls.map(() => code));
    for (const error of errors) {
      const everything = inspect(error, { depth: Infinity, showHidden: true });
      for (const secret of [secure.password, ...secrets]) expect(everything).not.toContain(secret);
    }
  }

  it.each(MECHANISMS)('reads back what it appended, by %s', async (mechanism) => {
    const settings = { ssl: trusting(), sasl: login({ mechanism }) };
    const store = open(settings);
    const stream = newName();
    expect(await store.create(stream)).toBe('created');
    expect(await store.append(stream, [Buffer.from('a'), Buffer.from('b')])).toBe(0);
    const texts: string[] = [];
    for await (const batch of open(settings).read(stream, 0, { signal: new AbortController().signal, until: 2 })) {
      texts.push(...batch.map(({ bytes }) => bytes.toString()));
    }
    expect(texts).toEqual(['a', 'b']);
  });

  it('leaves the settings as they were', async () => {
    const sasl = Object.freeze(login());
    const stream = newName();
    await open({ ssl: trusting(), sasl }).create(stream);
    expect(await open({ ssl: trusting(), sasl }).bounds(stream)).toEqual({ start: 0, end: 0 });
  });

  it.each(MECHANISMS)('says LOG_DENIED to a wrong password, by %s', async (mechanism) => {
    const password = 'another-password';
    await expectRefusal('LOG_DENIED', { ssl: trusting(), sasl: login({ mechanism, password }) }, [password]);
  });

  it('says LOG_DENIED to a user whom nobody knows', () =>
    expectRefusal('LOG_DENIED', { ssl: trusting(), sasl: login({ username: 'nobody' }) }));

  it('says LOG_DENIED to a password where none is wanted', () => expectRefusal('LOG_DENIED', { brokers: kafka.brokers, sasl: login() }));

  it('says BAD_SETTINGS of a certificate that nobody vouches for, or of another host', async () => {
    const [port] = secure.brokers.map((address) => address.split(':')[1] ?? '');
    await expectRefusal('BAD_SETTINGS', { ssl: true, sasl: login() });
    await expectRefusal('BAD_SETTINGS', { ssl: trusting(), sasl: login(), brokers: [`localhost:${String(port)}`] });
  });

  it('says BAD_SETTINGS of a key that it cannot read', async () => {
    const { privateKey: key } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'its-passphrase' },
    });
    const passphrase = 'another-passphrase';
    await expectRefusal('BAD_SETTINGS', { ssl: { ...trusting(), key, passphrase }, sasl: login() }, [passphrase, key.split('\n')[1] ?? '']);
  });

  it.each([
    ['TLS', () => ({ sasl: login() })],
    ['a password', () => ({ ssl: trusting() })],
  ])('says LOG_UNREACHABLE without %s, and what may be missing', async (_, rest) => {
    const settings = { ...rest(), patienceMs: 200 };
    await expectRefusal('LOG_UNREACHABLE', settings);
    await expect(open(settings).bounds('m.changes')).rejects.toThrow(/TLS or a password/);
  });

  it('says LOG_UNREACHABLE of a broker that knows no TLS', () =>
    expectRefusal('LOG_UNREACHABLE', { brokers: kafka.brokers, ssl: trusting(), sasl: login(), patienceMs: 200 }));
});

function asOurs(error: unknown): ChangeoverError {
  expect(error).toBeInstanceOf(ChangeoverError);
  return error as ChangeoverError;
}
