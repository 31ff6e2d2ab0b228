import { ConversionProblem } from '@changeover/mapping';
import validator from 'validator/lib/isEmail.js';
import { z } from 'zod';

import { defineCleaner } from './cleaner.js';
import { visible } from './white-space.js';

const NOT_AN_ADDRESS = new ConversionProblem('not an e-mail address');

/** The longest address that mail can be sent to, with room for white space around it. */
const LONGEST = 1000;

/** Most addresses look like this, and the library has nothing against them: it takes twenty times as long to say so. */
const ORDINARY = /^(?=.{1,254}$)(?=[^@]{1,64}@)[A-Za-z\d_+-]+(?:\.[A-Za-z\d_+-]+)*@(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)+[a-z]{2,63}$/u;

export const email = defineCleaner({
  name: 'email',
  version: 1,
  doc: 'One e-mail address, without white space around it or invisible characters in it, its domain in lower case. What stands before the @ is the business of the domain that it is sent to, so its case stays unless asked otherwise. Blank text gives null.',
  problems: [NOT_AN_ADDRESS.reason],
  options: z.strictObject({
    lowerCase: z.enum(['domain', 'all']).default('domain').describe('What is put into lower case: the domain, or the whole address.'),
  }),
  examples: [
    { from: ' Ada.Lovelace@Example.COM ', to: 'Ada.Lovelace@example.com' },
    { options: { lowerCase: 'all' }, from: 'Ada.Lovelace@Example.COM', to: 'ada.lovelace@example.com' },
    { from: 'ada\u200b@example.com', to: 'ada@example.com' },
    { from: '', to: null },
    { from: 'ada@example', problem: 'not an e-mail address' },
    { from: 'ada@example.com, bob@example.com', problem: 'not an e-mail address' },
  ],
  convert: ({ lowerCase }) => {
    return (text) => {
      // A lone surrogate makes the library throw.
      if (text.length > LONGEST || !text.isWellFormed()) return NOT_AN_ADDRESS;
      const address = visible(text);
      if (address === '') return null;
      const domain = lowerCase === 'all' ? 0 : address.lastIndexOf('@') + 1;
      const normal = address.slice(0, domain) + address.slice(domain).toLowerCase();
      return ORDINARY.test(normal) || validator.default(normal) ? normal : NOT_AN_ADDRESS;
    };
  },
});
