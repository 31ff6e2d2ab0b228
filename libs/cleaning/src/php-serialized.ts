import { ConversionProblem } from '@changeover/mapping';
import { z } from 'zod';

import { defineCleaner } from './cleaner.js';
import { type PhpProblem, PhpReader } from './php-text.js';
import { trimmed } from './white-space.js';

const PROBLEMS: Readonly<Record<PhpProblem, ConversionProblem>> = {
  'not PHP': new ConversionProblem('not PHP'),
  'an object': new ConversionProblem('an object'),
  'too deep': new ConversionProblem('too deep'),
  'not storable': new ConversionProblem('not storable'),
  'no JSON number': new ConversionProblem('no JSON number'),
};

export const phpSerialized = defineCleaner({
  name: 'phpSerialized',
  version: 1,
  doc: 'What PHP’s `serialize` wrote, as JSON: an array with the keys 0, 1, 2 and so on becomes a list, any other an object with sorted keys. Nothing is run: objects and references are problems. Lengths count bytes of UTF-8; where a text was converted since they are wrong, which is a problem too. SuiteCRM has it in base64 for a user’s preferences. Blank text gives null.',
  problems: Object.values(PROBLEMS).map(({ reason }) => reason),
  options: z.strictObject({}),
  examples: [
    { from: 'a:2:{s:4:"name";s:7:"Müller";s:3:"age";i:36;}', to: '{"age":36,"name":"Müller"}' },
    { from: 'a:2:{i:0;b:1;i:1;N;}', to: '[true,null]' },
    { from: 'd:0.5;', to: '0.5' },
    { from: '', to: null },
    { from: 'a:1:{s:4:"name";s:6:"Müller";}', problem: 'not PHP' },
    { from: 'O:8:"stdClass":0:{}', problem: 'an object' },
    { from: 'd:NAN;', problem: 'no JSON number' },
    { from: 's:1:"\0";', problem: 'not storable' },
    { from: 'a:1:{i:0;'.repeat(300), problem: 'too deep' },
  ],
  inverse: () => ({ kind: 'lossy', reason: 'the types of its numbers and keys are not in it' }),
  convert: () => (text) => {
    if (trimmed(text) === '') return null;
    const read = new PhpReader(text).read();
    return typeof read === 'string' ? read : PROBLEMS[read.problem];
  },
});
