/** __sysctl(2) over the kernel's tree: values, lists of nodes (CTL_QUERY), processes, random bytes. */
import { randomBytes } from 'node:crypto';
import { EINVAL, EISDIR, ENOENT, ENOMEM, ENOTDIR, EPERM } from '../../../abi/linux/errno.js';
import { NB_AF_ROUTE } from '../../../abi/netbsd/socket.js';
import {
  encodeKinfoProc2,
  encodeSysctlNode,
  NB_CTL_KERN,
  NB_CTL_MAXNAME,
  NB_CTL_NET,
  NB_CTL_QUERY,
  NB_CTLTYPE_BOOL,
  NB_CTLTYPE_INT,
  NB_CTLTYPE_NODE,
  NB_CTLTYPE_QUAD,
  NB_CTLTYPE_STRING,
  NB_CTLTYPE_STRUCT,
  NB_KERN_ARND,
  NB_KERN_PROC_ALL,
  NB_KERN_PROC_PID,
  NB_KERN_PROC2,
  NB_KINFO_PROC2_SIZE,
  NB_SYSCTL_VERS_1,
  NB_SYSCTLNODE_SIZE,
  sysctlVersion,
} from '../../../abi/netbsd/sysctl.js';
import type { SysctlNode, SysctlTree, SysctlType, SysctlValue } from '../../../kernel/parts/sysctl.js';
import type { Call, Steps } from '../call.js';
import { routeList } from '../route_lists.js';

/** Nodes that NetBSD has not numbered get numbers from here on (CREATE_BASE). */
const CREATE_BASE = 1024;
/** kern.arandom gives at most this. */
const RANDOM_MAX = 256;
/** Longest new value. */
const NEW_MAX = 4096;

const TYPES: Readonly<Record<SysctlType, number>> = {
  int: NB_CTLTYPE_INT,
  quad: NB_CTLTYPE_QUAD,
  string: NB_CTLTYPE_STRING,
  bool: NB_CTLTYPE_BOOL,
  timespec: NB_CTLTYPE_STRUCT,
};

/** A value as the struct that a C program reads. */
function encode(type: SysctlType, value: SysctlValue): Uint8Array {
  if (typeof value === 'string') return Buffer.from(`${value}\0`, 'latin1');
  if (typeof value === 'object') return new Uint8Array(BigInt64Array.from(value.map(BigInt)).buffer);
  if (type === 'quad') return new Uint8Array(BigInt64Array.of(BigInt(value)).buffer);
  return type === 'bool' ? Uint8Array.of(value) : new Uint8Array(Int32Array.of(value).buffer);
}

/** A C program's new value, or undefined when it has the wrong size. */
function decode(type: SysctlType, bytes: Uint8Array): SysctlValue | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (type) {
    case 'string': {
      const end = bytes.indexOf(0);
      return Buffer.from(bytes.subarray(0, end < 0 ? bytes.length : end)).toString('latin1');
    }
    case 'int':
      return bytes.length === 4 ? view.getInt32(0, true) : undefined;
    case 'quad':
      return bytes.length === 8 ? Number(view.getBigInt64(0, true)) : undefined;
    case 'bool':
      return bytes.length === 1 ? bytes[0] : undefined;
    default:
      return undefined;
  }
}

const below = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** Numbers of a directory's entries: NetBSD's, or ones from CREATE_BASE on in the order of the tree. */
function numbered(tree: SysctlTree, path: string): [string, number][] {
  let next = CREATE_BASE;
  return (tree.list(path) ?? []).map(name => [name, tree.num(below(path, name)) ?? next++]);
}

/** The path that numbers lead to, or undefined. */
function pathOf(tree: SysctlTree, numbers: readonly number[]): string | undefined {
  let path = '';
  for (const number of numbers) {
    const entry = numbered(tree, path).find(([, num]) => num === number);
    if (entry === undefined) return undefined;
    path = below(path, entry[0]);
  }
  return path;
}

function query(tree: SysctlTree, path: string): Uint8Array {
  const entries = numbered(tree, path).sort((a, b) => a[1] - b[1]);
  const bytes = new Uint8Array(entries.length * NB_SYSCTLNODE_SIZE);
  entries.forEach(([name, num], i) => {
    const leaf = tree.node(below(path, name));
    encodeSysctlNode(bytes, i * NB_SYSCTLNODE_SIZE, {
      num,
      name,
      type: leaf === undefined ? NB_CTLTYPE_NODE : TYPES[leaf.type],
      writable: leaf?.set !== undefined,
      size: leaf === undefined ? 0 : encode(leaf.type, leaf.get()).length,
    });
  });
  return bytes;
}

/** kern.proc2.what.which.size.count: all processes, or one. */
function processes(call: Call, rest: readonly number[]): Uint8Array | number {
  const [what = -1, which = 0, size = 0, count = 0] = rest;
  if (rest.length !== 4 || size <= 0) return -EINVAL;
  if (what !== NB_KERN_PROC_ALL && what !== NB_KERN_PROC_PID) return -EINVAL;
  const all = [...call.session.state.processes.all()].filter(
    process => what === NB_KERN_PROC_ALL || process.pid === which,
  );
  const element = Math.min(size, NB_KINFO_PROC2_SIZE);
  const shown = call.ulong(2) === 0 ? all : all.slice(0, Math.max(count, 0));
  const bytes = new Uint8Array(shown.length * element);
  const whole = new Uint8Array(NB_KINFO_PROC2_SIZE);
  shown.forEach((process, i) => {
    const { pid, comm, user } = process;
    encodeKinfoProc2(whole, 0, { pid, ppid: 1, uid: user.effective, comm });
    bytes.set(whole.subarray(0, element), i * element);
  });
  return bytes;
}

