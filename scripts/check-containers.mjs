// Reads docker/ as an engine would, where there is none: everything that the files name must exist and fit together.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { parse } from 'yaml';

import { ROOT } from './prepare.mjs';

const problems = [];
const check = (condition, problem) => {
  if (!condition) problems.push(problem);
};

/** An app's program, as it will be after the build: by its source, so that a name that was renamed is noticed. */
function checkProgram(command, where) {
  const program = command.find((word) => word.endsWith('.js'));
  const source = program?.replace('/dist/', '/src/').replace(/\.js$/, '.ts');
  check(
    command[0] === 'node' && source !== undefined && existsSync(join(ROOT, source)),
    `${where} runs ${command.join(' ')}, which is no program of ours`,
  );
}

/** A tag that moves under us is no version. */
function checkImage(image, where) {
  check(/:[0-9]/.test(image), `${where} uses ${image} without a version`);
}

function checkDockerfile(path) {
  const text = readFileSync(join(ROOT, path), 'utf8').replace(/\\\n/g, ' ');
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const instructions = lines.map((line) => ({ name: line.split(/\s+/)[0], rest: line.slice(line.indexOf(' ') + 1).trim() }));
  const known = ['FROM', 'WORKDIR', 'COPY', 'RUN', 'ENV', 'USER', 'CMD'];
  const stages = new Set();
  let user = 'root';
  for (const { name, rest } of instructions) {
    check(known.includes(name), `${path}: ${name} is not expected here`);
    if (name === 'FROM') {
      const [image, , stage] = rest.split(/\s+/);
      if (!stages.has(image)) checkImage(image, path);
      if (stage !== undefined) stages.add(stage);
      user = 'root';
    }
    if (name === 'USER') user = rest;
    if (name === 'COPY') checkCopy(path, rest, stages);
    if (name === 'CMD') checkProgram(JSON.parse(rest), path);
  }
  check(!['root', '0'].includes(user), `${path}: the image runs as root`);
  check(instructions.at(-1)?.name === 'CMD', `${path}: the last instruction is not CMD`);
}

function checkCopy(path, rest, stages) {
  const words = rest.split(/\s+/);
  const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
  const sources = words.filter((word) => !word.startsWith('--')).slice(0, -1);
  if (from !== undefined) check(stages.has(from), `${path}: COPY from the unknown stage ${from}`);
  else for (const source of sources) check(existsSync(join(ROOT, source)), `${path}: COPY ${source}, which does not exist`);
}

async function checkCompose(path) {
  const compose = parse(readFileSync(join(ROOT, path), 'utf8'), { merge: true });
  const names = Object.keys(compose.services);
  for (const [name, service] of Object.entries(compose.services)) {
    const where = `${path}: ${name}`;
    check(Array.isArray(service.healthcheck?.test), `${where} has no health check`);
    for (const other of Object.keys(service.depends_on ?? {}))
      check(names.includes(other), `${where} depends on ${other}, which is not there`);
    for (const volume of service.volumes ?? []) checkVolume(where, volume, compose.volumes ?? {});
    for (const [key, value] of Object.entries(service.environment ?? {})) {
      if (/PASSWORD|SECRET|TOKEN/.test(key)) check(String(value).startsWith('${'), `${where} holds the secret ${key}`);
    }
    if (service.build === undefined) {
      checkImage(service.image, where);
      continue;
    }
    check(existsSync(join(ROOT, service.build.dockerfile)), `${where} is built from ${service.build.dockerfile}, which does not exist`);
    check(
      existsSync(join(ROOT, 'docker', `${service.env_file}.example`)),
      `${where} takes ${service.env_file}, of which there is no example`,
    );
    checkProgram(service.command, where);
    await checkSettings(name, where, service.healthcheck.test.join(' '));
  }
  const apps = readdirSync(join(ROOT, 'apps')).filter((app) => app !== 'cli');
  for (const app of apps) check(names.includes(app), `${path}: the app ${app} has no service`);
}

function checkVolume(where, volume, declared) {
  const source = volume.split(':')[0];
  if (source.startsWith('.')) check(existsSync(join(ROOT, 'docker', source)), `${where} mounts ${source}, which does not exist`);
  else check(source in declared, `${where} uses the volume ${source}, which is not declared`);
}

/** The settings that the containers get are read as the app would read them, with the example's environment. */
async function checkSettings(app, where, healthCheck) {
  const { readSettings } = await import(join(ROOT, 'libs/shell/dist/index.js'));
  const example = readFileSync(join(ROOT, 'docker/changeover.env.example'), 'utf8');
  const pairs = example.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const environment = Object.fromEntries(pairs.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  try {
    const { settings } = await readSettings(app, { file: join(ROOT, 'docker/changeover.json'), environment });
    check(
      healthCheck.includes(`:${settings.http.ports[app]}/health/live`),
      `${where}: the health check asks another port than the settings name`,
    );
  } catch (error) {
    problems.push(`${where}: ${error.message}`);
  }
}

checkDockerfile('docker/Dockerfile');
await checkCompose('docker/compose.yaml');
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
