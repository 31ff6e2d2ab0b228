import { ChangeoverError } from '@changeover/core';

/** A place in the mapping, from its top, and what is wrong there. */
export type MappingIssue = { readonly path: readonly PropertyKey[]; readonly message: string };

export function invalidMapping(issues: readonly MappingIssue[], mapping: unknown): ChangeoverError {
  const problems = issues.map((issue) => problemText(issue, mapping));
  return new ChangeoverError('MAPPING_INVALID', `the mapping has ${String(problems.length)} problem(s): ${problems.join('; ')}`);
}

/** `rules[3] (crm.person).columns.email: …`: with the target, for nobody counts rules. */
export function problemText({ path, message }: MappingIssue, mapping: unknown): string {
  const place = path.map((key, index) => (typeof key === 'number' ? `[${String(key)}]` : `${index === 0 ? '' : '.'}${String(key)}`));
  const [first, number] = path;
  if (first === 'rules' && typeof number === 'number') {
    const { target } = (mapping as { readonly rules: readonly { readonly target?: unknown }[] }).rules[number] ?? {};
    if (typeof target === 'string') place.splice(2, 0, ` (${target})`);
  }
  return `${place.join('') || 'mapping'}: ${message}`;
}
