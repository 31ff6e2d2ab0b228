import { sep } from 'node:path';

/** What we use of what V8 writes with `--cpu-prof`. */
export type CpuProfile = {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly url: string; readonly functionName: string } }[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
};

export type SelfTime = { readonly where: string; readonly micros: number };

const WAITING = new Set(['(idle)', '(program)', '(root)']);
const PACKAGE = /.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+).*/u;

/** Where the process's own thread spent its time, most first: our files by themselves, a package as one, the rest by the engine's names. */
export function selfTimes(profile: CpuProfile): readonly SelfTime[] {
  const places = new Map(profile.nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
  const times = new Map<string, number>();
  profile.samples.forEach((node, index) => {
    const where = places.get(node);
    if (where !== undefined && !WAITING.has(where)) times.set(where, (times.get(where) ?? 0) + (profile.timeDeltas[index] ?? 0));
  });
  return [...times].map(([where, micros]) => ({ where, micros })).sort((a, b) => b.micros - a.micros);
}

function placeOf({ url, functionName }: CpuProfile['nodes'][number]['callFrame']): string {
  if (url === '') return functionName.startsWith('(') ? functionName : 'built into the engine';
  if (url.startsWith('node:')) return url;
  if (PACKAGE.test(url)) return url.replace(PACKAGE, '$1');
  const path = url.split(/[\\/]/u).filter((part) => part !== 'dist' && part !== 'src');
  return path.slice(-3).join(sep);
}
