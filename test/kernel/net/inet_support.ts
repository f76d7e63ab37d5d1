/** Addresses of the internet families, and short forms of calls, for tests of one kernel in this process. */
import { isIPv4 } from 'node:net';
import { AF_INET, AF_INET6, SOCK_STREAM } from '../../../src/abi/linux/socket.js';
import type { KernelProcess } from '../../../src/kernel/rump_kernel.js';
import type { AddressOut } from '../../../src/kernel/socket_calls.js';
import { MemoryUio } from '../parts/memory_uio.js';
import { now } from './support.js';

/** struct sockaddr_in. */
export function in4(address: string, port: number): Uint8Array {
  return Uint8Array.of(
    AF_INET,
    0,
    port >> 8,
    port & 0xff,
    ...address.split('.').map(Number),
    ...Array(8).fill(0),
  );
}

/** struct sockaddr_in6; `::ffff:` of an IPv4 address is understood. */
export function in6(address: string, port: number, scope = 0): Uint8Array {
  const out = new Uint8Array(28);
  out.set([AF_INET6, 0, port >> 8, port & 0xff]);
  const mapped = /^::ffff:(.*)$/.exec(address);
  if (mapped !== null && isIPv4(mapped[1])) {
    out.set([0xff, 0xff, ...mapped[1].split('.').map(Number)], 18);
  } else {
    const [head, tail = ''] = address.split('::');
    const words = (text: string) => (text === '' ? [] : text.split(':').map(w => Number.parseInt(w, 16)));
    const [first, last] = [words(head), words(tail)];
    const all = [...first, ...Array(8 - first.length - last.length).fill(0), ...last];
    out.set(
      all.flatMap(w => [w >> 8, w & 0xff]),
      8,
    );
  }
  out[24] = scope;
  return out;
}

/** An address as people write it. */
export function text(address: AddressOut): string {
  const { bytes } = address;
  const port = (bytes[2] << 8) | bytes[3];
  if (address.length === 16) return `${[...bytes.subarray(4, 8)].join('.')}:${port}`;
  if (address.length === 0) return '';
  const words = Array.from({ length: 8 }, (_, i) => (bytes[8 + 2 * i] << 8) | bytes[9 + 2 * i]);
  if (words.slice(0, 5).every(w => w === 0) && words[5] === 0xffff) {
    return `[::ffff:${[...bytes.subarray(20, 24)].join('.')}]:${port}`;
  }
  return `[${words
    .map(w => w.toString(16))
    .join(':')
    .replace(/^(0:)+/, '::')}]:${port}`;
}

export function addressOut(): AddressOut {
  return { bytes: new Uint8Array(128), length: 0 };
}

export function nameOf(process: KernelProcess, fd: number, which: 'sock' | 'peer'): string {
  const out = addressOut();
  now(which === 'sock' ? process.getsockname(fd, out) : process.getpeername(fd, out));
  return text(out);
}

/** A listener at a port that was free. */
export function server(process: KernelProcess, address: string, backlog = 5, flags = 0) {
  const isV4 = isIPv4(address);
  const fd = now(process.socket(isV4 ? AF_INET : AF_INET6, SOCK_STREAM | flags, 0));
  now(process.bind(fd, isV4 ? in4(address, 0) : in6(address, 0)));
  now(process.listen(fd, backlog));
  const out = addressOut();
  now(process.getsockname(fd, out));
  return { fd, port: (out.bytes[2] << 8) | out.bytes[3] };
}

/** Both ends of a connection; the listener is gone. */
export function connected(process: KernelProcess): [number, number] {
  const { fd, port } = server(process, '127.0.0.1');
  const client = now(process.socket(AF_INET, SOCK_STREAM, 0));
  now(process.connect(client, in4('127.0.0.1', port)));
  const peer = now(process.accept(fd, 0, undefined));
  now(process.close(fd));
  return [client, peer];
}

export function sendText(process: KernelProcess, fd: number, text: string, flags = 0): number {
  return now(process.sendMsg(fd, MemoryUio.from(text), flags, undefined));
}

export function recvText(process: KernelProcess, fd: number, length = 65536, flags = 0): string {
  const uio = MemoryUio.into(length);
  now(process.recvMsg(fd, uio, flags, undefined));
  return uio.text;
}

/** What poll(2) says now, all bits. */
export function events(process: KernelProcess, fd: number): number {
  let seen = -1;
  const status = now(
    process.watch(fd, {
      changed(revents) {
        seen = revents;
      },
      closed() {},
    }),
  );
  if (status !== 0) throw new Error(`watch: ${status}`);
  return seen;
}
