import { resolve } from 'node:path';

import { countWords, RandomIdSource, secondsWords, SystemClock } from '@changeover/core';

import { Command, Option } from '../command.js';
import { COMMAND_WORDS } from '../command-words.js';
import {
  checkpointBefore,
  findActivation,
  followActivation,
  planActivation,
  submitActivation,
  type Activation,
  type ActivationStep,
} from '../activate/run-activate.js';
import { PlanProgress, renderPlan } from '../plan/plan-view.js';
import { findOwnServices } from '../services/own-services.js';
import { ProgressLine } from '../status/progress-line.js';
import { CliCommand, INTERRUPTED, toJson, type ReadOptionsOf } from './cli-command.js';

type ActivateOptions = ReadOptionsOf & {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly checkpoint?: boolean;
  readonly json?: boolean;
};

@Command(COMMAND_WORDS.activate)
export class ActivateCommand extends CliCommand {
  @Option({ flags: '--dry-run', description: 'only say what would change' })
  parseDryRun(): boolean {
    return true;
  }

  @Option({ flags: '-y, --yes', description: 'do it' })
  parseYes(): boolean {
    return true;
  }

  @Option({ flags: '--no-checkpoint', description: 'make no checkpoint before it' })
  parseCheckpoint(): boolean {
    return false;
  }

  @Option({ flags: '--json', description: 'print JSON' })
  parseJson(): boolean {
    return true;
  }

  override async run(
    [file]: string[],
    { dryRun = false, yes = false, checkpoint: makes = true, json = false, ...options }: ActivateOptions,
  ): Promise<void> {
    const { settings: given, folder } = await this.readSettings(options);
    const settings = await findOwnServices(given, folder);
    const clock = new SystemClock();
    const began = clock.monotonic();
    const { signal } = this.session;
    const line = new ProgressLine(this.terminal, clock);
    const progress = new PlanProgress();
    const context = {
      ...{ clock, ids: new RandomIdSource(), signal },
      onStep: (step: ActivationStep): void => {
        line.show(stepLine(step, (planned) => progress.line(planned, clock.monotonic())));
      },
    };
    let asked = false;
    const say = (activation: Activation, words: string, more: object): void => {
      line.clear();
      const { hash, active, state } = activation;
      const document = { migration: settings.migration, mapping: hash, before: active.hash, state, ...more };
      this.terminal.out(json ? toJson(document) : words);
    };
    try {
      const activation = await findActivation(settings, file === undefined ? undefined : resolve(file), clock);
      const { hash, active, state } = activation;
      const name = hash.slice(0, 12);
      if (state === 'in force') {
        say(activation, `mapping ${name} is in force, since record ${countWords(active.seq)} of changes\n`, { record: active.seq });
        return;
      }
      let checkpoint: string | null = null;
      if (state === 'new') {
        const plan = await planActivation(settings, activation, context);
        if (dryRun || !yes) {
          say(activation, `${renderPlan(plan)}${dryRun ? '' : 'nothing was activated: --yes does it\n'}`, { activated: false, plan });
          if (!dryRun) process.exitCode = 1;
          return;
        }
        if (makes) {
          context.onStep({ doing: 'checkpoint' });
          checkpoint = await checkpointBefore(settings, activation, plan.read.seq, context);
        }
        await submitActivation(settings, activation, clock);
      } else if (dryRun) {
        say(activation, `mapping ${name} was asked for, and is coming into force\n`, { activated: false });
        return;
      }
      asked = true;
      const followed = await followActivation(settings, activation, context);
      if (followed === null) {
        this.#interrupted(line, asked);
        return;
      }
      const { record, refused } = followed;
      const seconds = (clock.monotonic() - began) / 1000;
      const words = [
        `mapping ${name} is in force from record ${countWords(record)} of changes on, in place of ${active.hash.slice(0, 12)}; the new database is there (${secondsWords(seconds)})`,
        ...(refused === 0
          ? []
          : [`the new database refuses ${countWords(refused)} ${refused === 1 ? 'row' : 'rows'}: changeover held list`]),
        ...(checkpoint === null ? [] : [`what it held before is checkpoint ${checkpoint}`]),
      ];
      say(activation, `${words.join('\n')}\n`, { activated: true, record, refused, checkpoint, seconds });
    } catch (error) {
      line.clear();
      if (!signal.aborted) throw error;
      this.#interrupted(line, asked);
    }
  }

  #interrupted(line: ProgressLine, asked: boolean): void {
    line.clear();
    const what = asked ? 'the mapping comes into force all the same; run it again to follow it' : 'nothing was activated';
    this.terminal.err(`changeover: interrupted: ${what}\n`);
    process.exitCode = INTERRUPTED;
  }
}

function stepLine(step: ActivationStep, planLine: (step: Parameters<PlanProgress['line']>[0]) => string): string {
  switch (step.doing) {
    case 'checkpoint':
      return 'making a checkpoint of what the new database holds';
    case 'loading':
      return 'in force: waiting until the new database is there';
    case 'going over': {
      const { transform } = step;
      if (transform?.health !== 'live') return 'asked for: transform does not run, and goes over when it is started';
      const { deriving } = transform.status?.details ?? {};
      const error = transform.status?.lastError;
      return `asked for: transform ${deriving === undefined ? (transform.status?.state ?? '') : `derives ${String(deriving)}`}${error == null ? '' : `, last error ${error}`}`;
    }
    default:
      return planLine(step);
  }
}
