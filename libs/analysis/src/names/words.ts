/** Words that mean the same in the names of CRM tables and columns, each list by its first. */
const SYNONYMS = [
  ['account', 'company', 'organization', 'organisation', 'firm', 'org'],
  ['contact', 'person', 'people'],
  ['deal', 'opportunity', 'opp'],
  ['activity', 'task', 'event'],
  ['user', 'usr', 'member', 'employee', 'agent'],
  ['owner', 'assignee'],
  ['author', 'creator'],
  ['email', 'mail'],
  ['phone', 'tel', 'telephone'],
  ['mobile', 'cell', 'handy'],
  ['address', 'addr'],
  ['number', 'no', 'nr', 'num', 'code'],
  ['kind', 'type', 'category'],
  ['status', 'state'],
  ['description', 'desc', 'body', 'content', 'text', 'comment', 'remark'],
  ['amount', 'value', 'amt', 'total'],
  ['zip', 'postcode', 'postalcode', 'plz'],
  ['city', 'town'],
  ['birth', 'birthdate', 'birthday', 'born', 'dob'],
  ['firstname', 'forename', 'givenname'],
  ['lastname', 'surname', 'familyname'],
  ['login', 'username'],
  ['finished', 'done', 'completed'],
  ['close', 'closed', 'closing'],
  ['created', 'create', 'entered', 'creation'],
  ['updated', 'modified', 'changed', 'update'],
  ['website', 'homepage', 'url', 'web'],
  ['customer', 'client', 'cust'],
  ['quantity', 'qty'],
  ['active', 'enabled'],
  ['external', 'ext'],
] as const;

/** Several words that are one thing. */
const PHRASES = [
  [['created', 'by'], 'author'],
  [['updated', 'by'], 'editor'],
  [['assigned', 'user'], 'owner'],
  [['assigned', 'to'], 'owner'],
  [['e', 'mail'], 'email'],
  [['email', 'address'], 'email'],
  [['first', 'name'], 'firstname'],
  [['given', 'name'], 'firstname'],
  [['last', 'name'], 'lastname'],
  [['family', 'name'], 'lastname'],
  [['user', 'name'], 'login'],
  [['birth', 'date'], 'birth'],
  [['date', 'of', 'birth'], 'birth'],
  [['postal', 'number'], 'zip'],
  [['zip', 'number'], 'zip'],
  [['phone', 'mobile'], 'mobile'],
  [['mobile', 'phone'], 'mobile'],
] as const;

/** What a name says of its form, not of its matter. */
const WEAK = new Set([
  'id',
  'date',
  'time',
  'at',
  'on',
  'is',
  'has',
  'of',
  'the',
  'uuid',
  'ref',
  'key',
  'fk',
  'app',
  'crm',
  'tbl',
  'c',
  'primary',
]);
const NEGATIONS = [['do', 'not'], ['not'], ['opt', 'out']] as const;
const PERMISSIONS = new Set(['may', 'can', 'allow', 'allowed']);

const CANONICAL = new Map<string, string>(SYNONYMS.flatMap((words) => words.map((word) => [word, words[0]] as const)));

/** `accountTypes`, `account_types` and `Account Types` as words of a dictionary, without plural: `account`, `kind`. */
export function wordsOf(name: string): readonly string[] {
  const words = name
    .replace(/([a-z\d])([A-Z])/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\d]+/u)
    .filter((word) => word !== '')
    .map(singular)
    .map((word) => CANONICAL.get(word) ?? word);
  return PHRASES.reduce<readonly string[]>((left, [phrase, one]) => replaced(left, phrase, [one]), words);
}

export type Sense = {
  /** What it is about; all its words where they say nothing of the matter. */
  readonly words: readonly string[];
  /** `do_not_call`: true says that something is not. */
  readonly negated: boolean;
};

/** What a column's name says, without the words of its own table's name unless nothing else is left. */
export function senseOf(name: string, table = ''): Sense {
  let words = wordsOf(name);
  let negated = false;
  for (const negation of NEGATIONS) {
    const without = replaced(words, negation, []);
    if (without.length === words.length || without.length === 0) continue;
    [words, negated] = [without, true];
    break;
  }
  const own = new Set(wordsOf(table));
  const strong = words.filter((word) => !WEAK.has(word) && !PERMISSIONS.has(word));
  const others = strong.filter((word) => !own.has(word));
  // A company's name is what stands for the company.
  const matter = others.length > 1 && others.at(-1) === 'name' ? others.slice(0, -1) : others;
  if (matter.length > 0) return { words: matter, negated };
  return { words: strong.length > 0 ? strong : words, negated };
}

/** From 0 (nothing in common) to 1 (the same words). What stands last is what the name is about, so it counts twice. */
export function likeness(one: readonly string[], other: readonly string[]): number {
  if (one.length === 0 || other.length === 0) return 0;
  const shared = weight(one, new Set(other)) + weight(other, new Set(one));
  return shared / (weight(one) + weight(other));
}

function weight(words: readonly string[], counted?: ReadonlySet<string>): number {
  return words.reduce((sum, word, index) => sum + (counted?.has(word) === false ? 0 : index === words.length - 1 ? 2 : 1), 0);
}

function singular(word: string): string {
  if (/(?:ss|us|is|as)$/u.test(word) || word.length < 4) return word;
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  if (/(?:sses|xes|ches|shes)$/u.test(word)) return word.slice(0, -2);
  return word.endsWith('s') ? word.slice(0, -1) : word;
}

function replaced(words: readonly string[], phrase: readonly string[], by: readonly string[]): readonly string[] {
  const at = words.findIndex((_, index) => phrase.every((word, offset) => words[index + offset] === word));
  return at === -1 ? words : [...words.slice(0, at), ...by, ...words.slice(at + phrase.length)];
}
