/** Where a row's line begins in what the mirror holds of it: behind its form (2 bytes) and the sequence of the record that changed it last (6). */
export const LINE_AT = 8;

/** `form`: place among the forms of the table that were told. */
export function writeHeader(value: Buffer, form: number, seq: number): void {
  value.writeUInt16BE(form, 0);
  value.writeUIntBE(seq, 2, 6);
}

export function formOf(value: Buffer): number {
  return value.readUInt16BE(0);
}

export function seqOf(value: Buffer): number {
  return value.readUIntBE(2, 6);
}
