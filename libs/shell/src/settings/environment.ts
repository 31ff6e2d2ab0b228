export type Environment = Readonly<Record<string, string | undefined>>;

/** The only place of the product that touches it. */
export const ENVIRONMENT: Environment = process.env;

/** Something wrong at a place of the settings file. */
export type Problem = { readonly path: string; readonly words: string };

const REFERENCE = /^env:([A-Za-z_][A-Za-z0-9_]*)$/;

/** Replaces each text `env:NAME` by the environment's value, so that secrets need not stand in the file. */
export function resolveEnvironment(
  value: unknown,
  environment: Environment,
): { readonly value: unknown; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const walk = (node: unknown, path: readonly string[]): unknown => {
    if (typeof node === 'string') {
      const name = REFERENCE.exec(node)?.[1];
      if (name === undefined) return node;
      const found = environment[name];
      if (found === undefined || found === '')
        problems.push({ path: path.join('.'), words: `the environment variable ${name} is not set` });
      return found;
    }
    if (Array.isArray(node)) return node.map((item, index) => walk(item, [...path, String(index)]));
    if (typeof node !== 'object' || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, walk(item, [...path, key])]));
  };
  return { value: walk(value, []), problems };
}
