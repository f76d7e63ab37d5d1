/** Short forms of the calls on sockets, for tests of one kernel in this process. */
import type { ExecutionContext } from 'ava';
import { AF_UNIX } from '../../../src/abi/linux/socket.js';
import { EmbeddedKernel } from '../../../src/kernel/embedded.js';
import type { Credentials, KernelProcess, Result } from '../../../src/kernel/rump_kernel.js';
import type { ControlMessage, IncomingMessage } from '../../../src/kernel/socket_calls.js';
import { ROOT } from '../contract/support.js';
import { MemoryUio } from '../parts/memory_uio.js';

export { now } from '../contract/support.js';

/** A kernel, and processes of it with pids from 100 on. */
export class World {
  readonly kernel = new EmbeddedKernel();
  #pid = 100;

  spawn(cred: Credentials = ROOT): KernelProcess {
    return this.kernel.spawn({ comm: 'test', pid: this.#pid++, cred, umask: 0o022, prefix: '' });
  }

  /** Turns the loop until nothing is due at once. */
  turn(): void {
    this.kernel.loop.turn(0);
  }
}

/** Where a call stands: its result once it has one. */
export interface Waiting {
  result: number | undefined;
  cancel(): number;
}

/** A call that may wait. */
export function start(result: Result): Waiting {
  if (typeof result === 'number') return { result, cancel: () => 0 };
  const waiting: Waiting = { result: undefined, cancel: () => result.cancel() };
  result.onDone(value => {
    waiting.result = value;
  });
  return waiting;
}

/** A call that must wait. */
export function waits(t: ExecutionContext, result: Result): Waiting {
  const waiting = start(result);
  t.is(waiting.result, undefined, 'the call does not wait');
  return waiting;
}

export function pathname(path: string): Uint8Array {
  return Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(path, 'latin1')]);
}

/** socketpair(2). */
export function pair(process: KernelProcess, type: number): [number, number] {
  const out = new Int32Array(2);
  const status = process.socketpair(AF_UNIX, type, 0, out);
  if (status !== 0) throw new Error(`socketpair: ${String(status)}`);
  return [out[0], out[1]];
}

export function send(
  process: KernelProcess,
  fd: number,
  bytes: string | Uint8Array,
  flags = 0,
  control: ControlMessage[] = [],
  name?: Uint8Array,
): Result {
  return process.sendMsg(fd, MemoryUio.from(bytes), flags, { name, control });
}

export interface Received {
  result: number;
  text: string;
  /** The sender's address, latin1. */
  name: string;
  flags: number;
  control: ControlMessage[];
}

/** A call of recvmsg(2), and how to read what it has got. */
export function receiving(
  process: KernelProcess,
  fd: number,
  length: number,
  flags = 0,
  controlRoom = 0,
): { result: Result; received(result: number): Received } {
  const uio = MemoryUio.into(length);
  const name = { bytes: new Uint8Array(128), length: 0 };
  const message: IncomingMessage = { name, controlRoom, control: [], flags: 0 };
  return {
    result: process.recvMsg(fd, uio, flags, message),
    received: result => ({
      result,
      text: uio.text,
      name: Buffer.from(name.bytes).toString('latin1', 0, name.length),
      flags: message.flags,
      control: message.control,
    }),
  };
}

/** recvmsg(2) that must not wait. */
export function receive(
  process: KernelProcess,
  fd: number,
  length: number,
  flags = 0,
  controlRoom = 0,
): Received {
  const call = receiving(process, fd, length, flags, controlRoom);
  if (typeof call.result !== 'number') throw new Error('recvmsg waits');
  return call.received(call.result);
}

/** The text of a recv(2), or -errno. */
export function text(process: KernelProcess, fd: number, length: number, flags = 0): string | number {
  const { result, text: got } = receive(process, fd, length, flags);
  return result < 0 ? result : got;
}

/** An address of getsockname(2) or getpeername(2), latin1, or -errno. */
export function nameOf(process: KernelProcess, fd: number, peer = false): string | number {
  const out = { bytes: new Uint8Array(128), length: 0 };
  const status = peer ? process.getpeername(fd, out) : process.getsockname(fd, out);
  return status === 0 ? Buffer.from(out.bytes).toString('latin1', 0, out.length) : Number(status);
}

/** An int of getsockopt(2), or -errno. */
export function option(process: KernelProcess, fd: number, name: number, level = 1): number {
  const out = new Uint8Array(4);
  const length = process.getsockopt(fd, level, name, out);
  return length === 4 ? new DataView(out.buffer).getInt32(0, true) : Number(length);
}

export function setOption(
  process: KernelProcess,
  fd: number,
  name: number,
  value: number,
  level = 1,
): Result {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return process.setsockopt(fd, level, name, bytes);
}

/** 32-bit numbers, as SCM_RIGHTS has them. */
export function ints(...values: number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

export function toInts(bytes: Uint8Array): number[] {
  return [...new Int32Array(bytes.slice().buffer)];
}
