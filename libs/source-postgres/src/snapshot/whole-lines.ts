const LF = 0x0a;

/** The same bytes in pieces of whole lines, each of `bytes` at least, but for the last; a longer line comes as one. */
export async function* wholeLines(pieces: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer, void, undefined> {
  let held: Buffer[] = [];
  let length = 0;
  /** Of what is held, what whole lines have. */
  let whole = 0;
  for await (const piece of pieces) {
    const lastEnd = piece.lastIndexOf(LF) + 1;
    if (lastEnd > 0) whole = length + lastEnd;
    held.push(piece);
    length += piece.length;
    if (whole < bytes) continue;
    const all = Buffer.concat(held, length);
    held = [all.subarray(whole)];
    length -= whole;
    yield all.subarray(0, whole);
    whole = 0;
  }
  if (length > 0) yield Buffer.concat(held, length);
}
