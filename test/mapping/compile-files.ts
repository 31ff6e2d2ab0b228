import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** As somebody who is strict would have it, and our own packages as the clone has them. */
export const OPTIONS: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  noUnusedLocals: true,
  types: [],
};

/** What the compiler says of these files, by name, as if they lay in the clone: `mapping.ts:3 …`. */
export function compileFiles(files: Readonly<Record<string, string>>, options: ts.CompilerOptions = {}): readonly string[] {
  const given = new Map(Object.entries(files).map(([name, text]) => [join(ROOT, name), text]));
  const merged = { ...OPTIONS, ...options };
  const disk = ts.createCompilerHost(merged);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (path) => given.has(path) || disk.fileExists(path),
    readFile: (path) => given.get(path) ?? disk.readFile(path),
    getSourceFile: (path, target) => {
      const text = given.get(path);
      return text === undefined ? disk.getSourceFile(path, target) : ts.createSourceFile(path, text, target);
    },
  };
  const program = ts.createProgram([...given.keys()], merged, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start ?? 0).line + 1;
    return `${file?.fileName.slice(ROOT.length + 1) ?? ''}:${String(line)} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}
