import { ConversionProblem } from '@changeover/mapping';
import { z } from 'zod';

import { defineCleaner, normalForm } from './cleaner.js';
import { readAddress } from './web-address.js';

export const NOT_AN_ADDRESS = new ConversionProblem('not a web address');

const scheme = z.enum(['https', 'http']).default('https').describe('The scheme of an address that is written without one.');

export const url = defineCleaner({
  name: 'url',
  version: 1,
  doc: 'A web address in the form that browsers give it: scheme and domain in small letters, other scripts as ASCII, no port that goes without saying, no slash behind a bare domain. `http://` alone, which some CRMs fill in, gives null, as blank text does. An e-mail address, a name without a dot, and an address with a password are problems.',
  problems: [NOT_AN_ADDRESS.reason],
  options: z.strictObject({
    scheme,
    upgrade: z.boolean().default(false).describe('Whether `http` becomes `https`.'),
  }),
  examples: [
    { from: 'www.Example.com', to: 'https://www.example.com' },
    { from: 'HTTP://Example.com:80/About Us'.replace(' ', '%20'), to: 'http://example.com/About%20Us' },
    { from: 'münchen.example/straße', to: 'https://xn--mnchen-3ya.example/stra%C3%9Fe' },
    { options: { upgrade: true }, from: 'http://example.com/', to: 'https://example.com' },
    { from: 'http://', to: null },
    { from: 'info@example.com', problem: 'not a web address' },
    { from: 'example', problem: 'not a web address' },
    { from: 'ftp://example.com', problem: 'not a web address' },
  ],
  inverse: () => normalForm('the scheme that was left out, and the spelling'),
  convert:
    ({ scheme: usual, upgrade }) =>
    (text) => {
      const address = readAddress(text, usual);
      if (address === null) return null;
      if (address === undefined) return NOT_AN_ADDRESS;
      if (upgrade && address.port === '') address.protocol = 'https:';
      const { href, origin, pathname, search, hash } = address;
      return pathname === '/' && search === '' && hash === '' ? origin : href;
    },
});
