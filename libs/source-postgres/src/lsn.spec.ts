import { NO_POSITION } from '@changeover/core';
import fc from 'fast-check';

import { lsnOf, positionOf, readPosition, writePosition } from './lsn.js';

describe('positions of PostgreSQL', () => {
  const lsn = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
  const printed = (value: bigint): string => `${(value >> 32n).toString(16)}/${(value & 0xffff_ffffn).toString(16)}`;

  it('sort as text as LSNs sort as numbers', () => {
    fc.assert(
      fc.property(lsn, lsn, (a, b) => {
        expect(positionOf(printed(a)) < positionOf(printed(b))).toBe(a < b);
      }),
    );
  });

  it('come back from eight bytes', () => {
    fc.assert(
      fc.property(lsn, (value) => {
        const bytes = Buffer.alloc(10);
        writePosition(bytes, 1, positionOf(printed(value)));
        expect(bytes.readBigUInt64BE(1)).toBe(value);
        expect(readPosition(bytes, 1)).toBe(positionOf(printed(value)));
      }),
    );
  });

  it('are printed as PostgreSQL reads them', () => {
    expect(lsnOf(positionOf('0/16b3748'))).toBe('00000000/016B3748');
    expect(lsnOf(NO_POSITION)).toBe('0/0');
  });

  it('refuse what is no LSN', () => {
    expect(() => positionOf('16B3748')).toThrow('where an LSN was expected');
    expect(() => {
      writePosition(Buffer.alloc(8), 0, '0/16B3748' as ReturnType<typeof positionOf>);
    }).toThrow('is not a position');
  });
});
