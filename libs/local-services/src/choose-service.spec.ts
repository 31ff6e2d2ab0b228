import { chooseKafka, choosePostgres, chooseSecureKafka, type Machine } from './choose-service.js';

const bare: Machine = { docker: false, embeddedPostgres: [], java: undefined, maven: false, kafkaJars: false };
const full: Machine = { docker: true, embeddedPostgres: [14, 16, 18], java: 17, maven: true, kafkaJars: true };

describe('where PostgreSQL comes from', () => {
  const given = { CHANGEOVER_TEST_POSTGRES_16: 'postgres://u@h/d' };

  it('is a given address before all else, for its own version only', () => {
    expect(choosePostgres(16, given, full)).toEqual({ from: 'given', url: 'postgres://u@h/d' });
    expect(choosePostgres(18, given, full)).toEqual({ from: 'docker' });
    expect(choosePostgres(16, { CHANGEOVER_TEST_POSTGRES_16: '' }, full)).toEqual({ from: 'docker' });
  });

  it('is never a given address where the caller needs a server of his own', () => {
    expect(choosePostgres(16, given, full, true)).toEqual({ from: 'docker' });
    expect(choosePostgres(16, given, bare, true)).toMatchObject({ from: 'missing' });
  });

  it('is a container, else the binaries from npm, else a sentence that says what would enable it', () => {
    expect(choosePostgres(14, {}, full)).toEqual({ from: 'docker' });
    expect(choosePostgres(14, {}, { ...full, docker: false })).toEqual({ from: 'embedded' });
    expect(choosePostgres(14, {}, { ...bare, embeddedPostgres: [18] })).toEqual({
      from: 'missing',
      enable: expect.stringMatching(/PostgreSQL 14 .*CHANGEOVER_TEST_POSTGRES_14.*Docker.*npm ci/) as string,
    });
  });
});

describe('where Kafka comes from', () => {
  it('is the given brokers before all else', () => {
    expect(chooseKafka({ KAFKA_BROKERS: 'a:1, b:2,' }, full)).toEqual({ from: 'given', brokers: ['a:1', 'b:2'] });
    expect(chooseKafka({ KAFKA_BROKERS: ' ' }, full)).toEqual({ from: 'docker' });
    expect(chooseKafka({ KAFKA_BROKERS: 'a:1' }, full, true)).toEqual({ from: 'docker' });
  });

  it('is Java where it is new enough and the jars are there or can be fetched', () => {
    const java: Machine = { ...bare, java: 17 };
    expect(chooseKafka({}, { ...java, maven: true })).toEqual({ from: 'java' });
    expect(chooseKafka({}, { ...java, kafkaJars: true })).toEqual({ from: 'java' });
    expect(chooseKafka({}, java)).toMatchObject({ from: 'missing' });
    expect(chooseKafka({}, { ...bare, java: 11, maven: true })).toMatchObject({ from: 'missing' });
  });

  it('says what would enable it where nothing can run it', () => {
    expect(chooseKafka({}, bare)).toEqual({
      from: 'missing',
      enable: expect.stringMatching(/KAFKA_BROKERS.*Docker.*Java 17.*Maven/) as string,
    });
  });

  it('is Java alone for TLS and passwords', () => {
    expect(chooseSecureKafka(full)).toEqual({ from: 'java' });
    expect(chooseSecureKafka({ ...full, java: undefined })).toEqual({
      from: 'missing',
      enable: expect.stringMatching(/TLS.* needs Java 17/) as string,
    });
  });
});
