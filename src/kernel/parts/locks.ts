/** The locks of one inode: fcntl(2)'s byte ranges, by process and by open file description, and flock(2)'s. */
import { EAGAIN, EDEADLK, EINVAL, EOVERFLOW } from '../../abi/linux/errno.js';
import {
  F_RDLCK,
  F_UNLCK,
  F_WRLCK,
  LOCK_EX,
  LOCK_MAND,
  LOCK_NB,
  LOCK_SH,
  LOCK_UN,
} from '../../abi/linux/fcntl.js';
import type { Result } from '../rump_kernel.js';
import { conflictIn, type HeldRange, type LockRange, setRange } from './lock_ranges.js';
import { Pump, WaitQueue } from './waiting.js';

export type { HeldRange, LockRange } from './lock_ranges.js';

/** Whoever holds locks, compared by identity: a process's descriptor table, or an open file description. */
export type LockOwner = object;

/** POSIX locks belong to a process's descriptor table, OFD locks to an open file description. They conflict with each other. */
export type LockKind = 'posix' | 'ofd';

/** A byte-range request: `type` is F_RDLCK, F_WRLCK or F_UNLCK. */
export interface LockRequest extends LockRange {
  readonly kind: LockKind;
  readonly owner: LockOwner;
  readonly type: number;
  /** Shown to F_GETLK; for OFD locks -1 is shown instead. */
  readonly pid: number;
}

/** What F_GETLK and F_OFD_GETLK report. */
export interface LockConflict extends LockRange {
  readonly type: number;
  readonly pid: number;
}

interface RangeHolder {
  readonly kind: LockKind;
  ranges: HeldRange[];
}

interface FlockRequest {
  readonly owner: LockOwner;
  readonly exclusive: boolean;
}

const OFFSET_MAX = 2 ** 63;

/**
 * The range that a struct flock names. `base` is what whence stands for (0, the file offset or the size), in
 * bytes; `len` 0 means to the end, negative means before start (fcntl(2)). Returns -EINVAL for a range that begins before 0,
 * -EOVERFLOW for one that ends beyond the largest offset.
 */
export function lockRange(base: number, start: number, len: number): LockRange | number {
  const first = base + start;
  if (first >= OFFSET_MAX) return -EOVERFLOW;
  if (first < 0) return -EINVAL;
  if (len === 0) return { start: first, end: Infinity };
  if (len < 0) return first + len < 0 ? -EINVAL : { start: first + len, end: first - 1 };
  // Numbers this large are not exact; a range up to the largest offset is one up to the end, as on the host.
  if (first + len > OFFSET_MAX) return -EOVERFLOW;
  return { start: first, end: first + len === OFFSET_MAX ? Infinity : first + len - 1 };
}

/**
 * Who waits for whom, over all inodes of a kernel: fcntl(2)'s deadlock detection. Only POSIX locks take part,
 * as on the host: an open file description can be unlocked by a process that does not wait.
 */
export class LockWaits {
  readonly #waiting = new Map<LockOwner, Map<LockRequest, LockTable>>();

  add(request: LockRequest, table: LockTable): void {
    const requests = this.#waiting.get(request.owner) ?? new Map<LockRequest, LockTable>();
    requests.set(request, table);
    this.#waiting.set(request.owner, requests);
  }

  remove(request: LockRequest): void {
    const requests = this.#waiting.get(request.owner);
    requests?.delete(request);
    if (requests?.size === 0) this.#waiting.delete(request.owner);
  }

  /** True when somebody who stands in the way of `request` waits, directly or not, for its owner. */
  wouldDeadlock(request: LockRequest, table: LockTable): boolean {
    const seen = new Set<LockOwner>();
    const toVisit = [...table.posixBlockers(request)];
    for (let owner = toVisit.pop(); owner !== undefined; owner = toVisit.pop()) {
      if (owner === request.owner) return true;
      if (seen.has(owner)) continue;
      seen.add(owner);
      for (const [waiting, at] of this.#waiting.get(owner) ?? []) toVisit.push(...at.posixBlockers(waiting));
    }
    return false;
  }
}

/**
 * All locks of one inode. A waiting request is granted in the order of arrival, but a request that conflicts with no
 * held lock never waits behind others that do: that is the host's rule, and without it a
 * reader that waits for another reader's process would hang behind a writer.
 */
export class LockTable {
  readonly #waits: LockWaits;
  readonly #holders = new Map<LockOwner, RangeHolder>();
  readonly #flocks = new Map<LockOwner, boolean>();
  readonly #pump = new Pump(() => this.#grantRange() || this.#grantFlock());
  readonly #rangeQueue: WaitQueue<LockRequest>;
  readonly #flockQueue = new WaitQueue<FlockRequest>(
    () => this.#pump.runSoon(),
    () => 0,
  );

