const LF = 0x0a;

/** Bytes that come in any pieces, in pieces of whole lines: of about so many bytes, or with one larger line. Each line's LF is the only one in it. */
export async function* wholeLines(chunks: AsyncIterable<Buffer>, about: number): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let length = 0;
  /** Where in what is held its last line ends. */
  let end = 0;
  for await (const chunk of chunks) {
    // The new bytes alone are searched: a large line comes in many chunks.
    const lastEnd = chunk.lastIndexOf(LF) + 1;
    if (lastEnd > 0) end = length + lastEnd;
    held.push(chunk);
    length += chunk.length;
    if (length < about || end === 0) continue;
    const bytes = Buffer.concat(held, length);
    yield bytes.subarray(0, end);
    held = end === length ? [] : [bytes.subarray(end)];
    length -= end;
    end = 0;
  }
  if (length > 0) yield Buffer.concat(held, length);
}
