// Prints how many contacts a second a usual rule makes on one core (after a build), without reading or writing anything: 16 columns, of which 1 phone number, 1 e-mail address,
// 2 dates with a zone, 2 enums, 3 keys made UUIDs, 1 join; one text in ten dirty, all different, nothing remembered. Then what each column takes.
//   node scripts/bench-mapping.mjs [--rows N]
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';

import { CONVERTERS } from '../libs/cleaning/dist/index.js';
import { compileRule } from '../libs/mapping/dist/index.js';

const { values: args } = parseArgs({ options: { rows: { type: 'string', default: '40000' } } });
const ROWS = Number(args.rows);
const ROUNDS = 5;
const ACCOUNTS = Math.ceil(ROWS / 20);

const dirty = (number, text) => (number % 10 === 7 ? `? ${text}` : text);
const two = (number) => String(number).padStart(2, '0');
const moment = (number) =>
  dirty(
    number,
    `${two((number % 12) + 1)}/${two((number % 28) + 1)}/${1995 + (number % 30)} ${two(number % 24)}:${two(number % 60)}:${two(Math.floor(number / 60) % 60)}`,
  );
const SOURCES = ['Web', 'trade fair', ' Referral', 'cold call'];

/** By column of the driving table the text in the row with this number. */
const COLUMNS = {
  id: (number) => `c-${number}`,
  account_id: (number) => `a-${number % ACCOUNTS}`,
  owner_id: (number) => `u-${number % 50}`,
  first_name: (number) => ` Ada ${number}\u00a0`,
  last_name: (number) => `Lovelace ${number} `,
  title: (number) => ['Dr.', 'Prof.', null, ''][number % 4],
  email: (number) => dirty(number, ` Person.${number}@Example-${number % 500}.COM`),
  phone: (number) => dirty(number, `030 / ${9_000_000 + number}`),
  source: (number) => dirty(number, SOURCES[number % 4]),
  stage: (number) => dirty(number, ['NEW', 'OPEN', 'CLOSED'][number % 3]),
  created: moment,
  changed: (number) => moment(number + 13),
  city: (number) => `City ${number % 1000}`,
  note: (number) => `note ${number}`,
  deleted: () => 'f',
};
const names = Object.keys(COLUMNS);
const rows = Array.from({ length: ROWS }, (_, number) => names.map((name) => COLUMNS[name](number)));
const accounts = new Map(Array.from({ length: ACCOUNTS }, (_, number) => [`a-${number}`, [`a-${number}`, `Account ${number}`]]));
const TABLES = new Map([
  ['old.contact', { columns: names, key: ['id'] }],
  ['old.account', { columns: ['id', 'name'], key: ['id'] }],
]);

const column = (name, of) => (of === undefined ? { column: name } : { column: name, of });
const convert = (name, input, options) => ({ convert: name, input, invalid: 'empty', ...(options && { options }) });
const uuid = (space, name) => ({ uuid: `6ba7b81${space}-9dad-11d1-80b4-00c04fd430c8`, input: column(name) });
const spoken = { ignoreCase: true, ignoreSpace: true };
const TARGET = {
  id: uuid(0, 'id'),
  account_id: uuid(1, 'account_id'),
  owner_id: uuid(2, 'owner_id'),
  first_name: convert('trim', column('first_name')),
  last_name: convert('trim', column('last_name')),
  title: convert('trim', column('title')),
  email: convert('email', column('email')),
  phone: convert('phone', column('phone'), { country: 'DE' }),
  source: convert('enum', column('source'), {
    values: { web: 'web', 'trade fair': 'fair', referral: 'referral', 'cold call': 'cold_call' },
    ...spoken,
  }),
  stage: convert('enum', column('stage'), { values: { new: 'new', open: 'open', closed: 'closed' }, ...spoken }),
  created_at: convert('timestamp', column('created'), { formats: ['MM/DD/YYYY HH:mm:ss'], zone: 'Europe/Berlin' }),
  changed_at: convert('timestamp', column('changed'), { formats: ['MM/DD/YYYY HH:mm:ss'], zone: 'Europe/Berlin' }),
  city: column('city'),
  note: column('note'),
  company: column('name', 'account'),
  display: { concat: [column('first_name'), column('last_name')], separator: ' ' },
};

const ruleOf = (columns) => ({
  source: 'old.contact',
  target: 'new.contact',
  joins: [{ as: 'account', table: 'old.account', on: { id: column('account_id') } }],
  where: { is: column('deleted'), in: ['f'] },
  columns,
  key: ['id'],
});

/** µs of CPU a row, the least of some rounds; compiled anew in each, so that nothing is remembered. */
function measure(columns) {
  let least = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const { accepts, joins, derive } = compileRule(ruleOf(columns), TABLES, CONVERTERS);
    const [join] = joins;
    const begun = process.cpuUsage();
    for (const row of rows) {
      const [id] = join.lookup([row]) ?? [];
      const joined = [row, accounts.get(id) ?? null];
      if (accepts(joined)) derive(joined);
    }
    const { user, system } = process.cpuUsage(begun);
    least = Math.min(least, (user + system) / ROWS);
  }
  return least;
}

const whole = measure(TARGET);
const bare = measure({ id: column('id') });
console.log(
  `${ROWS} contacts, ${Object.keys(TARGET).length} columns: ${whole.toFixed(1)} µs of CPU each, ${Math.round(1e6 / whole)} a second on one core (load ${loadavg()[0].toFixed(1)})\n`,
);
console.log('| column | µs a row |\n|---|---|');
for (const [name, expression] of Object.entries(TARGET))
  console.log(`| ${name} | ${Math.max(0, measure({ id: column('id'), [name]: expression }) - bare).toFixed(2)} |`);
console.log(`| row, join and filter | ${bare.toFixed(2)} |`);
