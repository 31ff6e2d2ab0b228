import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { ChangeoverError } from '@changeover/core';

/** A second way into a broker: TLS, and a password by PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512. */
export type SecureListener = {
  /** `host:port` of each broker: IP addresses, which is what the certificate is made out to. */
  readonly brokers: readonly string[];
  /** PEM of the broker's certificate. It signed itself: nobody trusts it who is not given it. */
  readonly ca: string;
  readonly username: string;
  readonly password: string;
};

/** A broker's listener, and what the broker must be told of it besides the address. */
export type MadeListener = {
  readonly access: SecureListener;
  readonly settings: Readonly<Record<string, string>>;
  /** For the tool that makes the storage, which is where SCRAM users live. */
  readonly formatArgs: readonly string[];
};

/** The same each time, because the storage remembers it. */
const USER = { username: 'changeover', password: 'a-password-for-tests' } as const;
const SCRAM = ['SCRAM-SHA-256', 'SCRAM-SHA-512'];
const MODULES = 'org.apache.kafka.common.security';
const KEYSTORE = 'broker.p12';

/** Makes a certificate in `home`. */
export async function makeSecureListener(home: string, address: string): Promise<MadeListener> {
  const { username, password } = USER;
  const host = address.slice(0, address.lastIndexOf(':'));
  // A place that is used again has the last one.
  await rm(join(home, KEYSTORE), { force: true });
  await keytool(home, ['-genkeypair', '-keyalg', 'EC', '-dname', 'CN=changeover', '-ext', `SAN=ip:${host}`]);
  const scramLogins = SCRAM.map((mechanism) => [
    `listener.name.sasl_ssl.${mechanism.toLowerCase()}.sasl.jaas.config`,
    `${MODULES}.scram.ScramLoginModule required;`,
  ]);
  return {
    access: { brokers: [address], ca: await keytool(home, ['-exportcert', '-rfc']), ...USER },
    settings: {
      'sasl.enabled.mechanisms': ['PLAIN', ...SCRAM].join(),
      'listener.name.sasl_ssl.plain.sasl.jaas.config': `${MODULES}.plain.PlainLoginModule required user_${username}="${password}";`,
      ...(Object.fromEntries(scramLogins) as Record<string, string>),
      'ssl.keystore.type': 'PKCS12',
      'ssl.keystore.location': join(home, KEYSTORE),
      'ssl.keystore.password': password,
    },
    formatArgs: SCRAM.flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=${username},password=${password}]`]),
  };
}

/** Comes with every Java. */
async function keytool(home: string, args: readonly string[]): Promise<string> {
  const store = ['-keystore', KEYSTORE, '-storetype', 'PKCS12', '-storepass', USER.password, '-alias', 'broker'];
  const { stdout } = await promisify(execFile)('keytool', [...args, ...store], { cwd: home }).catch((cause: unknown) => {
    throw new ChangeoverError('SERVICE_MISSING', `keytool could not make a certificate: ${String(cause)}`, { cause });
  });
  return stdout;
}
