/** Locks of a remote process. A call that could block is never sent: the client tries again instead. */
import { EAGAIN, EBADF, EINVAL } from '../../abi/linux/errno.js';
import { F_UNLCK, LOCK_NB, LOCK_UN, SEEK_SET } from '../../abi/linux/fcntl.js';
import {
  decodeNetbsdFlock,
  encodeNetbsdFlock,
  NB_F_GETLK,
  NB_F_SETLK,
  NB_FLOCK_SIZE,
} from '../../abi/netbsd/fcntl.js';
import { NB } from '../../abi/netbsd/nr.js';
import { then } from '../../kernel/results.js';
import type { FileLock, Result } from '../../kernel/rump_kernel.js';
import type { Descriptor } from './descriptors.js';
import { Later } from './pending.js';
import { PathCalls } from './process_paths.js';

/** Longest pause between two attempts, milliseconds. */
const MAX_PAUSE = 32;

export abstract class LockCalls extends PathCalls {
  /** All processes of this client, to find a lock's holder among them. */
  protected abstract get others(): Iterable<LockCalls>;
  /** The server's number of this process, 0: not asked yet. */
  #remotePid = 0;
  /** Attempts that a signal overtook, whose answers may still be locks; what waits until those are given back. */
  #overtaken = 0;
  #waiting: Later[] = [];

  flock(fd: number, operation: number): Result {
    const type = operation & ~LOCK_NB;
    if (type !== 1 && type !== 2 && type !== LOCK_UN) return -EINVAL;
    const entry = this.table.get(fd);
    if (entry === undefined || entry.file.isPath) return -EBADF;
    const make = (how: number): Result => this.submit(this.putFd(this.begin(NB.flock), entry).int(how));
    return this.#until(
      () => make(type | LOCK_NB),
      () => make(LOCK_UN),
      (operation & LOCK_NB) === 0 && type !== LOCK_UN,
    );
  }

  setLock(fd: number, lock: FileLock, ofd: boolean, wait: boolean): Result {
    const entry = this.table.get(fd);
    if (entry === undefined || entry.file.isPath) return -EBADF;
    // NetBSD has no locks of open file descriptions.
    if (ofd || lock.type < 0 || lock.type > F_UNLCK) return -EINVAL;
    const make = (wanted: FileLock): Result => {
      const call = this.putFd(this.begin(NB.fcntl), entry).int(NB_F_SETLK);
      const at = call.reserve(NB_FLOCK_SIZE);
      encodeNetbsdFlock(call.view, at, wanted);
      return this.submit(call.pointer(at));
    };
    // A copy: the caller's is the next call's by the time of another attempt.
    const kept = { ...lock };
    return this.#until(
      () => make(kept),
      () => make({ ...kept, type: F_UNLCK }),
      wait && lock.type !== F_UNLCK,
    );
  }

  getLock(fd: number, lock: FileLock, ofd: boolean): Result {
    const entry = this.table.get(fd);
    if (entry === undefined || entry.file.isPath) return -EBADF;
    if (ofd || lock.type < 0 || lock.type >= F_UNLCK) return -EINVAL;
    return this.#getLock(entry, lock);
  }

  #getLock(entry: Descriptor, lock: FileLock): Result {
    const call = this.putFd(this.begin(NB.fcntl), entry).int(NB_F_GETLK);
    const at = call.reserve(NB_FLOCK_SIZE);
    encodeNetbsdFlock(call.view, at, lock);
    const { whence, start, len, pid } = lock;
    const asked = this.finishWith(call.pointer(at), done => {
      if (done.result < 0) return done.result;
      decodeNetbsdFlock(done.view, at, lock);
      if (lock.type !== F_UNLCK) return lock.pid;
      // A lock that could be set: the rest is as it was asked (fcntl(2)).
      Object.assign(lock, { whence, start, len, pid });
      return 0;
    });
    return then(asked, holder => {
      if (holder <= 0) return holder;
      lock.whence = SEEK_SET;
      return then(this.#localPid(holder), local => {
        lock.pid = local;
        return 0;
      });
    });
  }

  /** The host's pid of the process that the server knows by this number; 0 when it is none of ours. */
  #localPid(remote: number): Result {
    const others = [...this.others];
    const ask = (i: number): Result => {
      const other = others[i];
      if (other === undefined) return 0;
      return then(other.#askPid(), pid => (pid === remote ? other.options.pid : ask(i + 1)));
    };
    return ask(0);
  }

  #askPid(): Result {
    if (this.#remotePid !== 0) return this.#remotePid;
    return then(this.submit(this.begin(NB.getpid)), pid => {
      this.#remotePid = Math.max(pid, 0);
      return pid;
    });
  }

  /**
   * Tries until there is another answer than EAGAIN; a signal may end the wait. A lock that is had by an attempt which a signal
   * overtook is given back by `undo` before any other is asked for: the program was told EINTR.
   */
  #until(attempt: () => Result, undo: () => Result, wait: boolean): Result {
    return then(this.#settled(), () =>
      then(attempt(), result => (result === -EAGAIN && wait ? this.#again(attempt, undo) : result)),
    );
  }

  #settled(): Result {
    if (this.#overtaken === 0) return 0;
    const later = new Later(false);
    this.#waiting.push(later);
    return later;
  }

  #again(attempt: () => Result, undo: () => Result): Result {
    const { loop } = this.shared.remote.options;
    let pause = 1;
    let isFlying = false;
    let timer = loop.after(pause, () => again());
    const later = new Later(false, () => {
      loop.cancel(timer);
      if (isFlying) this.#overtaken++;
      return 0;
    });
    const settle = (result: number): void => {
      if (result !== -EAGAIN) return later.settle(result);
      pause = Math.min(pause * 2, MAX_PAUSE);
      timer = loop.after(pause, () => again());
    };
    const again = (): void => {
      const result = attempt();
      if (typeof result === 'number') return settle(result);
      isFlying = true;
      result.onDone(answer => {
        isFlying = false;
        if (!later.isCancelled) return settle(answer);
        const undone = answer === 0 ? undo() : 0;
        if (typeof undone === 'number') this.#givenBack();
        else undone.onDone(() => this.#givenBack());
      });
    };
    return later;
  }

  #givenBack(): void {
    this.#overtaken--;
    if (this.#overtaken > 0) return;
    for (const later of this.#waiting.splice(0)) later.settle(0);
  }
}
