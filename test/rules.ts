/** Rules about the source text. Each takes the text and gives what breaks it, so that a test can show that it can fail. */

export type SourceFile = { readonly path: string; readonly text: string };

/** Words that say "not done". Product code is done. One that is the whole of a text is somebody's label: CRMs have tasks. */
const PLACEHOLDERS = /(?<!'(?=\w+'))\b(?:TODO|FIXME|XXX|HACK)\b|\bstub(?:s|bed)?\b|\bnot (?:yet )?implemented\b/i;

export function placeholders(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => (PLACEHOLDERS.test(line) ? [`${path}:${String(index + 1)} ${line.trim()}`] : [])),
  );
}

/** Packages of a lock file that say from which registry one machine fetched them. */
export function registryHosts(lock: string): string[] {
  const { packages } = JSON.parse(lock) as { packages: Record<string, { resolved?: string; link?: boolean }> };
  return Object.entries(packages)
    .filter(([, entry]) => entry.link !== true && entry.resolved !== undefined)
    .map(([path]) => path);
}

/** Classes that extend one of `ports`, with the port. */
export function adapters(files: readonly SourceFile[], ports: readonly string[]): { path: string; name: string; port: string }[] {
  const declaration = new RegExp(`\\bclass (\\w+) extends (${[...new Set(ports)].join('|')})\\b`, 'g');
  return files.flatMap(({ path, text }) => [...text.matchAll(declaration)].map(([, name = '', port = '']) => ({ path, name, port })));
}

/** Those of `names` that no file holds as a text of its own. */
export function unmentioned(names: readonly string[], files: readonly SourceFile[]): string[] {
  return names.filter((name) => !files.some(({ text }) => text.includes(`'${name}'`)));
}

/** Links and `code anchors` of a page that lead to no file. `exists` is asked for paths relative to the page, then to the root. */
export function brokenLinks(page: string, exists: (path: string) => boolean): string[] {
  const links = [...page.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)].map(([, path = '']) => path);
  const anchors = [...page.matchAll(/`((?:apps|libs|docs|docker|examples|bench|scripts|test)\/[\w./-]+\.\w+)`/g)].map(
    ([, path = '']) => path,
  );
  return [...links, ...anchors].filter((path) => !exists(path));
}
