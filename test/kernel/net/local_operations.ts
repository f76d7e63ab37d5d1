/** Random calls on AF_UNIX sockets, none of which may block: the same on any kernel behind SocketSide. */
import fc from 'fast-check';
import { O_NONBLOCK } from '../../../src/abi/linux/fcntl.js';
import { POLLIN, POLLOUT, POLLRDHUP } from '../../../src/abi/linux/poll.js';
import {
  AF_UNIX,
  MSG_CMSG_CLOEXEC,
  MSG_DONTWAIT,
  MSG_EOR,
  MSG_NOSIGNAL,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  SCM_CREDENTIALS,
  SCM_RIGHTS,
  SCM_TIMESTAMP,
  SCM_TIMESTAMPNS,
  SO_ACCEPTCONN,
  SO_DOMAIN,
  SO_ERROR,
  SO_PASSCRED,
  SO_PEERCRED,
  SO_PROTOCOL,
  SO_RCVLOWAT,
  SO_SNDBUF,
  SO_TIMESTAMP,
  SO_TYPE,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../../src/abi/linux/socket.js';
import { UCRED_SIZE } from '../../../src/abi/linux/un.js';
import { AT_FDCWD, type Result } from '../../../src/kernel/rump_kernel.js';
import type { ControlMessage, IncomingMessage } from '../../../src/kernel/socket_calls.js';
import { MemoryUio } from '../parts/memory_uio.js';
import type { SocketSide } from './host_sockets.js';
import { ints, pathname, toInts } from './support.js';

/**
 * Sockets of one kernel. There are two kinds, which never meet: those that files are sent over, and those that are sent. So no cycle
 * of sockets in flight comes up, which the host collects at a time of its own.
 */
export class Side {
  readonly process: SocketSide;
  readonly carriers: number[] = [];
  readonly carried: number[] = [];
  /** What the next byte that is sent is. */
  #byte = 0;

  constructor(process: SocketSide) {
    this.process = process;
  }

  list(isCarrier: boolean): number[] {
    return isCarrier ? this.carriers : this.carried;
  }

  get all(): number[] {
    return [...this.carriers, ...this.carried];
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.#byte++ % 251;
    return bytes;
  }

  close(): void {
    for (const fd of this.all) this.process.close(fd);
  }
}

export class Operation {
  constructor(
    readonly text: string,
    readonly run: (side: Side) => unknown,
  ) {}

  /** What a failed property prints. */
  [fc.toStringMethod](): string {
    return this.text;
  }
}

/** Paths and abstract names; each kind of socket has its own. */
export interface Names {
  /** Ends with a slash. */
  readonly directory: string;
  /** Nobody else's. */
  readonly unique: string;
}

const NAMES = ['path', 'other', 'abstract', 'none', 'missing/x', 'auto', 'short', 'foreign', 'long'] as const;
type Name = (typeof NAMES)[number];

function addressOf(name: Name, isCarrier: boolean, { directory, unique }: Names): Uint8Array {
  const kind = isCarrier ? 'A' : 'B';
  switch (name) {
    case 'abstract':
      return pathname(`\0${unique}${kind}`);
    case 'auto':
      return pathname('');
    case 'short':
      return pathname('').subarray(0, 1);
    case 'foreign':
      return Uint8Array.from([2, 0, 1, 1, 127, 0, 0, 1]);
    case 'long':
      return pathname(`\0${unique}${kind}`.padEnd(109, 'x'));
    default:
      return pathname(`${directory}${name}${kind}`);
  }
}

/** The result of a call that must not wait; a poll that waits has nothing to say. */
function at(result: Result): number {
  if (typeof result === 'number') return result;
  result.cancel();
  return -11;
}

/** Names that the kernel chose are as good as each other. */
function shown(bytes: Uint8Array, length: number): string {
  const text = Buffer.from(bytes).toString('latin1', 0, length);
  return text.startsWith('\x01\0\0') && /^[0-9a-f]{5}$/.test(text.slice(3)) ? 'auto' : text;
}

function readiness(side: Side): number[] {
  return side.all.map(fd => {
    const result = side.process.poll(fd, POLLIN | POLLOUT | POLLRDHUP);
    if (typeof result === 'number') return result;
    result.cancel();
    return 0;
  });
}

/** Makes the calls: what each said, and what poll(2) said of all sockets behind each. */
export function runAll(side: Side, operations: readonly Operation[]): unknown[] {
  return operations.map(operation => [operation.text, operation.run(side), readiness(side)]);
}

type On = (process: SocketSide, fd: number, side: Side, isCarrier: boolean) => unknown;

const which = fc.record({ slot: fc.nat(9), isCarrier: fc.boolean() });

/** An operation on one of the sockets that there are. */
function on(target: { slot: number; isCarrier: boolean }, text: string, run: On): Operation {
  const { slot, isCarrier } = target;
  return new Operation(`${text} ${isCarrier ? 'A' : 'B'}${slot}`, side => {
    const list = side.list(isCarrier);
    return list.length === 0 ? 'none' : run(side.process, list[slot % list.length], side, isCarrier);
  });
}

/** Calls that have no MSG_DONTWAIT: the socket does not block while they are made. */
function unblocked<T>(process: SocketSide, fd: number, run: () => T): T {
  const flags = at(process.getStatusFlags(fd));
  process.setStatusFlags(fd, flags | O_NONBLOCK);
  const result = run();
  process.setStatusFlags(fd, flags);
  return result;
}

const anyType = fc.constantFrom(
  SOCK_STREAM,
  SOCK_STREAM,
  SOCK_DGRAM,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_RAW,
  4,
);
const anyFlags = fc.constantFrom(0, 0, SOCK_NONBLOCK, SOCK_CLOEXEC);
const anyLength = fc.oneof(
  fc.integer({ min: 0, max: 20 }),
  fc.constantFrom(100, 4096, 70_000, 212_960, 300_000),
);

const making = fc
  .record({ isPair: fc.boolean(), type: anyType, flags: anyFlags, isCarrier: fc.boolean() })
  .map(({ isPair, type, flags, isCarrier }) => {
    const text = `${isPair ? 'socketpair' : 'socket'} ${type} ${flags} ${isCarrier ? 'A' : 'B'}`;
    return new Operation(text, side => {
      const list = side.list(isCarrier);
      if (list.length >= 8) return 'enough';
      if (!isPair) {
        const fd = at(side.process.socket(AF_UNIX, type | flags, 0));
        if (fd >= 0) list.push(fd);
        return Math.min(fd, 0);
      }
      const out = new Int32Array(2);
      const status = at(side.process.socketpair(AF_UNIX, type | flags, 0, out));
      if (status === 0) list.push(...out);
      return status;
    });
  });

function naming(names: Names): fc.Arbitrary<Operation> {
  const address = (name: Name, isCarrier: boolean) => addressOf(name, isCarrier, names);
  return fc
    .record({
      target: which,
      name: fc.constantFrom(...NAMES, 'path' as const, 'abstract' as const, 'path' as const),
      call: fc.constantFrom('bind', 'bind', 'connect', 'connect', 'unlink', 'disconnect'),
    })
    .map(({ target, name, call }) =>
      on(target, `${call} ${name}`, (process, fd, _, isCarrier) => {
        switch (call) {
          case 'bind':
            return at(process.bind(fd, address(name, isCarrier)));
          case 'connect':
            return unblocked(process, fd, () => at(process.connect(fd, address(name, isCarrier))));
          case 'disconnect':
            return at(process.connect(fd, new Uint8Array(2)));
          default:
            return at(process.unlinkAt(AT_FDCWD, `${names.directory}path${isCarrier ? 'A' : 'B'}`, 0));
        }
      }),
    );
}

const accepting = fc.record({ target: which, flags: anyFlags }).map(({ target, flags }) =>
  on(target, `accept ${flags}`, (process, fd, side, isCarrier) => {
    const peer = { bytes: new Uint8Array(128), length: 0 };
    const accepted = unblocked(process, fd, () => at(process.accept(fd, flags, peer)));
    if (accepted < 0) return accepted;
    side.list(isCarrier).push(accepted);
    return [shown(peer.bytes, peer.length), process.getStatusFlags(accepted), process.getFdFlags(accepted)];
  }),
);

function sending(names: Names): fc.Arbitrary<Operation> {
  return fc
    .record({
      target: which,
      length: anyLength,
      // Not MSG_OOB: the embedded kernel's streams are those of a kernel without CONFIG_AF_UNIX_OOB.
      flags: fc.constantFrom(0, 0, 0, 0, MSG_EOR),
      name: fc.option(fc.constantFrom(...NAMES, 'path' as const, 'abstract' as const), { freq: 2 }),
      files: fc.array(fc.nat(9), { maxLength: 3 }),
      creds: fc.constantFrom(undefined, undefined, undefined, process.pid, 1, 0),
      odd: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 1, 2, 3),
    })
    .map(({ target, length, flags, name, files, creds, odd }) =>
      on(
        target,
        `send ${length} flags ${flags} to ${name} files ${files.length} creds ${creds} odd ${odd}`,
        (process, fd, side, isCarrier) => {
          const control: ControlMessage[] = [];
          const all = side.carried;
          if (isCarrier && files.length > 0 && all.length > 0) {
            const fds = files.map(file => all[file % all.length]);
            control.push({ level: SOL_SOCKET, type: SCM_RIGHTS, data: ints(...fds) });
          }
          if (creds !== undefined) {
            const data = ints(creds, globalThis.process.getuid?.() ?? 0, globalThis.process.getgid?.() ?? 0);
            control.push({ level: SOL_SOCKET, type: SCM_CREDENTIALS, data });
          }
          if (odd === 1) control.push({ level: SOL_SOCKET, type: 77, data: ints(1) });
          if (odd === 2) control.push({ level: 41, type: 1, data: ints(1) });
          if (odd === 3) control.push({ level: SOL_SOCKET, type: SCM_RIGHTS, data: ints(-1) });
          const uio = MemoryUio.from(side.bytes(length));
          const to = name === null ? undefined : addressOf(name, isCarrier, names);
          return at(process.sendMsg(fd, uio, flags | MSG_DONTWAIT | MSG_NOSIGNAL, { name: to, control }));
        },
      ),
    );
}

