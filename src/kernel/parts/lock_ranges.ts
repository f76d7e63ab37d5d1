/** One owner's byte-range locks: sorted, disjoint, neighbours of the same type merged. */

/** Bytes `start` to `end`, both included; Infinity: whatever the file grows to. */
export interface LockRange {
  readonly start: number;
  readonly end: number;
}

export interface HeldRange extends LockRange {
  readonly exclusive: boolean;
  /** Who set it, for F_GETLK. */
  readonly pid: number;
}

/** The first range of `held` that overlaps `wanted` and excludes it: one of both is exclusive. */
export function conflictIn(
  held: readonly HeldRange[],
  wanted: LockRange,
  exclusive: boolean,
): HeldRange | undefined {
  return held.find(
    range => range.start <= wanted.end && wanted.start <= range.end && (exclusive || range.exclusive),
  );
}

/** `held` with `target` set to `lock`, or free of locks when that is undefined. */
export function setRange(
  held: readonly HeldRange[],
  target: LockRange,
  lock: { exclusive: boolean; pid: number } | undefined,
): HeldRange[] {
  const before: HeldRange[] = [];
  const after: HeldRange[] = [];
  for (const range of held) {
    if (range.start < target.start) before.push({ ...range, end: Math.min(range.end, target.start - 1) });
    if (range.end > target.end) after.push({ ...range, start: Math.max(range.start, target.end + 1) });
  }
  const middle = lock === undefined ? [] : [{ ...target, ...lock }];
  return merged([...before, ...middle, ...after]);
}

function merged(ranges: readonly HeldRange[]): HeldRange[] {
  const result: HeldRange[] = [];
  for (const range of ranges) {
    const last = result.at(-1);
    if (last !== undefined && last.exclusive === range.exclusive && last.end + 1 === range.start) {
      result[result.length - 1] = { ...last, end: range.end };
    } else {
      result.push(range);
    }
  }
  return result;
}
