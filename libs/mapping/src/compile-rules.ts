import { ruleIssues, type Known } from './check-rules.js';
import { compileRule } from './compile-rule.js';
import { UNNUMBERED, type CompiledRule, type Converter, type Converters, type SourceTable } from './compiled-rule.js';
import type { Mapping } from './mapping.js';
import { invalidMapping, problemText } from './problems.js';

/** The rules of a mapping as functions over rows of these tables, in its order. MAPPING_INVALID names all that does not fit, with its place. */
export function compileRules(
  mapping: Pick<Mapping, 'rules'>,
  tables: ReadonlyMap<string, SourceTable>,
  converters: Converters,
  numbering = UNNUMBERED,
): readonly CompiledRule[] {
  const issues = ruleIssues(mapping.rules, { tables, converters });
  if (issues.length > 0) throw invalidMapping(issues, mapping);
  const shared = sharedConverters(converters);
  return mapping.rules.map((rule) => compileRule(rule, tables, shared, numbering));
}

/** What of the rules does not fit what is known, in words with their place: nothing if all does. */
export function ruleProblems(mapping: Pick<Mapping, 'rules'>, known: Known): readonly string[] {
  return ruleIssues(mapping.rules, known).map((issue) => problemText(issue, mapping));
}

/** One converter for the same options, for some are dear to make and remember what they have seen. */
function sharedConverters(converters: Converters): Converters {
  const made = new Map<string, Converter>();
  return Object.fromEntries(
    Object.entries(converters).map(([name, make]) => [
      name,
      (options) => {
        const id = `${name} ${JSON.stringify(options)}`;
        const converter = made.get(id) ?? make(options);
        made.set(id, converter);
        return converter;
      },
    ]),
  );
}
