/** Bytes that a rump kernel sent, and NetBSD's programs sent to it. */
import test from 'ava';
import { getInt64, setInt64 } from '../../../src/abi/bytes.js';
import { makedev, type StatFields } from '../../../src/abi/linux/stat.js';
import { decodeNetbsdDirents, encodeNetbsdDirent } from '../../../src/abi/netbsd/dirent.js';
import { decodeNetbsdKevent, encodeNetbsdKevent, NB_KEVENT_SIZE } from '../../../src/abi/netbsd/event.js';
import {
  decodeNetbsdControl,
  decodeNetbsdIovec,
  decodeNetbsdMsghdr,
  encodeNetbsdControl,
  encodeNetbsdIovec,
  encodeNetbsdMsghdr,
} from '../../../src/abi/netbsd/msg.js';
import { toLinuxSockaddr, toNetbsdSockaddr } from '../../../src/abi/netbsd/socket.js';
import { decodeNetbsdStat, encodeNetbsdStat, NB_STAT_SIZE } from '../../../src/abi/netbsd/stat.js';
import {
  decodeNetbsdStatvfs,
  encodeNetbsdStatvfs,
  NB_STATVFS_SIZE,
} from '../../../src/abi/netbsd/statvfs.js';
import {
  decodeSysctlNode,
  encodeSysctlNode,
  NB_CTLTYPE_NODE,
  NB_CTLTYPE_STRING,
  NB_SYSCTL_VERS_1,
  NB_SYSCTLNODE_SIZE,
  sysctlVersion,
} from '../../../src/abi/netbsd/sysctl.js';
import { fromHex, toHex, viewOf } from './vectors.js';

function zeros(count: number): string {
  return '00'.repeat(count);
}

test('fstat of a file on tmpfs', t => {
  const bytes = fromHex(
    '01ab000000000000a481000000000000224ce8fa9600000001000000000000000000000000000000ffffffffffffffff' +
      'f8f0036b00000000fd4e102d00000000f8f0036b000000007de5a82d00000000f8f0036b000000007de5a82d00000000' +
      'f8f0036b00000000fd4e102d0000000005000000000000000800000000000000001000000000000000000000000000000000000000000000',
  );
  t.is(bytes.length, NB_STAT_SIZE);
  const stat = {} as { -readonly [K in keyof StatFields]: number };
  decodeNetbsdStat(viewOf(bytes), 0, stat);
  const expected: StatFields = {
    dev: makedev(0xab, 1),
    ino: 0x96fae84c22,
    mode: 0o100644,
    nlink: 1,
    uid: 0,
    gid: 0,
    rdev: 0,
    size: 5,
    blksize: 4096,
    blocks: 8,
    atimeSec: 0x6b03f0f8,
    atimeNsec: 0x2d104efd,
    mtimeSec: 0x6b03f0f8,
    mtimeNsec: 0x2da8e57d,
    ctimeSec: 0x6b03f0f8,
    ctimeNsec: 0x2da8e57d,
    btimeSec: 0x6b03f0f8,
    btimeNsec: 0x2d104efd,
    mntId: 0,
  };
  t.deepEqual(stat, expected);
  const again = new Uint8Array(NB_STAT_SIZE).fill(0xaa);
  encodeNetbsdStat(viewOf(again), 0, stat);
  // NODEV where there is no device.
  setInt64(viewOf(again), 40, -1);
  t.is(toHex(again), toHex(bytes));
});

test('getdents of a directory on tmpfs', t => {
  const hex =
    '224ce8fa9600000010000100042e0000234ce8fa9600000010000200042e2e00' +
    '214ce8fa9600000018000300047375620000000000000000204ce8fa96000000100002000a6c6e00' +
    '1f4ce8fa96000000180004000866696c65000000000000001f4ce8fa9600000018000400086861726400000000000000';
  const bytes = fromHex(hex);
  const entries: [string, number, number][] = [];
  decodeNetbsdDirents(bytes, bytes.length, (name, ino, type) => {
    entries.push([name, ino, type]);
  });
  t.deepEqual(entries, [
    ['.', 0x96fae84c22, 4],
    ['..', 0x96fae84c23, 4],
    ['sub', 0x96fae84c21, 4],
    ['ln', 0x96fae84c20, 10],
    ['file', 0x96fae84c1f, 8],
    ['hard', 0x96fae84c1f, 8],
  ]);
  const again = new Uint8Array(bytes.length);
  let at = 0;
  for (const [name, ino, type] of entries) at += encodeNetbsdDirent(again, at, name, ino, type);
  t.is(at, bytes.length);
  t.is(toHex(again), hex);
});

test('statvfs1 of a tmpfs', t => {
  const bytes = fromHex(
    '0010000000000000001000000000000000100000000000000010000000000000010002000000000000000200000000000000020000000000' +
      `${zeros(8)}0aed25000000000009ed25000000000009ed250000000000${zeros(40)}` +
      `01ab0000ab69000001ab000000000000ff00000000000000${zeros(20)}` +
      `746d706673${zeros(27)}2f746d70${zeros(1020)}746d706673${zeros(1019)}${zeros(4)}`,
  );
  t.is(bytes.length, NB_STATVFS_SIZE);
  const fs = decodeNetbsdStatvfs(bytes, 0);
  t.deepEqual(fs, {
    flag: 0x1000,
    bsize: 4096,
    frsize: 4096,
    iosize: 4096,
    blocks: 0x20001,
    bfree: 0x20000,
    bavail: 0x20000,
    bresvd: 0,
    files: 0x25ed0a,
    ffree: 0x25ed09,
    favail: 0x25ed09,
    fresvd: 0,
    fsidx: [0xab01, 0x69ab],
    fsid: 0xab01,
    namemax: 255,
    owner: 0,
    fstypename: 'tmpfs',
    mntonname: '/tmp',
    mntfromname: 'tmpfs',
  });
  const again = new Uint8Array(NB_STATVFS_SIZE).fill(0xaa);
  encodeNetbsdStatvfs(again, 0, fs);
  t.is(toHex(again), toHex(bytes));
});

