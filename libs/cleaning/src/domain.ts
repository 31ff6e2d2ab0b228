import { z } from 'zod';

import { defineCleaner, normalForm } from './cleaner.js';
import { unicodeDomain } from './punycode.js';
import { NOT_AN_ADDRESS } from './url.js';
import { readAddress } from './web-address.js';

export const domain = defineCleaner({
  name: 'domain',
  version: 1,
  doc: 'The domain of a web address, in small letters. `http://` alone gives null, as blank text does; what is no web address is a problem, as for `url`.',
  problems: [NOT_AN_ADDRESS.reason],
  options: z.strictObject({
    www: z.enum(['drop', 'keep']).default('drop').describe('What becomes of `www.` before it.'),
    form: z
      .enum(['ascii', 'unicode'])
      .default('ascii')
      .describe('Whether other scripts stand as ASCII (`xn--`, as the network has them) or as people read them.'),
  }),
  examples: [
    { from: 'https://www.Example.com/about?x=1', to: 'example.com' },
    { from: 'shop.example.co.uk', to: 'shop.example.co.uk' },
    { options: { www: 'keep' }, from: 'www.example.com', to: 'www.example.com' },
    { from: 'http://münchen.example', to: 'xn--mnchen-3ya.example' },
    { options: { form: 'unicode' }, from: 'xn--mnchen-3ya.example', to: 'münchen.example' },
    { from: 'http://', to: null },
    { from: 'n/a', problem: 'not a web address' },
  ],
  inverse: () => normalForm('all of the address but its domain'),
  convert:
    ({ www, form }) =>
    (text) => {
      const address = readAddress(text, 'https');
      if (address === null) return null;
      if (address === undefined) return NOT_AN_ADDRESS;
      let host = address.hostname.replace(/\.$/u, '');
      // Of `www.com` nothing would be left but the ending.
      while (www === 'drop' && /^www\.[^.]+\./u.test(host)) host = host.slice('www.'.length);
      return form === 'unicode' ? unicodeDomain(host) : host;
    },
});
