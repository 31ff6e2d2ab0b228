import { firstBehind, type SetChanges } from './set-changes.js';

type Run = { readonly changes: SetChanges; readonly ordered: readonly string[]; next: number };

/** At most `limit` members: those that are stored, with the changes (the older ones first) laid over them. `stored` begins behind `after`, too. */
export function mergedMembers(options: {
  readonly stored: Iterator<string>;
  readonly changes: readonly SetChanges[];
  readonly after: string | null;
  readonly limit: number;
}): string[] {
  const { stored, changes, after, limit } = options;
  const runs = changes.map((of): Run => {
    const ordered = of.ordered();
    return { changes: of, ordered, next: after === null ? 0 : firstBehind(ordered, after) };
  });
  const members: string[] = [];
  let head = stored.next();
  while (members.length < limit) {
    const candidates = runs.map((run) => run.ordered[run.next]).concat(head.done === true ? undefined : head.value);
    const member = candidates.reduce(
      (least, next) => (least === undefined || (next !== undefined && next < least) ? next : least),
      undefined,
    );
    if (member === undefined) break;
    if (isPresent(member, changes)) members.push(member);
    if (head.done !== true && head.value === member) head = stored.next();
    for (const run of runs) if (run.ordered[run.next] === member) run.next++;
  }
  stored.return?.();
  return members;
}

/** The last who changed it says so; a member that nobody changed is one that is stored. */
function isPresent(member: string, changes: readonly SetChanges[]): boolean {
  return changes.findLast((of) => of.get(member) !== undefined)?.get(member) ?? true;
}
