import { ChangeoverError } from '@changeover/core';
import { tableName, type StateLook, type TableSchema } from '@changeover/events';
import { tableUse, type Mapping } from '@changeover/mapping';

export type LookOptions = {
  readonly migration: string;
  /** Looks at what transform has committed last; null: there is nothing in its folder on this machine. */
  readonly lookAtState: () => Promise<StateLook | null>;
};

/** The state as it was looked at last. */
export class StateLooks implements AsyncDisposable {
  readonly #options: LookOptions;
  #look: StateLook | null = null;

  constructor(options: LookOptions) {
    this.#options = options;
  }

  /** STATE_NOT_HERE where there was nothing. */
  get last(): StateLook {
    if (this.#look !== null) return this.#look;
    throw new ChangeoverError('STATE_NOT_HERE', `there is no state of migration ${this.#options.migration} in the folder of the settings`);
  }

  /** What was committed until now. */
  async again(): Promise<StateLook> {
    await this.#look?.[Symbol.asyncDispose]();
    this.#look = await this.#options.lookAtState();
    return this.last;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#look?.[Symbol.asyncDispose]();
  }
}

/** Whether transform remembers rows of this table: it is captured and used, and its rows have a key. */
export function isRemembered({
  mapping,
  captured,
}: {
  readonly mapping: Mapping;
  readonly captured: ReadonlySet<string>;
}): (table: TableSchema) => boolean {
  return (table) => {
    const { passed, read } = tableUse(mapping, table);
    return captured.has(tableName(table)) && (passed !== null || read) && table.columns.some(({ key }) => key);
  };
}
