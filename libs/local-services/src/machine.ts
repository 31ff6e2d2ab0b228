import { execFile } from 'node:child_process';
import { request } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { type Machine, POSTGRES_MAJORS } from './choose-service.js';
import { findEmbeddedPostgres } from './embedded-binaries.js';
import { hasKafkaJars } from './kafka-jars.js';

const PROBE_TIMEOUT_MS = 5_000;

let inspection: Promise<Machine> | undefined;

/** Looks once per process at what this machine can run; changes nothing. */
export function inspectMachine(): Promise<Machine> {
  inspection ??= inspect();
  return inspection;
}

async function inspect(): Promise<Machine> {
  const [docker, java, maven, kafkaJars] = await Promise.all([dockerAnswers(), javaMajor(), mavenExists(), hasKafkaJars()]);
  const embeddedPostgres = POSTGRES_MAJORS.filter((major) => findEmbeddedPostgres(major) !== undefined);
  return { docker, embeddedPostgres, java, maven, kafkaJars };
}

async function dockerAnswers(): Promise<boolean> {
  const answers = await Promise.all(dockerAddresses().map((address) => ping(address)));
  return answers.includes(true);
}

type DockerAddress = { readonly socketPath: string } | { readonly host: string; readonly port: number };

/** Where testcontainers looks too. A TLS engine is believed without a ping: only testcontainers knows its certificates. */
function dockerAddresses(): DockerAddress[] {
  const given = process.env['DOCKER_HOST'];
  if (given !== undefined && given !== '') {
    const url = new URL(given);
    if (url.protocol === 'unix:') return [{ socketPath: url.pathname }];
    return [{ host: url.hostname, port: Number(url.port === '' ? '2375' : url.port) }];
  }
  const runtime = process.env['XDG_RUNTIME_DIR'];
  const sockets = ['/var/run/docker.sock', join(homedir(), '.docker/run/docker.sock')];
  if (runtime !== undefined) sockets.push(join(runtime, 'docker.sock'));
  return sockets.map((socketPath) => ({ socketPath }));
}

function ping(address: DockerAddress): Promise<boolean> {
  return new Promise((resolve) => {
    const attempt = request({ ...address, path: '/_ping', timeout: PROBE_TIMEOUT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    attempt.on('timeout', () => attempt.destroy());
    attempt.on('error', () => {
      resolve(false);
    });
    attempt.end();
  });
}

async function javaMajor(): Promise<number | undefined> {
  const text = await output('java', ['-version']);
  // `openjdk version "17.0.15"`, and `java version "1.8.0_402"` in the old days.
  const found = /version "(?:1\.)?(\d+)/.exec(text ?? '');
  return found === null ? undefined : Number(found[1]);
}

async function mavenExists(): Promise<boolean> {
  return (await output('mvn', ['--version'])) !== undefined;
}

function output(command: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: PROBE_TIMEOUT_MS * 2 }, (error, stdout, stderr) => {
      resolve(error === null ? `${stdout}${stderr}` : undefined);
    });
  });
}
