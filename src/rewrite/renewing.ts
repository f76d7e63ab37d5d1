/**
 * New placeholders for sockets that hung up and go on: a connection that failed and is tried again, a listener that was shut down. A host
 * socket that is hung up stays so, thus another one takes its place at the program's numbers and in its epoll sets.
 */
import { fstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_EVENT_SIZE } from '../abi/linux/epoll.js';
import { EMFILE } from '../abi/linux/errno.js';
import { F_GETFD, FD_CLOEXEC, O_CLOEXEC } from '../abi/linux/fcntl.js';
import { NR } from '../abi/linux/syscalls.js';
import type { Mirror } from '../tracer/mirror.js';
import { type Call, type Hijack, raiseLimit } from './hijack.js';

/** A line of an epoll set's /proc/PID/fdinfo/N (proc_pid_fdinfo(5)); the inode is hexadecimal. */
const REGISTRATION = /^tfd:\s*(\d+) events:\s*([0-9a-f]+) data:\s*([0-9a-f]+)\s+pos:\S+\s+ino:([0-9a-f]+)/gm;

interface Registration {
  epoll: number;
  fd: number;
  events: number;
  data: bigint;
}

/** Where the calling process's epoll sets have the host socket `inode`. */
function registrationsOf(tid: number, inode: number): Registration[] {
  const found: Registration[] = [];
  for (const name of readdirSync(`/proc/${tid}/fd`)) {
    try {
      if (readlinkSync(`/proc/${tid}/fd/${name}`) !== 'anon_inode:[eventpoll]') continue;
      const info = readFileSync(`/proc/${tid}/fdinfo/${name}`, 'latin1');
      for (const [, fd, events, data, ino] of info.matchAll(REGISTRATION)) {
        if (Number.parseInt(ino, 16) !== inode) continue;
        const epoll = Number(name);
        found.push({ epoll, fd: Number(fd), events: Number.parseInt(events, 16), data: BigInt(`0x${data}`) });
      }
    } catch {
      // Another thread has closed it meanwhile.
    }
  }
  return found;
}

/** Puts a copy of the tracer's `from` in the place of each of the program's `numbers`. */
function putInPlace(call: Call, hijack: Hijack, from: number, numbers: readonly number[]): boolean {
  const { fdoff } = hijack.policy;
  let copy = call.install(from, fdoff, O_CLOEXEC);
  if (copy === -EMFILE) {
    raiseLimit(call, fdoff);
    copy = call.install(from, fdoff, O_CLOEXEC);
  }
  if (copy < 0) return false;
  for (const fd of numbers) {
    const cloexec = (call.hostCall(NR.fcntl, fd, F_GETFD) & FD_CLOEXEC) !== 0;
    call.hostCall(NR.dup3, copy, fd, cloexec ? O_CLOEXEC : 0);
  }
  call.hostCall(NR.close, copy);
  return true;
}

function addAgain(call: Call, registrations: readonly Registration[]): void {
  const scratch = registrations.length === 0 ? -1 : call.scratch(EPOLL_EVENT_SIZE);
  if (scratch < 0) return;
  const event = new Uint8Array(EPOLL_EVENT_SIZE);
  const view = new DataView(event.buffer);
  for (const { epoll, fd, events, data } of registrations) {
    view.setUint32(0, events, true);
    view.setBigUint64(4, data, true);
    if (call.write(scratch, event) === 0) call.hostCall(NR.epoll_ctl, epoll, EPOLL_CTL_ADD, fd, scratch);
  }
}

/** To be called before a call on the socket of `mirror` is answered that may have ended its hangup. Other processes' copies stay hung up. */
export function renew(call: Call, hijack: Hijack, mirror: Mirror | undefined): void {
  if (mirror === undefined || !mirror.isStale) return;
  const { files } = call.state;
  mirror.replace(from => {
    const numbers = [...files.numbers()].filter(fd => files.mirrorOf(fd) === mirror);
    const all = registrationsOf(call.tid, fstatSync(mirror.fd).ino);
    const registrations = all.filter(({ fd }) => numbers.includes(fd));
    for (const { epoll, fd } of registrations) call.hostCall(NR.epoll_ctl, epoll, EPOLL_CTL_DEL, fd);
    const isPut = putInPlace(call, hijack, from, numbers);
    addAgain(call, registrations);
    return isPut;
  });
}