  /** `waits` is shared by all tables of a kernel. */
  constructor(waits: LockWaits) {
    this.#waits = waits;
    this.#rangeQueue = new WaitQueue<LockRequest>(
      () => this.#pump.runSoon(),
      request => {
        waits.remove(request);
        return 0;
      },
    );
  }

  /** Nothing held and nobody waiting: the table may be dropped. */
  get isIdle(): boolean {
    return (
      this.#holders.size === 0 &&
      this.#flocks.size === 0 &&
      this.#rangeQueue.isEmpty &&
      this.#flockQueue.isEmpty
    );
  }

  /**
   * F_SETLK, F_SETLKW and their OFD forms: what the owner held in the range becomes `type`. When others are in
   * the way: -EAGAIN without `wait`, -EDEADLK when the wait could never end (POSIX locks only), else a wait.
   */
  set(request: LockRequest, wait: boolean): Result {
    if (!this.#isBlocked(request)) {
      this.#apply(request);
      this.#pump.run();
      return 0;
    }
    if (!wait) return -EAGAIN;
    if (request.kind === 'posix') {
      if (this.#waits.wouldDeadlock(request, this)) return -EDEADLK;
      this.#waits.add(request, this);
    }
    return this.#rangeQueue.add(request);
  }

  /**
   * F_GETLK and F_OFD_GETLK: a lock in the way of `request`, or undefined when it could be placed. With type F_UNLCK, which
   * fcntl(2) allows for OFD locks only (the caller refuses it for others), a lock of the owner's own in the range.
   */
  get(request: LockRequest): LockConflict | undefined {
    const ownOnes = request.type === F_UNLCK;
    for (const [owner, holder] of this.#holders) {
      if ((owner === request.owner) !== ownOnes) continue;
      const found = conflictIn(holder.ranges, request, request.type !== F_RDLCK);
      if (found === undefined) continue;
      return {
        start: found.start,
        end: found.end,
        type: found.exclusive ? F_WRLCK : F_RDLCK,
        pid: holder.kind === 'ofd' ? -1 : found.pid,
      };
    }
    return undefined;
  }

  /**
   * flock(2): LOCK_SH, LOCK_EX or LOCK_UN, with LOCK_NB for -EAGAIN instead of a wait; LOCK_MAND does nothing, as on
   * the host since 5.18; anything else is -EINVAL. A
   * conversion gives the old lock up first, and it stays lost when the new one is refused or the wait is cancelled.
   */
  flock(owner: LockOwner, operation: number): Result {
    if ((operation & LOCK_MAND) !== 0) return 0;
    const type = operation & ~LOCK_NB;
    if (type !== LOCK_SH && type !== LOCK_EX && type !== LOCK_UN) return -EINVAL;
    const held = this.#flocks.get(owner);
    const exclusive = type === LOCK_EX;
    if (type !== LOCK_UN && held === exclusive) return 0;
    // No grants to others yet: the host looks for conflicts before those that it woke can run.
    if (held !== undefined) this.#flocks.delete(owner);
    const result = type === LOCK_UN ? 0 : this.#tryFlock({ owner, exclusive }, (operation & LOCK_NB) === 0);
    if (held !== undefined) this.#pump.run();
    return result;
  }

  /** A process closed a descriptor of this file, any of them: all its POSIX locks here are gone (fcntl(2)). */
  releasePosix(owner: LockOwner): void {
    this.#release(owner, false);
  }

  /** An open file description's last descriptor was closed: its OFD locks and its flock are gone. */
  releaseDescription(owner: LockOwner): void {
    this.#release(owner, true);
  }

  /** The owners of POSIX locks that `request` has to wait for. */
  *posixBlockers(request: LockRequest): IterableIterator<LockOwner> {
    for (const [owner, holder] of this.#holders) {
      if (owner === request.owner || holder.kind !== 'posix') continue;
      if (conflictIn(holder.ranges, request, request.type === F_WRLCK) !== undefined) yield owner;
    }
  }

  #release(owner: LockOwner, withFlock: boolean): void {
    const hadRanges = this.#holders.delete(owner);
    const hadFlock = withFlock && this.#flocks.delete(owner);
    if (hadRanges || hadFlock) this.#pump.run();
  }

  #isBlocked(request: LockRequest): boolean {
    return request.type !== F_UNLCK && this.get(request) !== undefined;
  }

  #apply(request: LockRequest): void {
    const holder = this.#holders.get(request.owner) ?? { kind: request.kind, ranges: [] };
    const { start, end, pid } = request;
    const lock = request.type === F_UNLCK ? undefined : { exclusive: request.type === F_WRLCK, pid };
    holder.ranges = setRange(holder.ranges, { start, end }, lock);
    if (holder.ranges.length === 0) this.#holders.delete(request.owner);
    else this.#holders.set(request.owner, holder);
  }

  #tryFlock(request: FlockRequest, wait: boolean): Result {
    if (this.#flockIsBlocked(request)) return wait ? this.#flockQueue.add(request) : -EAGAIN;
    this.#flocks.set(request.owner, request.exclusive);
    return 0;
  }

  #flockIsBlocked(request: FlockRequest): boolean {
    for (const [owner, exclusive] of this.#flocks) {
      if (owner !== request.owner && (exclusive || request.exclusive)) return true;
    }
    return false;
  }

  #grantRange(): boolean {
    const waiter = this.#rangeQueue.find(request => !this.#isBlocked(request));
    if (waiter === undefined) return false;
    this.#waits.remove(waiter.request);
    this.#apply(waiter.request);
    waiter.complete(0);
    return true;
  }

  #grantFlock(): boolean {
    const waiter = this.#flockQueue.find(request => !this.#flockIsBlocked(request));
    if (waiter === undefined) return false;
    this.#flocks.set(waiter.request.owner, waiter.request.exclusive);
    waiter.complete(0);
    return true;
  }
}
