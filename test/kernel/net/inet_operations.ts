/**
 * Random calls on sockets of AF_INET and AF_INET6, none of which may block: the same on any kernel behind SocketSide. What the generator
 * leaves out is where docs/differences.md says that the stack is not Linux's.
 */
import fc from 'fast-check';
import { EINPROGRESS } from '../../../src/abi/linux/errno.js';
import * as inet from '../../../src/abi/linux/inet.js';
import * as so from '../../../src/abi/linux/socket.js';
import type { ControlMessage, IncomingMessage } from '../../../src/kernel/socket_calls.js';
import { MemoryUio } from '../parts/memory_uio.js';
import type { SocketSide } from './host_sockets.js';
import {
  addressOf,
  at,
  isMixed,
  nameOf,
  Operation,
  on,
  portOf,
  SOCKETS_MAX,
  show,
  shown,
  target,
  unblocked,
  which,
} from './inet_side.js';
import { ints, toInts } from './support.js';

// Operations.

const TYPES = [
  ...Array(12).fill([so.SOCK_STREAM, 0]),
  ...Array(10).fill([so.SOCK_DGRAM, 0]),
  [so.SOCK_STREAM, inet.IPPROTO_TCP],
  [so.SOCK_DGRAM, inet.IPPROTO_UDP],
  [so.SOCK_STREAM, inet.IPPROTO_UDP],
  [so.SOCK_DGRAM, inet.IPPROTO_TCP],
  [so.SOCK_RAW, 0],
  [so.SOCK_SEQPACKET, 0],
  [so.SOCK_STREAM, -1],
  [so.SOCK_DGRAM, 300],
  [4, 0],
  [11, 0],
  [so.SOCK_STREAM | 0x100, 0],
] as const;

const making = fc
  .record({
    domain: fc.constantFrom(so.AF_INET, so.AF_INET6),
    kind: fc.constantFrom(...TYPES),
    flags: fc.constantFrom(0, 0, so.SOCK_NONBLOCK, so.SOCK_CLOEXEC),
  })
  .map(({ domain, kind: [type, protocol], flags }) => {
    return new Operation(`socket ${domain} ${type | flags} ${protocol}`, side => {
      if (side.open.length >= SOCKETS_MAX) return 'enough';
      const fd = at(side.process.socket(domain, type | flags, protocol));
      if (fd < 0) return fd;
      side.add(fd, type === so.SOCK_STREAM);
      return [side.process.getStatusFlags(fd), side.process.getFdFlags(fd)];
    });
  });

const binding = (others: boolean) =>
  fc.record({ slot: which, to: target({ many: true, others }) }).map(({ slot, to }) =>
    on(slot, `bind ${show(to)}`, (process, fd, side, kind) => {
      const address = addressOf(side, fd, to);
      return isMixed(kind, address) ? 'left out' : at(process.bind(fd, address));
    }),
  );

/** The stack has no simultaneous open, which is what a connection to oneself is. */
function isSelf(process: SocketSide, fd: number, address: Uint8Array): boolean {
  return portOf(address) !== 0 && portOf(nameOf(process, fd)) === portOf(address);
}

const connecting = (others: boolean) =>
  fc
    .record({
      slot: which,
      to: target({ many: false, others }),
      call: fc.constantFrom('connect', 'connect', 'connect', 'connect now', 'disconnect'),
    })
    .map(({ slot, to, call }) =>
      on(slot, call === 'disconnect' ? call : `${call} ${show(to)}`, (process, fd, side, kind) => {
        if (call === 'disconnect') return at(process.connect(fd, new Uint8Array(2)));
        const address = addressOf(side, fd, to);
        if (kind.isStream && isSelf(process, fd, address)) return 'self';
        if (isMixed(kind, address)) return 'left out';
        if (call === 'connect') return unblocked(process, fd, () => at(process.connect(fd, address)));
        return at(process.connect(fd, address), -EINPROGRESS);
      }),
    );

const accepting = fc
  .record({ slot: which, flags: fc.constantFrom(0, 0, so.SOCK_NONBLOCK, so.SOCK_CLOEXEC, 1) })
  .map(({ slot, flags }) =>
    on(slot, `accept ${flags}`, (process, fd, side) => {
      const peer = { bytes: new Uint8Array(128), length: 0 };
      const accepted = unblocked(process, fd, () => at(process.accept(fd, flags, peer)));
      if (accepted < 0) return accepted;
      side.add(accepted, true);
      const own = nameOf(process, accepted);
      return [
        shown(side, peer.bytes, peer.length),
        shown(side, own, own.length),
        process.getStatusFlags(accepted),
        process.getFdFlags(accepted),
      ];
    }),
  );

const anyLength = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 20 }) },
  { weight: 1, arbitrary: fc.constantFrom(100, 1500, 4000) },
);