test('nodes of sysctl', t => {
  const kern = fromHex(
    '01020001010000006b65726e00000000000000000000000000000000000000000000000000000000ca01000000000000' +
      '200000001f00000008d0171af155000060000000000000000000000000000000208340c27c7f00000000000000000000',
  );
  const osrelease = fromHex(
    '03020001020000006f7372656c656173650000000000000000000000000000000000000000000000210000000000000028f43dc27c7f0000' +
      '00000000000000000800000000000000000000000000000008e8151af15500000000000000000000',
  );
  const hostname = fromHex(
    '730200010a000000686f73746e616d650000000000000000000000000000000000000000000000002400000000000000403342c27c7f0000' +
      '00000000000000000001000000000000207d3ac27c7f000008e8151af15500000000000000000000',
  );
  for (const bytes of [kern, osrelease, hostname]) {
    t.is(bytes.length, NB_SYSCTLNODE_SIZE);
    t.is(sysctlVersion(viewOf(bytes), 0), NB_SYSCTL_VERS_1);
    const node = decodeSysctlNode(bytes, 0);
    const again = new Uint8Array(NB_SYSCTLNODE_SIZE).fill(0xaa);
    encodeSysctlNode(again, 0, node);
    t.is(toHex(again.subarray(0, 40)), toHex(bytes.subarray(0, 40)));
    t.is(getInt64(viewOf(again), 64), getInt64(viewOf(bytes), 64));
  }
  t.deepEqual(decodeSysctlNode(kern, 0), {
    num: 1,
    type: NB_CTLTYPE_NODE,
    writable: false,
    name: 'kern',
    size: NB_SYSCTLNODE_SIZE,
  });
  t.deepEqual(decodeSysctlNode(osrelease, 0), {
    num: 2,
    type: NB_CTLTYPE_STRING,
    writable: false,
    name: 'osrelease',
    size: 8,
  });
  t.deepEqual(decodeSysctlNode(hostname, 0), {
    num: 10,
    type: NB_CTLTYPE_STRING,
    writable: true,
    name: 'hostname',
    size: 256,
  });
});

test('addresses', t => {
  const pairs: [string, string][] = [
    // bind and getsockname of TCP, recvfrom of UDP, bind of a local socket, getsockname of ping6.
    ['100210927f0000010000000000000000', '020010927f0000010000000000000000'],
    ['1002ef997f0000010000000000000000', '0200ef997f0000010000000000000000'],
    ['0e012f746d702f7472736f636b00', '01002f746d702f7472736f636b00'],
    [
      '1c18f187000000000000000000000000000000000000000100000000',
      '0a00f187000000000000000000000000000000000000000100000000',
    ],
  ];
  for (const [netbsd, linux] of pairs) {
    t.is(toHex(toLinuxSockaddr(fromHex(netbsd)) ?? new Uint8Array()), linux);
    t.is(toHex(toNetbsdSockaddr(fromHex(linux)) ?? new Uint8Array()), netbsd);
  }
});

test('recvmsg of ping6', t => {
  const header = fromHex(
    'c08ee4fdfe7f00001c00000000000000e08ee4fdfe7f00000100000000000000608fe4fdfe7f00004000000000000000',
  );
  const message = decodeNetbsdMsghdr(viewOf(header), 0);
  t.deepEqual(message, {
    name: 0x7ffefde48ec0,
    nameLength: 28,
    iov: 0x7ffefde48ee0,
    iovCount: 1,
    control: 0x7ffefde48f60,
    controlLength: 64,
    flags: 0,
  });
  const again = new Uint8Array(header.length).fill(0xaa);
  encodeNetbsdMsghdr(viewOf(again), 0, message);
  t.is(toHex(again), toHex(header));

  const iovec = fromHex('0005bd2d000000003801000000000000');
  const { base, length } = decodeNetbsdIovec(viewOf(iovec), 0);
  t.deepEqual([base, length], [0x2dbd0500, 0x138]);
  encodeNetbsdIovec(viewOf(again), 0, base, length);
  t.is(toHex(again.subarray(0, 16)), toHex(iovec));

  // IPV6_PKTINFO and IPV6_HOPLIMIT, each padded to 8.
  const control = fromHex(
    '24000000290000002e00000000000000000000000000000000000000000000010100000000000000' +
      '14000000290000002f000000000000004000000000000000',
  );
  const messages = decodeNetbsdControl(control);
  t.deepEqual(
    messages?.map(({ level, type, data }) => [level, type, toHex(data)]),
    [
      [41, 46, '0000000000000000000000000000000101000000'],
      [41, 47, '40000000'],
    ],
  );
  t.is(toHex(encodeNetbsdControl(messages ?? [])), toHex(control));
});

test('a kevent that was asked for, and the same when three bytes had come', t => {
  const asked = fromHex('03000000000000000000000001000000000000000000000000000000000000004d00000000000000');
  const told = fromHex('03000000000000000000000001000000000000000000000003000000000000004d00000000000000');
  const event = decodeNetbsdKevent(viewOf(told), 0);
  t.deepEqual(event, { ident: 3, filter: 0, flags: 1, fflags: 0, data: 3, udata: 0x4d });
  const again = new Uint8Array(NB_KEVENT_SIZE).fill(0xaa);
  encodeNetbsdKevent(viewOf(again), 0, { ...event, data: 0 });
  t.is(toHex(again), toHex(asked));
});
