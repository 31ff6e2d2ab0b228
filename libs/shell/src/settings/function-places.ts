import { dirname, relative, resolve } from 'node:path';

import type { WrongFunction } from '@changeover/mapping';
import type ts from 'typescript';

import { compilerFor, optionsOf, type Compiler } from './mapping-types.js';

/**
 * Where in the mapping's files each of these problems stands, as `file:line:column`: a function is kept as its text, in which types are gone and lines may be others. Null where that cannot be
 * told, as no compiler can be found, or the function is not written out where it gets its name.
 */
export async function functionPlaces(file: string, wrong: readonly WrongFunction[]): Promise<readonly (string | null)[]> {
  const path = resolve(file);
  const compiler = await compilerFor(path);
  if (compiler === null) return wrong.map(() => null);
  // No type is looked at: the files are only read.
  const program = compiler.createProgram([path], { ...optionsOf(compiler), allowJs: true, noLib: true });
  const files = program.getSourceFiles().filter(({ isDeclarationFile }) => !isDeclarationFile);
  return wrong.map((one) => {
    for (const source of files) {
      const node = writtenFunction(compiler, source, one);
      if (node === undefined) continue;
      const tokens = tokensOf(node, source).filter((token) => token.getText(source) === one.problem.word);
      const { line, character } = source.getLineAndCharacterOfPosition((tokens[one.problem.nth] ?? node).getStart(source));
      return `${relative(dirname(path), source.fileName)}:${String(line + 1)}:${String(character + 1)}`;
    }
    return null;
  });
}

/** What is given as this part of what gives itself this name. */
function writtenFunction(
  { isObjectLiteralExpression, isPropertyAssignment, isStringLiteralLike, forEachChild }: Compiler,
  source: ts.SourceFile,
  { custom, part }: WrongFunction,
): ts.Node | undefined {
  const look = (node: ts.Node): ts.Node | undefined => {
    if (isObjectLiteralExpression(node)) {
      const property = (name: string): ts.ObjectLiteralElementLike | undefined =>
        node.properties.find((one) => one.name?.getText(source) === name);
      const [name, written] = [property('name'), property(part)];
      const isNamed =
        name !== undefined && isPropertyAssignment(name) && isStringLiteralLike(name.initializer) && name.initializer.text === custom;
      if (isNamed && written !== undefined) return isPropertyAssignment(written) ? written.initializer : written;
    }
    return forEachChild(node, look);
  };
  return look(source);
}

function tokensOf(node: ts.Node, source: ts.SourceFile): readonly ts.Node[] {
  const children = node.getChildren(source);
  return children.length === 0 ? [node] : children.flatMap((child) => tokensOf(child, source));
}
