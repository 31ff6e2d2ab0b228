import { ConversionProblem } from '@changeover/mapping';
import { z } from 'zod';

import { defineCleaner, normalForm } from './cleaner.js';
import { intendedDomain } from './email-typos.js';
import { emailAddresses } from './libraries.js';
import { visible } from './white-space.js';

const NOT_AN_ADDRESS = new ConversionProblem('not an e-mail address');
const A_TYPO = new ConversionProblem('likely a typo');

/** The longest address that mail can be sent to, with room for white space around it. */
const LONGEST = 1000;

/** Most addresses look like this, and the library has nothing against them: it takes twenty times as long to say so. */
const ORDINARY = /^[A-Za-z\d_+-]+(?:\.[A-Za-z\d_+-]+)*@(?:[A-Za-z\d](?:[A-Za-z\d-]{0,61}[A-Za-z\d])?\.)+[A-Za-z]{2,63}$/u;
const [LONGEST_ORDINARY, LONGEST_LOCAL] = [254, 64];

/** In quotes the library takes these before an @. */
const UNPRINTED = /^".*[^\x20-\x7e].*"@|\p{Cc}/u;

export const email = defineCleaner({
  name: 'email',
  version: 2,
  doc: 'One e-mail address, without white space around it or invisible characters in it, its domain in lower case. What stands before the @ is the business of the domain that it is sent to, so its case stays unless asked otherwise. Blank text gives null.',
  problems: [NOT_AN_ADDRESS.reason, A_TYPO.reason],
  options: z.strictObject({
    lowerCase: z.enum(['domain', 'all']).default('domain').describe('What is put into lower case: the domain, or the whole address.'),
    typos: z
      .enum(['keep', 'problem', 'correct'])
      .default('keep')
      .describe(
        'What becomes of an address whose domain is likely a slip of the pen: one letter away from a large provider of mail (`gmial.com`), or with an ending that does not exist (`.con`).',
      ),
  }),
  examples: [
    { from: ' Ada.Lovelace@Example.COM ', to: 'Ada.Lovelace@example.com' },
    { options: { lowerCase: 'all' }, from: 'Ada.Lovelace@Example.COM', to: 'ada.lovelace@example.com' },
    { from: 'ada\u200b@example.com', to: 'ada@example.com' },
    { options: { typos: 'correct' }, from: 'ada@gmial.con', to: 'ada@gmail.com' },
    { from: '', to: null },
    { from: 'ada@example', problem: 'not an e-mail address' },
    { from: 'ada@example.com, bob@example.com', problem: 'not an e-mail address' },
    { options: { typos: 'problem' }, from: 'ada@hotmial.com', problem: 'likely a typo' },
  ],
  inverse: () => normalForm('capital letters, and what nobody sees'),
  convert: ({ lowerCase, typos }) => {
    return (text) => {
      const asItStands = isOrdinary(text);
      // A lone surrogate makes the library throw.
      if (!asItStands && (text.length > LONGEST || !text.isWellFormed())) return NOT_AN_ADDRESS;
      const address = asItStands ? text : visible(text);
      if (address === '') return null;
      const domain = lowerCase === 'all' ? 0 : address.lastIndexOf('@') + 1;
      const normal = address.slice(0, domain) + address.slice(domain).toLowerCase();
      if (!asItStands && !isOrdinary(normal) && (UNPRINTED.test(normal) || !emailAddresses().default(normal))) return NOT_AN_ADDRESS;
      if (typos === 'keep') return normal;
      const at = normal.lastIndexOf('@') + 1;
      const intended = intendedDomain(normal.slice(at));
      if (intended === null) return normal;
      return typos === 'problem' ? A_TYPO : normal.slice(0, at) + intended;
    };
  },
});

function isOrdinary(address: string): boolean {
  return address.length <= LONGEST_ORDINARY && address.indexOf('@') <= LONGEST_LOCAL && ORDINARY.test(address);
}
