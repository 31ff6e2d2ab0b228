import { z } from 'zod';

/** One option of the settings file, as the reference and the messages show it. */
export type Option = {
  /** Dotted path; an alternative of a `type` has it in parentheses: `log (kafka).brokers`. */
  readonly path: string;
  readonly type: string;
  /** As JSON; null: none, so it is either required or may be left out. */
  readonly defaultValue: string | null;
  readonly required: boolean;
  readonly description: string;
};

/** What we use of JSON Schema, which zod renders its schemas into. */
type Node = {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly items?: Node;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
};

/** All options below the schema, parents first, in the order of the schema. */
export function optionsOf(schema: z.ZodType): readonly Option[] {
  return describeObject(jsonSchema(schema), '');
}

/** The keys that may stand at `path` in a file that holds `value`. Empty if nothing is known there. */
export function knownKeys(schema: z.ZodType, path: readonly PropertyKey[], value: unknown): readonly string[] {
  let nodes = [jsonSchema(schema)];
  let here = value;
  const chosen = (): readonly Node[] => nodes.flatMap(alternatives).filter((node) => fits(node, here));
  for (const step of path) {
    const key = String(step);
    nodes = chosen().flatMap((node) => node.properties?.[key] ?? node.items ?? []);
    here = isRecord(here) ? here[key] : undefined;
  }
  return [...new Set(chosen().flatMap((node) => Object.keys(node.properties ?? {})))];
}

function jsonSchema(schema: z.ZodType): Node {
  return z.toJSONSchema(schema, { io: 'input' }) as Node;
}

function alternatives(node: Node): readonly Node[] {
  const choices = node.oneOf ?? node.anyOf;
  return choices === undefined ? [node] : choices.flatMap(alternatives);
}

/** Whether the value names this alternative's `type` (or the alternative has none). */
function fits(node: Node, value: unknown): boolean {
  const tag = node.properties?.['type']?.const;
  return tag === undefined || !isRecord(value) || value['type'] === tag;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function describeObject(node: Node, prefix: string): Option[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, property]) => {
    const path = `${prefix}${key}`;
    const own = describe(property, { path, required: node.required?.includes(key) ?? false });
    const objects = alternatives(property).filter((choice) => choice.properties !== undefined);
    const below = objects.flatMap((choice) => {
      const tag = choice.properties?.['type']?.const;
      return describeObject(choice, typeof tag === 'string' ? `${path} (${tag}).` : `${path}.`);
    });
    return [own, ...below];
  });
}

function describe(node: Node, { path, required }: { readonly path: string; readonly required: boolean }): Option {
  const isObject = alternatives(node).some((choice) => choice.properties !== undefined);
  const hasDefault = node.default !== undefined && !isObject;
  return {
    path,
    required,
    type: typeWords(node),
    defaultValue: hasDefault ? JSON.stringify(node.default) : null,
    description: node.description ?? '',
  };
}

function typeWords(node: Node): string {
  const words = alternatives(node).map((choice) => {
    if (choice.const !== undefined) return JSON.stringify(choice.const);
    if (choice.enum !== undefined) return choice.enum.map((value) => JSON.stringify(value)).join(', ');
    if (choice.type === 'array') return `list of ${choice.items === undefined ? 'values' : typeWords(choice.items)}`;
    if (choice.type === 'integer') return 'number';
    return choice.type === 'string' ? 'text' : (choice.type ?? 'value');
  });
  return [...new Set(words)].join(' or ');
}
