import { ChangeoverError, type Clock } from '@changeover/core';
import { ServiceProcess, type Exit, type Stage, type StagedMigration } from '@changeover/example-crm';

export const ROLES = ['capture', 'transform', 'load'] as const;
export type Role = (typeof ROLES)[number];

/**
 * The three processes of one migration, and what an operator's process manager does for them: it starts them. One that
 * ends without being told to (a fault announces the end it causes) fails the whole run.
 */
export class Crew implements AsyncDisposable {
  readonly #stage: Stage;
  readonly #migration: StagedMigration;
  readonly #clock: Clock;
  readonly #members = new Map<Role, ServiceProcess>();
  /** Every process that ever was, the replaced ones too. */
  readonly #all = new Set<ServiceProcess>();
  readonly #told = new WeakSet<ServiceProcess>();
  /** Rejects when a process ends without being told to. */
  readonly failed: Promise<never>;
  #fail: (error: ChangeoverError) => void = () => undefined;

  constructor(stage: Stage, migration: StagedMigration, clock: Clock) {
    this.#stage = stage;
    this.#migration = migration;
    this.#clock = clock;
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    // Told to whoever races with it.
    this.failed.catch(() => undefined);
  }

  get members(): ReadonlyMap<Role, ServiceProcess> {
    return this.#members;
  }

  member(role: Role): ServiceProcess {
    const member = this.#members.get(role);
    if (member === undefined) throw new ChangeoverError('INTERNAL', `${role} was never started`);
    return member;
  }

  /** Starts one, which takes the role over from the one before it, dead or alive. */
  async start(role: Role): Promise<ServiceProcess> {
    const started = await ServiceProcess.start({
      service: role,
      settingsFile: this.#migration.settingsFile,
      // One file each: a replaced one says why it ended while the next one writes already.
      logFile: this.#stage.logFile(`${role}-${String(this.#all.size)}`),
      args: this.#members.has(role) ? ['--take-over'] : [],
      clock: this.#clock,
    });
    this.#members.set(role, started);
    this.#all.add(started);
    void started.exited.then(async (exit) => {
      if (this.#told.has(started)) return;
      this.#fail(new ChangeoverError('INTERNAL', `${role} ended by itself (${exitText(exit)}):\n${await started.lastWords()}`));
    });
    return started;
  }

  /** From now on this process may end. */
  expectEnd(process: ServiceProcess): void {
    this.#told.add(process);
  }

  async stopAll(): Promise<void> {
    await Promise.all(
      [...this.#all].map(async (process) => {
        this.expectEnd(process);
        // A paused one hears nothing.
        process.signal('SIGCONT');
        await process.stop();
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopAll();
  }
}

export const exitText = ({ code, signal }: Exit): string => signal ?? `exit code ${String(code)}`;