/** What a name stands for now. */
interface Found {
  readonly value: Uint8Array;
  /** What a reader without room is told, when that is not the value's length. */
  readonly estimate?: number;
  readonly node?: SysctlNode;
}

function find(call: Call, numbers: readonly number[], room: number): Found | number {
  const tree = call.session.state.sysctl;
  if (numbers[0] === NB_CTL_KERN && numbers[1] === NB_KERN_ARND)
    return numbers.length > 2 ? -ENOTDIR : { value: randomBytes(Math.min(Math.max(room, 4), RANDOM_MAX)) };
  if (numbers[0] === NB_CTL_KERN && numbers[1] === NB_KERN_PROC2) {
    const value = processes(call, numbers.slice(2));
    return typeof value === 'number' ? value : { value };
  }
  if (numbers[0] === NB_CTL_NET && numbers[1] === NB_AF_ROUTE && numbers[2] === 0 && numbers.length > 3) {
    const messages = routeList(call.kernel, numbers.slice(3), call.ulong(4) !== 0);
    if (typeof messages === 'number') return messages;
    const value = Buffer.concat(messages);
    // A tenth more, since the table may grow until it is read (sysctl_rtable() of rtsock.c).
    return { value, estimate: Math.floor((value.length * 11) / 10) };
  }
  if (numbers.at(-1) === NB_CTL_QUERY) {
    const path = pathOf(tree, numbers.slice(0, -1));
    if (path === undefined) return -ENOENT;
    return tree.node(path) === undefined ? { value: query(tree, path) } : -ENOTDIR;
  }
  const path = pathOf(tree, numbers);
  if (path === undefined) return -ENOENT;
  const node = tree.node(path);
  return node === undefined ? -EISDIR : { value: encode(node.type, node.get()), node };
}

export function* sysctl(call: Call): Steps {
  const count = call.uint(1);
  const [oldAt, oldLengthAt, newAt, newLength] = [2, 3, 4, 5].map(slot => call.ulong(slot));
  let room = 0;
  if (oldLengthAt !== 0) {
    const bytes = yield* call.copyin(oldLengthAt, 8);
    room = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  }
  if (count < 1 || count > NB_CTL_MAXNAME) return -EINVAL;
  const name = yield* call.copyin(call.ulong(0), count * 4);
  const view = new DataView(name.buffer, name.byteOffset, name.length);
  const numbers = Array.from({ length: count }, (_, i) => view.getInt32(i * 4, true));
  const isQuery = numbers.at(-1) === NB_CTL_QUERY;
  if (isQuery) {
    const refused = yield* checkQuery(call, newAt, newLength);
    if (refused < 0) return refused;
  }
  const found = find(call, numbers, room);
  if (typeof found === 'number') return found;
  const changes = newAt !== 0 && !isQuery;
  let changed: SysctlValue | undefined;
  if (changes) {
    const value = yield* newValue(call, found.node, newAt, newLength);
    if (typeof value === 'object' && 'errno' in value) return value.errno;
    changed = value;
  }
  const result = give(call, found, { oldAt, oldLengthAt, room, isQuery });
  if (changed !== undefined && found.node?.set !== undefined) {
    const status = found.node.set(changed);
    if (status < 0) return status;
  }
  return result;
}

/** A query comes with a node whose version says which struct is wanted. */
function* checkQuery(call: Call, newAt: number, newLength: number): Steps {
  if (newAt === 0) return 0;
  const flags = yield* call.copyin(newAt, 4);
  const version = sysctlVersion(new DataView(flags.buffer, flags.byteOffset), 0);
  if (version !== NB_SYSCTL_VERS_1 || newLength !== NB_SYSCTLNODE_SIZE) return -EINVAL;
  yield* call.copyin(newAt, NB_SYSCTLNODE_SIZE);
  return 0;
}

function* newValue(
  call: Call,
  node: SysctlNode | undefined,
  at: number,
  length: number,
): Steps<SysctlValue | { errno: number }> {
  if (node?.set === undefined || call.process.user.effective !== 0) return { errno: -EPERM };
  if (length > NEW_MAX) return { errno: -EINVAL };
  const bytes = yield* call.copyin(at, length);
  return decode(node.type, bytes) ?? { errno: -EINVAL };
}

interface Target {
  readonly oldAt: number;
  readonly oldLengthAt: number;
  readonly room: number;
  readonly isQuery: boolean;
}

/** The old value, as much as there is room for, and its whole length. ENOMEM when it was cut; whole nodes only. */
function give(call: Call, { value, estimate }: Found, { oldAt, oldLengthAt, room, isQuery }: Target): number {
  if (oldAt !== 0) {
    const unit = isQuery ? NB_SYSCTLNODE_SIZE : 1;
    const fits = Math.min(value.length, Math.floor(room / unit) * unit);
    const step = isQuery ? NB_SYSCTLNODE_SIZE : Math.max(fits, 1);
    for (let from = 0; from < fits; from += step)
      call.copyout(oldAt + from, value.subarray(from, from + step));
  }
  if (oldLengthAt !== 0) {
    const whole = oldAt === 0 && estimate !== undefined ? estimate : value.length;
    const cut = oldAt !== 0 && !isQuery ? Math.min(value.length, room) : whole;
    call.copyout(oldLengthAt, new Uint8Array(BigInt64Array.of(BigInt(cut)).buffer));
  }
  return oldAt !== 0 && room < value.length ? -ENOMEM : 0;
}