const sending = (others: boolean) =>
  fc
    .record({
      slot: which,
      length: fc.oneof(
        { weight: 20, arbitrary: anyLength },
        { weight: 1, arbitrary: fc.constantFrom(65_487, 65_528, 65_536, 100_000) },
      ),
      // Not MSG_MORE: the stack sends at once.
      flags: fc.constantFrom(
        0,
        0,
        0,
        0,
        so.MSG_EOR,
        so.MSG_DONTROUTE,
        so.MSG_CONFIRM,
        so.MSG_OOB,
        so.MSG_PEEK,
      ),
      to: fc.option(target({ many: true, others }), { freq: 2 }),
      odd: fc.constantFrom(...Array(12).fill(0), 1, 2, 3),
    })
    .map(({ slot, length, flags, to, odd }) =>
      on(slot, `send ${length} flags ${flags} to ${to && show(to)} odd ${odd}`, (process, fd, side, kind) => {
        // The stack has no urgent data; and how much a connection takes is its own.
        if (kind.isStream && ((flags & so.MSG_OOB) !== 0 || length > 4000)) return 'left out';
        const control: ControlMessage[] = [];
        if (odd === 1) control.push({ level: so.SOL_SOCKET, type: 77, data: ints(1) });
        if (odd === 2) control.push({ level: inet.IPPROTO_IP, type: inet.IP_TTL, data: ints(0) });
        if (odd === 3) control.push({ level: inet.IPPROTO_IP, type: inet.IP_TTL, data: ints(9) });
        const name = to === null ? undefined : addressOf(side, fd, to);
        if (name !== undefined && isMixed(kind, name)) return 'left out';
        const uio = MemoryUio.from(side.bytes(length));
        return at(process.sendMsg(fd, uio, flags | so.MSG_DONTWAIT | so.MSG_NOSIGNAL, { name, control }));
      }),
    );

/** Times differ, and numbers of interfaces do not matter. */
function received({ level, type, data }: ControlMessage): unknown {
  const isTime = level === so.SOL_SOCKET && (type === so.SCM_TIMESTAMP || type === so.SCM_TIMESTAMPNS);
  return [level, type, isTime ? data.length : Buffer.from(data).toString('hex')];
}

const receiving = fc
  .record({
    slot: which,
    length: anyLength,
    flags: fc.constantFrom(
      0,
      0,
      0,
      so.MSG_PEEK,
      so.MSG_TRUNC,
      so.MSG_PEEK | so.MSG_TRUNC,
      so.MSG_WAITALL,
      so.MSG_OOB,
      so.MSG_ERRQUEUE,
    ),
    room: fc.constantFrom(0, 200, 200, 200, 16, 20, 24, 28),
    isNamed: fc.boolean(),
  })
  .map(({ slot, length, flags, room, isNamed }) =>
    on(slot, `recv ${length} flags ${flags} room ${room} ${isNamed}`, (process, fd, side) => {
      const uio = MemoryUio.into(length);
      const name = { bytes: new Uint8Array(128), length: 0 };
      const message: IncomingMessage = {
        name: isNamed ? name : undefined,
        controlRoom: room,
        control: [],
        flags: 0,
      };
      const result = at(process.recvMsg(fd, uio, flags | so.MSG_DONTWAIT, message));
      if (result < 0) return result;
      return [
        result,
        uio.got,
        shown(side, name.bytes, name.length),
        message.flags,
        message.control.map(received),
      ];
    }),
  );

type Setting = readonly [name: string, level: number, option: number, value: Uint8Array];

