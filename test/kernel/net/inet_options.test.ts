import test from 'ava';
import * as errno from '../../../src/abi/linux/errno.js';
import * as inet from '../../../src/abi/linux/inet.js';
import * as so from '../../../src/abi/linux/socket.js';
import { InetOptions, OPTION_TABLE } from '../../../src/kernel/net/inet_options.js';
import type { OptionTarget } from '../../../src/kernel/net/option_row.js';
import { RN_OPT_LINGER_ZERO, RN_OPT_NODELAY, RN_OPT_TTL } from '../../../src/kernel/net/stack_options.js';

const root = { uid: 0, gid: 0, groups: [] };
const nobody = { uid: 1000, gid: 1000, groups: [] };

function options(sockType: number, domain = so.AF_INET) {
  const told = new Map<number, number>();
  const target: OptionTarget = {
    domain,
    sockType,
    protocol: sockType === so.SOCK_STREAM ? inet.IPPROTO_TCP : inet.IPPROTO_UDP,
    isConnected: false,
    isListening: false,
    isBound: false,
    inode: { ino: 7 },
    set: (option, value) => {
      told.set(option, value);
      return 0;
    },
    get: () => 0,
    join: () => 0,
    getpeername: () => -errno.ENOTCONN,
    interfaces: () => [],
  };
  return { told, options: new InetOptions(target) };
}

const ints = (...values: number[]) => new Uint8Array(Int32Array.from(values).buffer);

function read(of: InetOptions, level: number, name: number): number {
  const out = new Uint8Array(4);
  const length = of.get(level, name, out);
  return length < 0 ? length : new DataView(out.buffer).getInt32(0, true);
}

test('each option is in the table once, with a reason', t => {
  const keys = OPTION_TABLE.map(row => `${row.level} ${row.option}`);
  t.is(new Set(keys).size, keys.length);
  for (const row of OPTION_TABLE) t.not(row.why, '', row.name);
});

test('options of TCP reach the stack and are given back', t => {
  const { told, options: tcp } = options(so.SOCK_STREAM);
  t.is(tcp.set(inet.IPPROTO_TCP, inet.TCP_NODELAY, ints(5), root), 0);
  t.is(told.get(RN_OPT_NODELAY), 1);
  t.is(read(tcp, inet.IPPROTO_TCP, inet.TCP_NODELAY), 1);
  t.is(tcp.set(so.SOL_SOCKET, so.SO_LINGER, ints(1, 0), root), 0);
  t.is(told.get(RN_OPT_LINGER_ZERO), 1);
  t.is(read(tcp, inet.IPPROTO_TCP, inet.TCP_KEEPIDLE), 7200);
  t.is(tcp.set(inet.IPPROTO_TCP, inet.TCP_KEEPIDLE, ints(0), root), -errno.EINVAL);
  t.is(tcp.set(inet.IPPROTO_TCP, inet.TCP_CONGESTION, Buffer.from('reno'), root), 0);
  t.is(tcp.set(inet.IPPROTO_TCP, inet.TCP_CONGESTION, Buffer.from('bogus'), root), -errno.ENOENT);
});

test('IP_TTL is an int or a byte, and the default is told as such', t => {
  const { told, options: udp } = options(so.SOCK_DGRAM);
  t.is(udp.set(inet.IPPROTO_IP, inet.IP_TTL, Uint8Array.of(9), root), 0);
  t.is(read(udp, inet.IPPROTO_IP, inet.IP_TTL), 9);
  t.is(udp.set(inet.IPPROTO_IP, inet.IP_TTL, ints(-1), root), 0);
  t.is(told.get(RN_OPT_TTL), 64);
  t.is(udp.set(inet.IPPROTO_IP, inet.IP_TTL, ints(256), root), -errno.EINVAL);
  t.is(udp.set(inet.IPPROTO_IP, inet.IP_TTL, new Uint8Array(0), root), -errno.EINVAL);
});

test('what is short, unknown, or root’s', t => {
  const { options: udp } = options(so.SOCK_DGRAM);
  t.is(udp.set(so.SOL_SOCKET, so.SO_BROADCAST, new Uint8Array(3), root), -errno.EINVAL);
  t.is(udp.set(so.SOL_SOCKET, 500, ints(1), root), -errno.ENOPROTOOPT);
  t.is(udp.set(inet.IPPROTO_TCP, inet.TCP_NODELAY, ints(1), root), -errno.ENOPROTOOPT);
  t.is(read(udp, inet.IPPROTO_TCP, inet.TCP_NODELAY), -errno.EOPNOTSUPP);
  t.is(udp.set(so.SOL_SOCKET, so.SO_MARK, ints(1), nobody), -errno.EPERM);
  t.is(udp.set(so.SOL_SOCKET, so.SO_MARK, ints(1), root), 0);
  t.is(read(udp, so.SOL_SOCKET, so.SO_ERROR), 0);
});

test('an accepted socket begins with its listener’s options', t => {
  const listener = options(so.SOCK_STREAM, so.AF_INET6).options;
  const accepted = options(so.SOCK_STREAM, so.AF_INET6).options;
  t.is(listener.set(so.SOL_SOCKET, so.SO_KEEPALIVE, ints(1), root), 0);
  t.is(listener.set(so.SOL_SOCKET, so.SO_RCVLOWAT, ints(10), root), 0);
  accepted.inherit(listener);
  t.is(read(accepted, so.SOL_SOCKET, so.SO_KEEPALIVE), 1);
  t.is(accepted.lowWater, 10);
});
