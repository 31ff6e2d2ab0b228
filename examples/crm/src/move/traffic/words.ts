import type { Random } from '../../random.js';

const digits = (random: Random, count: number): string => String(random.integer(0, 10 ** count - 1)).padStart(count, '0');
const two = (value: number): string => String(value).padStart(2, '0');

/** What people type, as the judge can read it: never a telephone number that somebody has. */
export const words = {
  first: (random: Random): string | null => random.pick(['Ada', 'Bj&oslash;rn', '  Carla ', 'Ren&eacute;e', '伊藤', null]),
  last: (random: Random): string => random.pick(['Lovelace', 'M&uuml;ller', 'O&#39;Neill', ' Novak', 'Weiß', 'M&amp;uuml;ller', '山田']),
  company: (random: Random): string =>
    `${random.pick(['Alpine', 'M&uuml;ller', '&Ouml;stlund', ' Baltic'])} ${random.pick(['&amp; Sons', 'Foods', '&quot;Best&quot; Tools'])} ${digits(random, 5)}`,
  phone: (random: Random): string | null => {
    const three = digits(random, 3);
    const numbers = [`030 23125${three}`, `+49 (0)69 90009-${three}`, `0049 40/66969${three}`, `+44 20 7946 0${three}`];
    const american = `+1 (312) 555-01${digits(random, 2)}`;
    return random.pick([...numbers, american, `${american} ext. 7`, '', null]);
  },
  unreadablePhone: (random: Random): string => random.pick(['n/a', 'call office', '12', '+44 7700 900123']),
  country: (random: Random): string | null =>
    random.pick(['Germany', 'Deutschland', 'U.S.A.', 'uk', ' Suisse ', 'Österreich', 'NIEDERLANDE', '', null]),
  unreadableCountry: (random: Random): string => random.pick(['Atlantis', 'n/a', '???']),
  day: (random: Random): string => {
    const [year, month, day] = [String(random.integer(1950, 2030)), two(random.integer(1, 12)), two(random.integer(1, 28))];
    return random.pick([`${year}-${month}-${day}`, `${day}.${month}.${year}`, `${month}/${day}/${year}`, '0000-00-00', '']);
  },
  unreadableDay: (random: Random): string => random.pick(['31.02.1980', 'soon', '2001-13-01']),
  moment: (random: Random): string => {
    const [year, month, day] = [String(random.integer(2015, 2030)), random.integer(1, 12), random.integer(1, 28)];
    const [hour, minute] = [random.integer(0, 23), two(random.integer(0, 59))];
    return random.pick([
      `${year}-${two(month)}-${two(day)} ${two(hour)}:${minute}:${two(random.integer(0, 59))}`,
      `${two(day)}.${two(month)}.${year} ${two(hour)}:${minute}`,
      `${String(month)}/${String(day)}/${year} ${String(hour % 12 || 12)}:${minute} ${hour < 12 ? 'AM' : 'PM'}`,
      '',
    ]);
  },
  unreadableMoment: (random: Random): string => random.pick(['2019-02-29 10:00:00', 'tomorrow', '24.12.2019 25:00']),
  address: (random: Random): string =>
    `${random.pick(['ada', 'Bob', 'C.D', 'e+f'])}${digits(random, 6)}@${random.pick(['example.com', 'Example.ORG'])}${random.pick(['', ' '])}`,
  unreadableAddress: (random: Random): string => random.pick(['none', 'ada@example', 'info(at)example.com']),
  flag: (random: Random): string => random.pick(['Y', 'N', 'n', '0', '1', 'on', 'no', '']),
  subject: (random: Random): string | null => random.pick(['Call back', 'Q3 &amp; Q4', '', ' Re: &lt;draft&gt; ', null]),
  note: (random: Random): string =>
    `${random.pick(['Wants 5 % &amp; free shipping', 'très urgent', '&lt;b&gt;asks&lt;/b&gt;'])}\n${random.hex(random.integer(10, 6_000))}`,
} as const;