function received(process: SocketSide, side: Side, { level, type, data }: ControlMessage): unknown {
  if (type === SCM_TIMESTAMP || type === SCM_TIMESTAMPNS) return [level, type, data.length];
  if (type !== SCM_RIGHTS) return [level, type, toInts(data)];
  const fds = toInts(data);
  side.carried.push(...fds);
  return [level, type, fds.map(fd => process.getFdFlags(fd))];
}

const receiving = fc
  .record({
    target: which,
    length: anyLength,
    flags: fc.constantFrom(0, 0, 0, MSG_PEEK, MSG_TRUNC, MSG_PEEK | MSG_TRUNC, MSG_WAITALL, MSG_CMSG_CLOEXEC),
    room: fc.constantFrom(0, 200, 200, 200, 16, 20, 24, 28),
    isNamed: fc.boolean(),
  })
  .map(({ target, length, flags, room, isNamed }) =>
    on(target, `recv ${length} flags ${flags} room ${room}`, (process, fd, side) => {
      const uio = MemoryUio.into(length);
      const name = { bytes: new Uint8Array(128), length: 0 };
      const message: IncomingMessage = {
        name: isNamed ? name : undefined,
        controlRoom: room,
        control: [],
        flags: 0,
      };
      const result = at(process.recvMsg(fd, uio, flags | MSG_DONTWAIT, message));
      if (result < 0) return result;
      const control = message.control.map(one => received(process, side, one));
      return [result, uio.got, shown(name.bytes, name.length), message.flags, control];
    }),
  );

