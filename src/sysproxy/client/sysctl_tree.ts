/** A remote kernel's sysctl tree: its nodes are learnt once, values are fetched when they are wanted. */
import { EINVAL, ENOENT, EPERM } from '../../abi/linux/errno.js';
import { NB } from '../../abi/netbsd/nr.js';
import {
  decodeSysctlNode,
  encodeSysctlNode,
  NB_CTL_MAXNAME,
  NB_CTL_QUERY,
  NB_CTLTYPE_BOOL,
  NB_CTLTYPE_INT,
  NB_CTLTYPE_NODE,
  NB_CTLTYPE_QUAD,
  NB_CTLTYPE_STRING,
  NB_CTLTYPE_STRUCT,
  NB_SYSCTLNODE_SIZE,
  type SysctlNode as WireNode,
} from '../../abi/netbsd/sysctl.js';
import { parseSysctl, SysctlTree, type SysctlType, type SysctlValue } from '../../kernel/parts/sysctl.js';
import { andThen, then } from '../../kernel/results.js';
import type { Result } from '../../kernel/rump_kernel.js';
import type { SysCall } from './syscall.js';

/** Longest value that is shown, bytes. */
const VALUE_MAX = 4096;
/** Room for the nodes of one directory. */
const QUERY_NODES = 256;

/** What /proc/sys can show of NetBSD's types; other structs have no text. */
const TYPES: Readonly<Record<number, SysctlType>> = {
  [NB_CTLTYPE_INT]: 'int',
  [NB_CTLTYPE_QUAD]: 'quad',
  [NB_CTLTYPE_STRING]: 'string',
  [NB_CTLTYPE_BOOL]: 'bool',
};
/** The one struct with a text: a struct timespec. */
const TIMESPEC_NODE = 'kern.boottime';

/**
 * Bytes that are asked for. Exactly a number's size: some nodes make up as much as there is room for, and refuse more than they
 * can (E2BIG of kern.arandom).
 */
const SIZES: Readonly<Record<SysctlType, number>> = {
  int: 4,
  quad: 8,
  string: VALUE_MAX,
  bool: 1,
  timespec: 16,
};

/** Makes calls of the process that is asking. */
export interface SysctlCalls {
  begin(nr: number): SysCall;
  submit(call: SysCall): Result;
}

interface Leaf {
  readonly numbers: readonly number[];
  readonly type: SysctlType;
  readonly writable: boolean;
  value: SysctlValue;
}

export class RemoteSysctl {
  /** As far as it has been learnt; values are those that were fetched last. */
  readonly tree = new SysctlTree();
  readonly #leaves = new Map<string, Leaf>();
  #known = false;

  /** Learns all names, once. 0 or -errno. */
  learn(calls: SysctlCalls): Result {
    if (this.#known) return 0;
    return andThen(this.#walk(calls, '', []), () => {
      this.#known = true;
      return 0;
    });
  }

