/** sysctl: the kernel's tree of settings, in the words of NetBSD's sysctl(8). */
import {
  decodeSysctlNode,
  NB_CTL_MAXNAME,
  NB_CTL_QUERY,
  NB_CTLTYPE_BOOL,
  NB_CTLTYPE_INT,
  NB_CTLTYPE_NODE,
  NB_CTLTYPE_QUAD,
  NB_CTLTYPE_STRING,
  NB_CTLTYPE_STRUCT,
  NB_SYSCTL_VERS_1,
  NB_SYSCTLNODE_SIZE,
  type SysctlNode,
} from '../../abi/netbsd/sysctl.js';
import { decodeNetbsdTimespec, NB_TIMESPEC_SIZE } from '../../abi/netbsd/time.js';
import { CallError, Refusal } from './errors.js';
import { ctime } from './format.js';
import type { Session } from './session.js';
import type { Flags, Tool } from './tool.js';

const LEVELS = 'top second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth'.split(' ');
/** The structs that are instants. */
const INSTANTS = ['kern.boottime'];

/** A node that was found by its name. */
interface Found {
  readonly name: string;
  readonly numbers: readonly number[];
  readonly node: SysctlNode;
}

export function sysctl(tool: Tool, args: readonly string[], flags: Flags): void {
  const isAll = flags.a === true;
  if (!isAll && args.length === 0) throw new Refusal('name a variable, or use -a for all of them');
  const bare = flags.n === true;
  if (isAll) show(tool, [], '', bare);
  for (const arg of args) {
    const equals = arg.indexOf('=');
    if (equals < 0) showNamed(tool, arg, bare);
    else assign(tool, arg.slice(0, equals).trimEnd(), arg.slice(equals + 1), bare);
  }
}

/** The nodes below one; none below a leaf. */
function children(session: Session, numbers: readonly number[]): SysctlNode[] {
  if (numbers.length >= NB_CTL_MAXNAME) return [];
  const version = new Uint8Array(NB_SYSCTLNODE_SIZE);
  new DataView(version.buffer).setUint32(0, NB_SYSCTL_VERS_1, true);
  const bytes = session.sysctl([...numbers, NB_CTL_QUERY], version);
  const nodes: SysctlNode[] = [];
  for (let at = 0; at + NB_SYSCTLNODE_SIZE <= bytes.length; at += NB_SYSCTLNODE_SIZE)
    nodes.push(decodeSysctlNode(bytes, at));
  return nodes;
}

/** Throws Refusal, as sysctl(8) words it. */
function find(session: Session, name: string): Found {
  const words = name.split('.');
  const numbers: number[] = [];
  let node: SysctlNode | undefined;
  words.forEach((word, level) => {
    const isNode = node === undefined || node.type === NB_CTLTYPE_NODE;
    node = isNode ? children(session, numbers).find(child => child.name === word) : undefined;
    if (node === undefined)
      throw new Refusal(`${LEVELS[level] ?? 'last'} level name '${word}' in '${name}' is invalid`);
    numbers.push(node.num);
  });
  if (node === undefined) throw new Refusal(`top level name '${name}' in '${name}' is invalid`);
  return { name, numbers, node };
}

function showNamed(tool: Tool, name: string, bare: boolean): void {
  tool.attempt(name, () => {
    const { numbers, node } = find(tool.session, name);
    if (node.type === NB_CTLTYPE_NODE) return show(tool, numbers, name, bare);
    const text = value(tool.session, numbers, node, name);
    if (text === undefined) throw new Refusal(`${name}: a value of this kind cannot be shown`);
    tool.out.line(bare ? text : `${name} = ${text}`);
  });
}

/** Everything below a node that can be shown; what cannot be read is left out. */
function show(tool: Tool, numbers: readonly number[], name: string, bare: boolean): void {
  const nodes = unlessRefused(() => children(tool.session, numbers)) ?? [];
  for (const node of nodes) {
    const [below, path] = [[...numbers, node.num], name === '' ? node.name : `${name}.${node.name}`];
    if (node.type === NB_CTLTYPE_NODE) {
      show(tool, below, path, bare);
      continue;
    }
    const text = unlessRefused(() => value(tool.session, below, node, path));
    if (text !== undefined) tool.out.line(bare ? text : `${path} = ${text}`);
  }
}

function unlessRefused<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof CallError) return undefined;
    throw error;
  }
}

/** A value as text; undefined for a struct that nobody knows. */
function value(
  session: Session,
  numbers: readonly number[],
  { type }: SysctlNode,
  name: string,
): string | undefined {
  if (type === NB_CTLTYPE_STRUCT && !INSTANTS.includes(name)) return undefined;
  const bytes = session.sysctl(numbers);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (type === NB_CTLTYPE_STRING) {
    const end = bytes.indexOf(0);
    return Buffer.from(bytes.subarray(0, end < 0 ? bytes.length : end)).toString('latin1');
  }
  if (type === NB_CTLTYPE_BOOL && bytes.length === 1) return String(bytes[0]);
  if (type === NB_CTLTYPE_INT && bytes.length === 4) return String(view.getInt32(0, true));
  if (type === NB_CTLTYPE_QUAD && bytes.length === 8) return String(view.getBigInt64(0, true));
  if (type === NB_CTLTYPE_STRUCT && bytes.length === NB_TIMESPEC_SIZE)
    return ctime(decodeNetbsdTimespec(view, 0).sec);
  return undefined;
}

function assign(tool: Tool, name: string, text: string, bare: boolean): void {
  tool.attempt(name, () => {
    const { numbers, node } = find(tool.session, name);
    const fresh = encode(node, text);
    if (fresh === undefined) throw new Refusal(`${name}: '${text}' is no value for it`);
    const before = unlessRefused(() => value(tool.session, numbers, node, name)) ?? '';
    try {
      tool.session.setSysctl(numbers, fresh);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      throw new Refusal(`${name}: sysctl() failed with ${error.message}`);
    }
    const after = unlessRefused(() => value(tool.session, numbers, node, name)) ?? text;
    tool.out.line(bare ? after : `${name}: ${before} -> ${after}`);
  });
}

/** A new value as the struct that it becomes; undefined for what is none. */
function encode({ type }: SysctlNode, text: string): Uint8Array | undefined {
  if (type === NB_CTLTYPE_STRING) return Buffer.from(`${text}\0`, 'latin1');
  if (!/^-?(0[xX][0-9a-fA-F]+|\d+)$/.test(text)) return undefined;
  const number = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
  const bits = { [NB_CTLTYPE_INT]: 32, [NB_CTLTYPE_QUAD]: 64, [NB_CTLTYPE_BOOL]: 8 }[type];
  if (bits === undefined) return undefined;
  const isBool = type === NB_CTLTYPE_BOOL;
  if (isBool ? number !== 0n && number !== 1n : BigInt.asIntN(bits, number) !== number) return undefined;
  return new Uint8Array(BigInt64Array.of(number).buffer).slice(0, bits / 8);
}
