import { EACCES } from '../abi/linux/errno.js';
import { NR } from '../abi/linux/syscalls.js';
import { compileFilter, type FilterRule, SOCK_FILTER_SIZE } from '../tracer/filter.js';
import type { Call } from './hijack.js';

/** linux/seccomp.h, linux/prctl.h */
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_FILTER_FLAG_TSYNC = 1;
const PR_SET_NO_NEW_PRIVS = 38;
/** struct sock_fprog: unsigned short len, then a pointer. */
const SOCK_FPROG_SIZE = 16;

let fdRules: readonly FilterRule[] = [];

/** Told once which calls take descriptors. */
export function setDescriptorRules(rules: readonly FilterRule[]): void {
  fdRules = rules;
}

/**
 * Installs a filter over the ones that are there, in all threads, so that calls on one low number stop: a rump descriptor was put on it with
 * dup2(2). It stays for the life of the process and its children. Returns 0 or -errno.
 */
export function installStop(call: Call, fd: number): number {
  const program = compileFilter(fdRules, { equal: fd });
  const bytes = new Uint8Array(SOCK_FPROG_SIZE + program.length);
  const at = call.scratch(bytes.length);
  if (at < 0) return at;
  const view = new DataView(bytes.buffer);
  view.setUint16(0, program.length / SOCK_FILTER_SIZE, true);
  view.setUint32(8, (at + SOCK_FPROG_SIZE) % 2 ** 32, true);
  view.setUint32(12, Math.floor((at + SOCK_FPROG_SIZE) / 2 ** 32), true);
  bytes.set(program, SOCK_FPROG_SIZE);
  const written = call.write(at, bytes);
  if (written < 0) return written;
  const install = (flags: number): number => call.hostCall(NR.seccomp, SECCOMP_SET_MODE_FILTER, flags, at);
  const flags = call.thread.process.threads.size > 1 ? SECCOMP_FILTER_FLAG_TSYNC : 0;
  let result = install(flags);
  if (result === -EACCES) {
    // Without privileges the kernel asks for this; a program that had them has just given them up.
    call.hostCall(NR.prctl, PR_SET_NO_NEW_PRIVS, 1);
    result = install(flags);
  }
  // A positive result is the thread that has another filter tree: this thread alone, then.
  return result > 0 ? install(0) : result;
}
