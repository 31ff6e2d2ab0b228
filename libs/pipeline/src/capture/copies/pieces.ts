const LF = 0x0a;
/** As large as what a source gives of a transaction at once. */
const PIECE_BYTES = 64 * 1024;

/** COPY text in pieces of whole lines, so that nobody has to hold more of it at once; one piece at least. */
export function* pieces(rows: Buffer): Iterable<{ readonly rows: Buffer; readonly rowCount: number }> {
  let start = 0;
  let rowCount = 0;
  for (let end = rows.indexOf(LF); end !== -1; end = rows.indexOf(LF, end + 1)) {
    rowCount++;
    if (end + 1 - start < PIECE_BYTES && end + 1 < rows.length) continue;
    yield { rows: rows.subarray(start, end + 1), rowCount };
    start = end + 1;
    rowCount = 0;
  }
  if (rows.length === 0) yield { rows, rowCount };
}
