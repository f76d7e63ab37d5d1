/** A process of ours on the server, whose calls are waited for. */
import { ENOMEM, ENOTCONN } from '../../abi/linux/errno.js';
import { NB } from '../../abi/netbsd/nr.js';
import {
  decodeNetbsdStatvfs,
  NB_ST_WAIT,
  NB_STATVFS_SIZE,
  type NetbsdStatvfs,
} from '../../abi/netbsd/statvfs.js';
import { type BytePath, isDone, type Result } from '../../kernel/rump_kernel.js';
import { SysproxyClient } from '../../sysproxy/client/client.js';
import type { SysproxyProcess } from '../../sysproxy/client/process.js';
import type { SysCall } from '../../sysproxy/client/syscall.js';
import { CallError, LostError } from './errors.js';

/** What the server's ps calls us. */
const COMM = 'rumphijack-ctl';
/**
 * RB_AUTOBOOT of NetBSD's sys/reboot.h, as rump.halt(1) has it by default: a rump kernel cannot boot again, so its process ends. With
 * RB_HALT it would stop serving, and stay.
 */
const RB_AUTOBOOT = 0;
/** How often a table that grows while it is read is asked for again. */
const ATTEMPTS = 8;

export class Session {
  readonly process: SysproxyProcess;
  readonly #client: SysproxyClient;

  /** Throws UrlError or DialError, whose messages are for the user. */
  constructor(url: string) {
    this.#client = SysproxyClient.open({ url, patient: true }, COMM);
    // Every client is root there, whoever runs it.
    const cred = { uid: 0, gid: 0, groups: [] };
    this.process = this.#client.spawn({
      comm: COMM,
      pid: process.pid,
      cred,
      umask: process.umask(),
      prefix: '',
    });
  }

  close(): void {
    this.#client.close();
  }

  /** A call's value. Throws CallError and LostError. */
  call(result: Result): number {
    const value = this.#settle(result);
    if (value === -ENOTCONN)
      throw new LostError(`${this.#client.name}: the connection to the server is lost`);
    if (value < 0) throw new CallError(-value);
    return value;
  }

  #settle(result: Result): number {
    if (isDone(result)) return result;
    const values: number[] = [];
    result.onDone(value => values.push(value));
    while (values.length === 0) this.#client.loop.turn(-1);
    return values[0];
  }

  /** A system call to be filled in and given to submit(). */
  begin(nr: number): SysCall {
    return this.process.shared.remote.begin(nr);
  }

  /** Makes the call and waits for its answer: >= 0 or -errno. `finish` looks at what it has copied out. */
  submit(call: SysCall, finish?: (call: SysCall) => Result): number {
    if (finish !== undefined) call.finish = finish;
    return this.#settle(this.process.shared.remote.submit(call));
  }

  /** statvfs(2). */
  statvfs(path: BytePath): NetbsdStatvfs {
    const call = this.begin(NB.statvfs1).string(path);
    const at = call.reserve(NB_STATVFS_SIZE);
    const found: NetbsdStatvfs[] = [];
    const status = this.submit(call.pointer(at).int(NB_ST_WAIT), done => {
      if (done.result >= 0) found.push(decodeNetbsdStatvfs(done.scratch, at));
      return done.result;
    });
    this.call(status);
    return found[0];
  }

  /** sysctl(3): the value, as long as it is. `query` is what CTL_QUERY takes for a new value. */
  sysctl(name: readonly number[], query?: Uint8Array): Uint8Array {
    let room = this.sysctlSize(name, query);
    for (let attempt = 1; ; attempt++) {
      const value = new Uint8Array(room);
      const { status, length } = this.#sysctl(name, value, query);
      if (status !== -ENOMEM || attempt === ATTEMPTS) {
        this.call(status);
        return value.subarray(0, Math.min(length, room));
      }
      room = Math.max(length, room * 2, 64);
    }
  }

  /** How many bytes a value has, or had just now. */
  sysctlSize(name: readonly number[], query?: Uint8Array): number {
    const { status, length } = this.#sysctl(name, undefined, query);
    this.call(status);
    return length;
  }

  setSysctl(name: readonly number[], value: Uint8Array): void {
    this.call(this.#sysctl(name, undefined, value).status);
  }

  #sysctl(
    name: readonly number[],
    old: Uint8Array | undefined,
    fresh: Uint8Array | undefined,
  ): { status: number; length: number } {
    const call = this.begin(NB.__sysctl);
    const at = call.reserve(name.length * 4);
    name.forEach((number, i) => {
      call.view.setInt32(at + i * 4, number, true);
    });
    const lengthAt = call.reserve(8);
    call.view.setBigUint64(lengthAt, BigInt(old?.length ?? 0), true);
    call.pointer(at).int(name.length);
    if (old === undefined) call.nil();
    else call.buffer(old);
    call.pointer(lengthAt);
    if (fresh === undefined) call.nil().long(0);
    else call.buffer(fresh).long(fresh.length);
    let length = 0;
    const status = this.submit(call, done => {
      length = Number(done.view.getBigUint64(lengthAt, true));
      return done.result;
    });
    return { status, length };
  }

  /** reboot(2): the kernel ends, and with it the server. It may do so without an answer. */
  halt(): void {
    const status = this.submit(this.begin(NB.reboot).int(RB_AUTOBOOT).nil());
    if (status === -ENOTCONN) return;
    this.call(status);
    // Nobody answers this one: when it is over, the server has let go of its clients.
    this.submit(this.begin(NB.getpid));
  }
}
