import { ChangeoverError } from '@changeover/core';
import { type Converter, type Inverse, type Json } from '@changeover/mapping';
import { z } from 'zod';

/** What becomes of a text: the examples in the reference are tests too. */
export type Example = { readonly options?: Json; readonly from: string } & ({ readonly to: string | null } | { readonly problem: string });

/** The inverse of what gives a normal form, which is left as it is where it comes again. */
export function normalForm(reason: string, { leavesWritten = false }: { readonly leavesWritten?: boolean } = {}): Inverse {
  return { kind: 'kept', reason, write: (value) => value, leavesWritten };
}

/** A converter as people and the mapping's hash know it. */
export type Cleaner = {
  readonly name: string;
  /** Raised when the same text with the same options may come out as something else, for then target rows differ. */
  readonly version: number;
  /** One paragraph for the reference. */
  readonly doc: string;
  /** The stable words that say why a text is not taken. */
  readonly problems: readonly string[];
  readonly options: readonly CleanerOption[];
  readonly examples: readonly Example[];
  /** Throws MAPPING_INVALID where the options mean nothing to it. */
  readonly make: (options: Json | undefined) => Converter;
  /** The way back, with the same options; throws as `make` does. */
  readonly inverse: (options: Json | undefined) => Inverse;
};

export type CleanerOption = {
  readonly name: string;
  readonly type: string;
  /** As JSON; null: there is none. */
  readonly defaultValue: string | null;
  readonly required: boolean;
  readonly description: string;
};

/** A cleaner whose options TypeScript knows. */
export type TypedCleaner<Options extends z.ZodObject> = Cleaner & { readonly schema: Options };

/** Joins a schema of options with what is made of them, so that `convert` sees only options that were checked. */
export function defineCleaner<Options extends z.ZodObject>({
  options: schema,
  convert,
  inverse,
  ...told
}: Omit<Cleaner, 'options' | 'make' | 'inverse'> & {
  readonly options: Options;
  readonly convert: (options: z.output<Options>) => Converter;
  readonly inverse: (options: z.output<Options>) => Inverse;
}): TypedCleaner<Options> {
  const checked = (options: Json | undefined): z.output<Options> => {
    const parsed = schema.safeParse(options ?? {});
    if (!parsed.success) throw new ChangeoverError('MAPPING_INVALID', `converter ${told.name}: ${issues(parsed.error)}`);
    return parsed.data;
  };
  return {
    ...told,
    schema,
    // Only the reference tells them.
    get options() {
      return describe(schema);
    },
    make: (options) => convert(checked(options)),
    inverse: (options) => inverse(checked(options)),
  };
}

function issues(error: z.ZodError): string {
  return error.issues
    .map((issue) => {
      if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => `there is no option ${key}`).join('; ');
      return `${issue.path.length === 0 ? 'options' : `option ${issue.path.join('.')}`}: ${issue.message}`;
    })
    .join('; ');
}

/** What we use of JSON Schema, which zod renders its schemas into. */
type Node = {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly items?: Node;
  readonly additionalProperties?: Node;
  readonly anyOf?: readonly Node[];
};

function describe(schema: z.ZodObject): readonly CleanerOption[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input' }) as {
    readonly properties?: Readonly<Record<string, Node>>;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, node]) => ({
    name,
    type: typeWords(node),
    defaultValue: node.default === undefined ? null : JSON.stringify(node.default),
    required: required.includes(name),
    description: node.description ?? '',
  }));
}

function typeWords(node: Node): string {
  if (node.anyOf !== undefined) return node.anyOf.map(typeWords).join(' or ');
  if (node.enum !== undefined) return node.enum.map((value) => JSON.stringify(value)).join(', ');
  if (node.items !== undefined) return `list of ${typeWords(node.items)}`;
  if (node.type === 'object') return `${typeWords(node.additionalProperties ?? {})} by text`;
  return [node.type ?? 'value'].flat().join(' or ').replace('string', 'text');
}