const SETTINGS: readonly (readonly [number, number])[] = [
  [SO_PASSCRED, 1],
  [SO_PASSCRED, 1],
  [SO_PASSCRED, 0],
  [SO_SNDBUF, 1],
  [SO_SNDBUF, 20_000],
  [SO_RCVLOWAT, 10],
  [SO_TIMESTAMP, 1],
];
const setting = fc
  .record({ target: which, option: fc.constantFrom(...SETTINGS) })
  .map(({ target, option }) => {
    const [name, value] = option;
    return on(target, `setsockopt ${name} ${value}`, (process, fd) =>
      at(process.setsockopt(fd, SOL_SOCKET, name, ints(value))),
    );
  });

const asking = fc
  .record({
    target: which,
    name: fc.constantFrom(SO_ERROR, SO_ACCEPTCONN, SO_DOMAIN, SO_TYPE, SO_PROTOCOL, SO_PEERCRED, SO_SNDBUF),
  })
  .map(({ target, name }) =>
    on(target, `getsockopt ${name}`, (process, fd) => {
      const out = new Uint8Array(UCRED_SIZE);
      return [at(process.getsockopt(fd, SOL_SOCKET, name, out)), toInts(out)];
    }),
  );

const others = fc
  .record({
    target: which,
    call: fc.constantFrom('listen', 'listen', 'shutdown', 'close', 'dup', 'names', 'FIONREAD', 'SIOCOUTQ'),
    number: fc.integer({ min: -1, max: 3 }),
  })
  .map(({ target, call, number }) =>
    on(target, `${call} ${number}`, (process, fd, side, isCarrier) => {
      const list = side.list(isCarrier);
      switch (call) {
        case 'listen':
          return at(process.listen(fd, number));
        case 'shutdown':
          return at(process.shutdown(fd, number));
        case 'close':
          list.splice(list.indexOf(fd), 1);
          return at(process.close(fd));
        case 'dup':
          if (list.length >= 8) return 'enough';
          list.push(at(process.dup(fd, 0, true)));
          return 0;
        case 'names': {
          const out = { bytes: new Uint8Array(128), length: 0 };
          const own = [at(process.getsockname(fd, out)), shown(out.bytes, out.length)];
          return [own, at(process.getpeername(fd, out)), shown(out.bytes, out.length)];
        }
        case 'FIONREAD':
          return at(process.readable(fd));
        default:
          return at(process.unsent(fd));
      }
    }),
  );

export function anyOperation(names: Names): fc.Arbitrary<Operation> {
  return fc.oneof(
    { weight: 3, arbitrary: making },
    { weight: 4, arbitrary: naming(names) },
    { weight: 2, arbitrary: accepting },
    { weight: 6, arbitrary: sending(names) },
    { weight: 6, arbitrary: receiving },
    { weight: 1, arbitrary: setting },
    { weight: 1, arbitrary: asking },
    { weight: 3, arbitrary: others },
  );
}
