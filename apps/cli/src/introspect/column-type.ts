import type { DescribedColumn } from '@changeover/events';

import { quotedText } from './quoted-text.js';

const NUMBERS = new Set(['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision', 'oid']);
/** Any text is one. An extension's type stands in the schema that it was put into. */
const TEXTS = /^(text|character varying|character|name|.*\bcitext)$/u;
/** What the database reads as such besides its own. */
const READS: Readonly<Record<string, readonly string[]>> = {
  'timestamp without time zone': ['timestamp without time zone', 'date'],
  json: ['json', 'jsonb'],
  jsonb: ['jsonb', 'json'],
};

type End = 'source' | 'target';

/** The texts that a column has at the source, or takes at the target, as TypeScript; without null. */
export function columnType({ base, labels }: Pick<DescribedColumn, 'base' | 'labels'>, end: End): string {
  if (labels !== null) return labels.length === 0 ? 'never' : labels.map(quotedText).join(' | ');
  if (NUMBERS.has(base)) return '`${number}`';
  if (base === 'boolean') return "'t' | 'f'";
  if (TEXTS.test(base)) return 'string';
  const types = (end === 'target' ? READS[base] : undefined) ?? [base];
  return types.map((type) => `Text<${quotedText(type)}>`).join(' | ');
}
