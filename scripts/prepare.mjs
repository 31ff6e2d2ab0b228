// What every command needs first: dependencies and a build. Imports nothing that has to be installed.
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
export const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

/** How long a child that was asked to end may take. */
const PATIENCE_MS = 5_000;

let interrupted = false;

/** Runs `npm ci` unless node_modules already holds what package-lock.json names. */
export async function install() {
  if (await isInstalled()) return;
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const result = await withProgress('Installing dependencies (npm ci)', run(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error']));
  if (interrupted) process.exit(130);
  if (result.code !== 0) fail('npm ci failed; run the command again, or remove node_modules first', result.output);
}

/** Compiles what has changed; ends the process with the compiler's words when it does not compile. */
export async function build() {
  const result = await withProgress('Building', run(process.execPath, [TSC, '-b']));
  if (interrupted) process.exit(130);
  if (result.code !== 0) fail('the build failed', result.output);
}

/**
 * By content, as times lie: git gives a fresh clone's lock file the time of the clone. Packages for other platforms
 * are not installed, so optional ones count only by their version where they are there.
 */
async function isInstalled() {
  const wanted = await readPackages(join(ROOT, 'package-lock.json'));
  const present = await readPackages(join(ROOT, 'node_modules/.package-lock.json'));
  if (wanted === undefined || present === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.startsWith('node_modules/') || entry.link) return true;
    const installed = present[path];
    if (installed === undefined) return entry.optional === true || entry.devOptional === true || entry.peer === true;
    return installed.version === entry.version;
  });
}

async function readPackages(path) {
  try {
    return JSON.parse(await readFile(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Runs a command with its output kept; resolves to exit code, output and seconds. Killed after `minutes`. */
export function run(command, args, { env = {}, minutes = 15 } = {}) {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: command.endsWith('.cmd'),
      // A group of its own, so that all that npm starts can be ended with it.
      detached: process.platform !== 'win32',
    });
    // Nobody else may go on writing here when we have ended.
    const end = () => {
      interrupted = true;
      kill(child, 'SIGTERM');
      setTimeout(() => kill(child, 'SIGKILL'), PATIENCE_MS).unref();
    };
    process.on('SIGINT', end).on('SIGTERM', end);
    let output = '';
    const keep = (chunk) => (output += String(chunk));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const done = (code) => {
      clearTimeout(timer);
      process.off('SIGINT', end).off('SIGTERM', end);
      resolve({ code, output, seconds: (performance.now() - started) / 1000 });
    };
    const timer = setTimeout(() => {
      output += `\nstill running after ${minutes} minutes: killed\n`;
      kill(child, 'SIGKILL');
    }, minutes * 60_000);
    child.on('error', (error) => {
      output += `${command}: ${error.message}\n`;
      done(127);
    });
    child.on('close', (code, signal) => done(signal === null ? code : 128));
  });
}

/** Whether somebody has asked us to end while a child ran. */
export function wasInterrupted() {
  return interrupted;
}

/** Runs a script in the foreground, with our terminal; resolves to its exit code. Killed after `minutes`, if given. */
export function runNode(script, args, { env = {}, minutes } = {}) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(ROOT, script), ...args], { cwd: ROOT, env: { ...process.env, ...env }, stdio: 'inherit' });
    const timer = minutes === undefined ? undefined : setTimeout(giveUp, minutes * 60_000);
    function giveUp() {
      console.error(`still running after ${minutes} minutes: killed`);
      child.kill('SIGKILL');
    }
    // Ctrl-C reaches the child by itself; we wait for how it ends.
    const note = () => (interrupted = true);
    const forward = (signal) => {
      interrupted = true;
      child.kill(signal);
    };
    process.on('SIGINT', note).on('SIGTERM', forward);
    child.on('error', (error) => {
      console.error(`${script}: ${error.message}`);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      process.off('SIGINT', note).off('SIGTERM', forward);
      resolve(signal === null ? code : 128);
    });
  });
}

function kill(child, signal) {
  try {
    if (process.platform === 'win32') child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // It has ended.
  }
}

/** Says what goes on while it does: a growing line on a terminal; elsewhere a line at the start and every ten seconds. */
async function withProgress(what, work) {
  const started = performance.now();
  const terminal = process.stderr.isTTY === true;
  let shown = false;
  const show = () => {
    const line = `${what} … ${String(Math.round((performance.now() - started) / 1000))} s`;
    process.stderr.write(terminal ? `\r${line}` : `${line}\n`);
    shown = true;
  };
  // Quick work stays silent.
  const first = setTimeout(show, 1_500);
  const timer = setInterval(show, terminal ? 1_000 : 10_000);
  try {
    return await work;
  } finally {
    clearTimeout(first);
    clearInterval(timer);
    if (shown && terminal) process.stderr.write('\n');
  }
}

function fail(what, output) {
  console.error(`${output.trimEnd()}\n\n${what}`);
  process.exit(1);
}
