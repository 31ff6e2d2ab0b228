import { createRequire } from 'node:module';
import { dirname, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import type ts from 'typescript';

export type Compiler = typeof ts;

const { resolve: ours } = createRequire(import.meta.url);
/** What a mapping file may import besides its own: their insides are not its business. */
const OURS = ['@changeover/mapping', '@changeover/cleaning'];

/** More of them help nobody. */
const ERRORS_AT_MOST = 20;

/** Names of Node's own, which a mapping file may use although nobody has described them here. */
const UNKNOWN_NODE_NAMES = new Set([2580, 2591]);

/**
 * What TypeScript says of a mapping file and the files beside it that it imports, as `file:line: words`. Null where it is no TypeScript, or no
 * compiler can be found: neither beside the file nor beside us.
 */
export async function mappingTypeErrors(file: string | undefined): Promise<readonly string[] | null> {
  if (file === undefined || !/\.[cm]?ts$/u.test(file)) return null;
  const path = resolve(file);
  const compiler = await compilerFor(path);
  if (compiler === null) return null;
  const program = compiler.createProgram([path], optionsOf(compiler));
  return compiler
    .getPreEmitDiagnostics(program)
    .filter(({ category, code }) => category === compiler.DiagnosticCategory.Error && !UNKNOWN_NODE_NAMES.has(code))
    .filter(({ file: where }) => !OURS.some((name) => where?.fileName.startsWith(dirname(ours(name))) === true))
    .slice(0, ERRORS_AT_MOST)
    .map(({ file: where, start = 0, messageText }) => {
      const words = compiler.flattenDiagnosticMessageText(messageText, '\n').replace(/\s*\n\s*/gu, ' ');
      if (where === undefined) return words;
      return `${relative(dirname(path), where.fileName)}:${String(where.getLineAndCharacterOfPosition(start).line + 1)}: ${words}`;
    });
}

/** The compiler beside the file, or else beside us; null: there is none. */
export async function compilerFor(file: string): Promise<Compiler | null> {
  for (const from of [pathToFileURL(file), import.meta.url]) {
    try {
      const module = (await import(pathToFileURL(createRequire(from).resolve('typescript')).href)) as { readonly default: Compiler };
      return module.default;
    } catch {
      // Not here.
    }
  }
  return null;
}

/** The file runs as it is loaded, whatever a tsconfig beside it says; so it is read in one way everywhere, and strictly. */
export function optionsOf({ ModuleKind, ModuleResolutionKind, ScriptTarget }: Compiler): ts.CompilerOptions {
  return {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: true,
    target: ScriptTarget.ES2023,
    module: ModuleKind.ESNext,
    moduleResolution: ModuleResolutionKind.Bundler,
    allowImportingTsExtensions: true,
    resolveJsonModule: true,
    types: [],
    paths: Object.fromEntries(OURS.map((name) => [name, [ours(name).replace(/\.js$/u, '.d.ts')]])),
  };
}
