// Prints what each cleaner takes per text on one core (after a build): in a process that just began, for texts never seen, and for texts seen before.
// Then how many contacts a second go through the converters of a usual rule, whose texts were never seen.
import { CONVERTERS } from '../libs/cleaning/dist/index.js';

const TEXTS = 20_000;
const FEW = 200;

/** Of each a text for a number, different for all of them, one in ten not taken. */
const dirty = (number, text) => (number % 10 === 7 ? `? ${text}` : text);
const two = (number) => String(number).padStart(2, '0');
const day = (number) => `${two((number % 12) + 1)}/${two((number % 28) + 1)}/${1995 + (number % 30)}`;
const time = (number) => `${two(number % 24)}:${two(number % 60)}:${two(Math.floor(number / 60) % 60)}`;
const spaces = (number) => Array.from({ length: 15 }, (_, bit) => ((number >> bit) & 1 ? '\u00a0' : ' ')).join('');
const NAMES = ['Germany', 'U.S.A.', 'Österreich', 'FR', 'United Kingdom', 'Côte d’Ivoire', 'espagne', 'NLD'];

const CASES = [
  ['trim', undefined, (number) => `  Contact ${number}\u00a0`],
  ['htmlEntities', { until: 'stable' }, (number) => `Tom &amp;amp; ${number} S&ouml;hne`],
  [
    'enum',
    { values: Object.fromEntries(NAMES.map((name) => [name, name])), ignoreCase: true, ignoreSpace: true },
    (number) => dirty(number, ` ${NAMES[number % 8]} `),
  ],
  ['boolean', undefined, (number) => dirty(number, ['Y', 'N', 'yes ', '0'][number % 4])],
  ['date', { formats: ['YYYY-MM-DD', 'MM/DD/YYYY'] }, (number) => dirty(number, day(number))],
  ['timestamp', { formats: ['MM/DD/YYYY HH:mm:ss'] }, (number) => dirty(number, `${day(number)} ${time(number)}`)],
  ['timestamp', { formats: ['MM/DD/YYYY HH:mm:ss'], zone: 'Europe/Berlin' }, (number) => dirty(number, `${day(number)} ${time(number)}`)],
  ['email', undefined, (number) => dirty(number, ` Person.${number}@Example-${number % 500}.COM`)],
  ['phone', { country: 'DE' }, (number) => dirty(number, `030 / ${9_000_000 + number}`)],
  ['phone', { country: 'US' }, (number) => dirty(number, `(213) 37${number % 10}-${String(number).padStart(4, '0').slice(-4)} x${number}`)],
  ['country', undefined, (number) => dirty(number, NAMES[number % 8] + spaces(number))],
  ['region', { country: 'US' }, (number) => dirty(number, ['CA', 'New York', 'texas', 'US-WA'][number % 4] + spaces(number))],
  ['unicode', undefined, (number) => `Jose\u0301 \u200b${number}\u00a0`],
  ['mojibake', undefined, (number) => (number % 10 === 7 ? `MÃ¼ller ${number}` : `Müller ${number}`)],
  ['truncate', { length: 10 }, (number) => `Contact number ${number}`],
  ['nameCase', undefined, (number) => `JEAN-LUC VAN DER MCDONALD ${number}`],
  ['personName', { part: 'last' }, (number) => `Dr. Ada K. van Lovelace${number}, PhD`],
  [
    'multiEnum',
    { values: Object.fromEntries(NAMES.map((name) => [name, name])) },
    (number) => `^${NAMES[number % 8]}^,^${NAMES[(number >> 3) % 8]}^`,
  ],
  ['number', undefined, (number) => dirty(number, (number * 1237).toLocaleString('en-US'))],
  ['money', { currency: 'EUR' }, (number) => dirty(number, `${(number * 1237).toLocaleString('en-US')}.50`)],
  ['currency', undefined, (number) => dirty(number, ['EUR', 'us dollar', '€', 'CHF'][number % 4] + spaces(number))],
  ['url', undefined, (number) => dirty(number, `www.Example-${number}.com`)],
  ['domain', undefined, (number) => dirty(number, `http://www.Example-${number}.com/about`)],
  ['json', undefined, (number) => `{"b": [${number}, true], "a": "x${number}"}`],
  ['phpSerialized', undefined, (number) => `a:2:{s:1:"b";i:${number};s:1:"a";a:1:{i:0;b:1;}}`],
  ['base64Decode', undefined, (number) => Buffer.from(`Contact ${number}`).toString('base64')],
  ['base64Encode', undefined, (number) => `Contact ${number}`],
];

console.log(
  '| cleaner | options | made, and the first 200 texts of a process | µs a text, all different | µs a text, 200 again and again |',
);
console.log('|---|---|---|---|---|');
for (const [name, options, text] of CASES) {
  const make = CONVERTERS[name];
  const texts = Array.from({ length: TEXTS }, (_, number) => text(number));
  const few = texts.slice(0, FEW);
  const begun = performance.now();
  let convert = make(options);
  const made = performance.now();
  const first = perText(convert, few, 1);
  // Each time a new one, so that what it remembers is cold while the code is warm.
  let different = Infinity;
  for (let round = 0; round < 5; round++) {
    convert = make(options);
    different = Math.min(different, perText(convert, texts, 1));
  }
  const again = perText(convert, few, 500);
  const shown = options === undefined || name === 'enum' ? '' : `\`${JSON.stringify(options)}\``;
  console.log(
    `| ${name} | ${shown} | ${(made - begun).toFixed(0)} ms, ${first.toFixed(1)} µs | ${different.toFixed(2)} | ${again.toFixed(2)} |`,
  );
}

/** Of each row a phone, an e-mail, two dates with a zone and two enums, each one in ten dirty; `make` them anew, so that nothing is remembered. */
const ROW = ['phone', 'email', 'timestamp', 'timestamp', 'enum', 'enum'];
const ROWS = 40_000;
const columns = ROW.map((name, place) => {
  const [, options, text] = CASES.find(([one, its]) => one === name && (name !== 'timestamp' || its.zone !== undefined));
  return { name, options, texts: Array.from({ length: ROWS }, (_, number) => text(number + 3 * place)) };
});
let fewest = Infinity;
for (let round = 0; round < 5; round++) {
  const converters = columns.map(({ name, options }) => CONVERTERS[name](options));
  const begun = process.cpuUsage();
  for (let row = 0; row < ROWS; row++) for (let place = 0; place < columns.length; place++) converters[place](columns[place].texts[row]);
  const { user, system } = process.cpuUsage(begun);
  fewest = Math.min(fewest, user + system);
}
console.log(
  `\nA row of ${ROW.join(', ')}, one text in ten dirty: ${(fewest / ROWS).toFixed(1)} µs, ${Math.round((ROWS / fewest) * 1e6).toLocaleString('en-US')} rows/s on one core.`,
);

function perText(convert, texts, rounds) {
  const begun = process.cpuUsage();
  const start = performance.now();
  for (let round = 0; round < rounds; round++) for (const text of texts) convert(text);
  const { user, system } = process.cpuUsage(begun);
  const micros = Math.min(user + system, (performance.now() - start) * 1000);
  return micros / (texts.length * rounds);
}