const SETTINGS: readonly Setting[] = [
  ['SO_REUSEADDR', so.SOL_SOCKET, so.SO_REUSEADDR, ints(1)],
  ['SO_REUSEADDR', so.SOL_SOCKET, so.SO_REUSEADDR, ints(1)],
  ['no SO_REUSEADDR', so.SOL_SOCKET, so.SO_REUSEADDR, ints(0)],
  ['SO_REUSEPORT', so.SOL_SOCKET, so.SO_REUSEPORT, ints(1)],
  ['SO_BROADCAST', so.SOL_SOCKET, so.SO_BROADCAST, ints(1)],
  ['SO_LINGER 0', so.SOL_SOCKET, so.SO_LINGER, ints(1, 0)],
  ['SO_LINGER 1', so.SOL_SOCKET, so.SO_LINGER, ints(1, 1)],
  ['no SO_LINGER', so.SOL_SOCKET, so.SO_LINGER, ints(0, 0)],
  ['SO_RCVLOWAT', so.SOL_SOCKET, so.SO_RCVLOWAT, ints(8)],
  ['SO_TIMESTAMP', so.SOL_SOCKET, so.SO_TIMESTAMP, ints(1)],
  ['IP_FREEBIND', inet.IPPROTO_IP, inet.IP_FREEBIND, ints(1)],
  ['IP_PKTINFO', inet.IPPROTO_IP, inet.IP_PKTINFO, ints(1)],
  ['IP_RECVTTL', inet.IPPROTO_IP, inet.IP_RECVTTL, ints(1)],
  ['IP_RECVTOS', inet.IPPROTO_IP, inet.IP_RECVTOS, ints(1)],
  ['IP_TTL', inet.IPPROTO_IP, inet.IP_TTL, ints(7)],
  ['IP_TOS', inet.IPPROTO_IP, inet.IP_TOS, ints(16)],
  ['IPV6_V6ONLY', inet.IPPROTO_IPV6, inet.IPV6_V6ONLY, ints(1)],
  ['no IPV6_V6ONLY', inet.IPPROTO_IPV6, inet.IPV6_V6ONLY, ints(0)],
  ['IPV6_RECVPKTINFO', inet.IPPROTO_IPV6, inet.IPV6_RECVPKTINFO, ints(1)],
  ['IPV6_RECVHOPLIMIT', inet.IPPROTO_IPV6, inet.IPV6_RECVHOPLIMIT, ints(1)],
  ['IPV6_RECVTCLASS', inet.IPPROTO_IPV6, inet.IPV6_RECVTCLASS, ints(1)],
  ['IPV6_UNICAST_HOPS', inet.IPPROTO_IPV6, inet.IPV6_UNICAST_HOPS, ints(9)],
];

const setting = fc
  .record({ slot: which, what: fc.constantFrom(...SETTINGS) })
  .map(({ slot, what: [name, level, option, value] }) =>
    on(slot, `set ${name}`, (process, fd) => at(process.setsockopt(fd, level, option, value))),
  );

const ASKED = [
  ['SO_ERROR', so.SO_ERROR],
  ['SO_ERROR', so.SO_ERROR],
  ['SO_ACCEPTCONN', so.SO_ACCEPTCONN],
  ['SO_TYPE', so.SO_TYPE],
  ['SO_PROTOCOL', so.SO_PROTOCOL],
] as const;

const asking = fc
  .record({ slot: which, what: fc.constantFrom(...ASKED) })
  .map(({ slot, what: [name, option] }) =>
    on(slot, `get ${name}`, (process, fd) => {
      const out = new Uint8Array(4);
      return [at(process.getsockopt(fd, so.SOL_SOCKET, option, out)), toInts(out)];
    }),
  );

const calls = fc
  .record({
    slot: which,
    call: fc.constantFrom(
      'listen',
      'listen',
      'listen',
      'shutdown',
      'shutdown',
      'close',
      'dup',
      'names',
      'names',
      'FIONREAD',
      'SIOCOUTQ',
    ),
    number: fc.integer({ min: -1, max: 3 }),
    // A queue that is full is a matter of time: the host sends a SYN again after a second.
    backlog: fc.constantFrom(SOCKETS_MAX, 128, -1, 100_000),
  })
  .map(({ slot, call, number, backlog }) =>
    on(slot, call === 'listen' ? `listen ${backlog}` : `${call} ${number}`, (process, fd, side, kind) => {
      switch (call) {
        case 'listen':
          return at(process.listen(fd, backlog));
        case 'shutdown':
          return at(process.shutdown(fd, number));
        case 'close':
          side.open.splice(slot % side.open.length, 1);
          return at(process.close(fd));
        case 'dup':
          if (side.open.length >= SOCKETS_MAX) return 'enough';
          side.open.push({ fd: at(process.dup(fd, 0, true)), kind });
          return 0;
        case 'names': {
          const out = { bytes: new Uint8Array(128), length: 0 };
          const own = [at(process.getsockname(fd, out)), shown(side, out.bytes, out.length)];
          out.length = 0;
          return [own, at(process.getpeername(fd, out)), shown(side, out.bytes, out.length)];
        }
        case 'FIONREAD':
          return at(process.readable(fd));
        default:
          // Bytes that are not acknowledged yet are a matter of time.
          return kind.isStream ? Math.min(at(process.unsent(fd)), 0) : at(process.unsent(fd));
      }
    }),
  );

/** `others`: see target(). */
export function anyOperation(others: boolean): fc.Arbitrary<Operation> {
  return fc.oneof(
    { weight: 4, arbitrary: making },
    { weight: 3, arbitrary: binding(others) },
    { weight: 5, arbitrary: connecting(others) },
    { weight: 3, arbitrary: accepting },
    { weight: 6, arbitrary: sending(others) },
    { weight: 6, arbitrary: receiving },
    { weight: 2, arbitrary: setting },
    { weight: 1, arbitrary: asking },
    { weight: 5, arbitrary: calls },
  );
}
