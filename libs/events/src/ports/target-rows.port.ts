/** Columns of a table, which it has; null stands for one that it does not have, and is read as null. */
export type WantedColumns = { readonly schema: string; readonly table: string; readonly columns: readonly (string | null)[] };

/** Reads rows of tables of the target, whoever has written them. */
export abstract class TargetRows {
  /**
   * The rows of these tables as one instant shows them, in pieces of whole lines of COPY text, each table's behind those of the one before and by no order: `take` is told which table they are of, and
   * waited for. Nothing is kept open. Looks, and changes nothing. TARGET_CHANGED where a table or column is not there.
   */
  abstract read(tables: readonly WantedColumns[], take: (table: WantedColumns, lines: Buffer) => Promise<void> | void): Promise<void>;
}
