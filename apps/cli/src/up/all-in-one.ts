import type { ChangeoverError } from '@changeover/core';
import { startCapture } from '@changeover/app-capture';
import { startLoad } from '@changeover/app-load';
import { startTransform } from '@changeover/app-transform';
import type { AllSettings } from '@changeover/shell';
import type { RunningRole, StartOptions } from '@changeover/shell/role';

/** The three roles of a migration in one process, in the order of the data path. */
export class AllInOne implements AsyncDisposable {
  readonly roles: readonly RunningRole[];

  private constructor(roles: readonly RunningRole[]) {
    this.roles = roles;
  }

  /** All or none: if one cannot start, those that have are stopped, and its error is thrown. */
  static async start(settings: AllSettings, options: StartOptions): Promise<AllInOne> {
    const starts = await Promise.allSettled([
      startCapture(settings, options),
      startTransform(settings, options),
      startLoad(settings, options),
    ]);
    const running = new AllInOne(starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : [])));
    const failure = starts.find((start) => start.status === 'rejected');
    if (failure === undefined) return running;
    await running[Symbol.asyncDispose]();
    throw failure.reason as ChangeoverError;
  }

  /** Resolves when all have ended in order, rejects with the first error that ended one. */
  async done(): Promise<void> {
    await Promise.all(this.roles.map(({ done }) => done));
  }

  /** From the source on, so that what is captured still gets as far as it can. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const role of this.roles) await role.stop();
  }
}
