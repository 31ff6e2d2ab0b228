import { parseFirstCopyOptions } from './first-copy-options.js';

const parse = (...args: string[]) => parseFirstCopyOptions(['--first-copy', ...args]);
const URL_OF = 'postgresql://me:secret@host:5432/crm';

describe('the options of the first copy', () => {
  it('are a million cleaned contacts on both logs, three times, unless something else is said', () => {
    expect(parse()).toEqual({
      logs: ['embedded', 'kafka'],
      runs: 3,
      rows: 1_000_000,
      keys: 'ordered',
      mapping: 'contacts',
      given: undefined,
      profile: false,
      json: undefined,
      name: 'first-copy',
    });
    expect(parse('--quick')).toMatchObject({ runs: 1, rows: 50_000 });
    expect(parse('--quick', '--rows', '2000', '--runs', '2', '--keys', 'uuid', '--mapping', 'none', '--log', 'kafka')).toMatchObject({
      runs: 2,
      rows: 2_000,
      keys: 'uuid',
      mapping: 'none',
      logs: ['kafka'],
    });
    expect(parse('-h')).toBeUndefined();
  });

  it('name a table that is there, which is copied as it is', () => {
    expect(parse('--source', URL_OF, '--table', 'public.contacts')).toMatchObject({
      mapping: 'none',
      given: { sourceUrl: URL_OF, table: 'public.contacts', targetServerUrl: undefined },
    });
  });

  it.each([
    [['--rows', '10']],
    [['--runs', '1.5']],
    [['--keys', 'random']],
    [['--mapping', 'demo']],
    [['--log', 'none']],
    [['--unknown']],
    [['--source', URL_OF]],
    [['--target', URL_OF]],
    [['--source', URL_OF, '--table', 'contacts']],
    [['--source', 'mysql://host/crm', '--table', 'public.contacts']],
    [['--source', URL_OF, '--table', 'public.contacts', '--rows', '5000']],
    [['--source', URL_OF, '--table', 'public.contacts', '--mapping', 'contacts']],
  ])('that mean nothing are refused, without a word of an address: %s', (args) => {
    expect(() => parse(...args)).toThrow(expect.objectContaining({ code: 'BAD_SETTINGS', message: expect.not.stringContaining('secret') }));
  });
});