  /** Fetches the value at a path of names with dots between, if it is a leaf. 0 or -errno. */
  fetch(calls: SysctlCalls, path: string): Result {
    const leaf = this.#leaves.get(path);
    if (leaf === undefined) return 0;
    const bytes = new Uint8Array(SIZES[leaf.type]);
    return andThen(this.#read(calls, leaf.numbers, bytes), length => {
      leaf.value = decodeValue(leaf.type, bytes, length);
      return 0;
    });
  }

  /** Sets a value from its text: 0, -ENOENT, -EPERM, -EINVAL, or what the server says. */
  store(calls: SysctlCalls, path: string, text: string): Result {
    const leaf = this.#leaves.get(path);
    if (leaf === undefined) return -ENOENT;
    if (!leaf.writable) return -EPERM;
    const value = parseSysctl(leaf.type, text);
    if (value === undefined) return -EINVAL;
    const bytes = encodeValue(leaf.type, value);
    const call = calls.begin(NB.__sysctl);
    this.#name(call, leaf.numbers);
    return calls.submit(call.nil().nil().buffer(bytes).long(bytes.length));
  }

  #name(call: SysCall, numbers: readonly number[]): void {
    const at = call.reserve(numbers.length * 4);
    numbers.forEach((number, i) => {
      call.view.setInt32(at + i * 4, number, true);
    });
    call.pointer(at).int(numbers.length);
  }

  /** Reads a value into `out`: its length. */
  #read(calls: SysctlCalls, numbers: readonly number[], out: Uint8Array, query?: Uint8Array): Result {
    const call = calls.begin(NB.__sysctl);
    this.#name(call, numbers);
    call.buffer(out);
    const length = call.reserve(8);
    call.view.setUint32(length, out.length, true);
    call.pointer(length);
    if (query === undefined) call.nil().long(0);
    else call.buffer(query).long(query.length);
    call.finish = done => (done.result < 0 ? done.result : done.view.getUint32(length, true));
    return calls.submit(call);
  }

  #walk(calls: SysctlCalls, path: string, numbers: readonly number[]): Result {
    if (numbers.length + 1 >= NB_CTL_MAXNAME) return 0;
    const out = new Uint8Array(QUERY_NODES * NB_SYSCTLNODE_SIZE);
    const query = new Uint8Array(NB_SYSCTLNODE_SIZE);
    encodeSysctlNode(query, 0, { num: 0, name: '', type: 0, writable: false, size: 0 });
    return then(this.#read(calls, [...numbers, NB_CTL_QUERY], out, query), length => {
      // What may not be listed is not shown.
      const nodes: WireNode[] = [];
      for (let at = 0; at + NB_SYSCTLNODE_SIZE <= Math.min(length, out.length); at += NB_SYSCTLNODE_SIZE)
        nodes.push(decodeSysctlNode(out, at));
      return this.#add(calls, path, numbers, nodes);
    });
  }

  #add(calls: SysctlCalls, path: string, numbers: readonly number[], nodes: readonly WireNode[]): Result {
    return nodes.reduce<Result>((before, node) => {
      const below = path === '' ? node.name : `${path}.${node.name}`;
      const name = [...numbers, node.num];
      if (node.type === NB_CTLTYPE_NODE) return then(before, () => this.#walk(calls, below, name));
      const type = typeOf(below, node);
      if (type !== undefined && node.name !== '') this.#addLeaf(below, name, type, node);
      return before;
    }, 0);
  }

  #addLeaf(path: string, numbers: readonly number[], type: SysctlType, node: WireNode): void {
    const leaf: Leaf = { numbers, type, writable: node.writable, value: type === 'string' ? '' : 0 };
    this.#leaves.set(path, leaf);
    const shown = { type, num: node.num, get: () => leaf.value };
    // Writes do not come this way: the client sends them to the server.
    this.tree.add(path, leaf.writable ? { ...shown, set: () => -EPERM } : shown, numbers.slice(0, -1));
  }
}

function typeOf(path: string, node: WireNode): SysctlType | undefined {
  const isTimespec =
    path === TIMESPEC_NODE && node.type === NB_CTLTYPE_STRUCT && node.size === SIZES.timespec;
  return isTimespec ? 'timespec' : TYPES[node.type];
}

function decodeValue(type: SysctlType, bytes: Uint8Array, length: number): SysctlValue {
  const view = new DataView(bytes.buffer);
  if (type === 'string') {
    const end = bytes.indexOf(0);
    return Buffer.from(bytes.buffer, 0, end < 0 || end > length ? length : end).toString('latin1');
  }
  if (type === 'quad') return Number(view.getBigInt64(0, true));
  if (type === 'timespec') return [Number(view.getBigInt64(0, true)), Number(view.getBigInt64(8, true))];
  return type === 'bool' ? bytes[0] : view.getInt32(0, true);
}

function encodeValue(type: SysctlType, value: SysctlValue): Uint8Array {
  if (typeof value === 'string') return Buffer.from(`${value}\0`, 'latin1');
  const number = typeof value === 'number' ? value : 0;
  if (type === 'quad') return new Uint8Array(BigInt64Array.of(BigInt(number)).buffer);
  return type === 'bool' ? Uint8Array.of(number) : new Uint8Array(Int32Array.of(number).buffer);
}
