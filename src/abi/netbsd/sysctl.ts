/** __sysctl(2) of NetBSD (sys/sysctl.h): names, and the nodes that CTL_QUERY lists. */
import { setInt64 } from '../bytes.js';

export const NB_CTL_KERN = 1;
export const NB_CTL_VM = 2;
export const NB_CTL_VFS = 3;
export const NB_CTL_NET = 4;
export const NB_CTL_HW = 6;
export const NB_CTL_QUERY = -2;
export const NB_CTL_MAXNAME = 12;

export const NB_KERN_OSTYPE = 1;
export const NB_KERN_OSRELEASE = 2;
export const NB_KERN_OSREV = 3;
export const NB_KERN_VERSION = 4;
export const NB_KERN_HOSTNAME = 10;
export const NB_KERN_PROC2 = 47;
export const NB_KERN_ARND = 81;
/** kern.proc2.WHAT.WHICH.SIZE.COUNT */
export const NB_KERN_PROC_ALL = 0;
export const NB_KERN_PROC_PID = 1;
export const NB_HW_MACHINE = 1;
export const NB_HW_MODEL = 2;
export const NB_HW_NCPU = 3;
export const NB_HW_BYTEORDER = 4;
export const NB_HW_PAGESIZE = 7;

export const NB_SYSCTL_VERS_1 = 0x01000000;
const VERS_MASK = 0xff000000;
export const NB_CTLTYPE_NODE = 1;
export const NB_CTLTYPE_INT = 2;
export const NB_CTLTYPE_STRING = 3;
export const NB_CTLTYPE_QUAD = 4;
export const NB_CTLTYPE_STRUCT = 5;
export const NB_CTLTYPE_BOOL = 6;
const TYPE_MASK = 0xf;
export const NB_CTLFLAG_READWRITE = 0x70;
/** A node that nobody may remove, as nearly all are. */
const CTLFLAG_PERMANENT = 0x200;

export const NB_SYSCTLNODE_SIZE = 96;
/** SYSCTL_NAMELEN */
const NAME_ROOM = 32;
const NODE_NAME = 8;
const NODE_VER = 40;
const NODE_SIZE = 64;

export interface SysctlNode {
  /** The number within its parent. */
  num: number;
  /** NB_CTLTYPE_*. */
  type: number;
  writable: boolean;
  name: string;
  /** Bytes of the value. */
  size: number;
}

/** Writes a struct sysctlnode; pointers are 0. */
export function encodeSysctlNode(bytes: Uint8Array, at: number, node: SysctlNode): void {
  bytes.fill(0, at, at + NB_SYSCTLNODE_SIZE);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const flags = NB_SYSCTL_VERS_1 | CTLFLAG_PERMANENT | node.type | (node.writable ? NB_CTLFLAG_READWRITE : 0);
  view.setUint32(at, flags >>> 0, true);
  view.setInt32(at + 4, node.num, true);
  for (let i = 0; i < Math.min(node.name.length, NAME_ROOM - 1); i++)
    bytes[at + NODE_NAME + i] = node.name.charCodeAt(i);
  view.setUint32(at + NODE_VER, node.num, true);
  setInt64(view, at + NODE_SIZE, node.size);
}

export function decodeSysctlNode(bytes: Uint8Array, at: number): SysctlNode {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const flags = view.getUint32(at, true);
  const end = bytes.indexOf(0, at + NODE_NAME);
  const stop = end < 0 || end > at + NODE_NAME + NAME_ROOM ? at + NODE_NAME + NAME_ROOM : end;
  return {
    num: view.getInt32(at + 4, true),
    type: flags & TYPE_MASK,
    writable: (flags & NB_CTLFLAG_READWRITE) === NB_CTLFLAG_READWRITE,
    name: Buffer.from(bytes.buffer, bytes.byteOffset + at + NODE_NAME, stop - at - NODE_NAME).toString(
      'latin1',
    ),
    size: Number(view.getBigUint64(at + NODE_SIZE, true)),
  };
}

/** A node's version as a query has it in its flags: a query of another version is refused. */
export function sysctlVersion(view: DataView, at: number): number {
  return (view.getUint32(at, true) & VERS_MASK) >>> 0;
}

// struct kinfo_proc2, as far as ps(1) needs it.

/** sizeof(struct kinfo_proc2) of NetBSD 7.99/amd64. */
export const NB_KINFO_PROC2_SIZE = 680;
const P_FLAG = 112;
const P_PID = 116;
const P_PPID = 120;
const P_SID = 124;
const P_PGID = 128;
const P_UID = 136;
const P_COMM = 368;
/** KI_MAXCOMLEN */
const COMM_ROOM = 24;

export interface ProcessInfo {
  pid: number;
  ppid: number;
  uid: number;
  comm: string;
}

export function encodeKinfoProc2(bytes: Uint8Array, at: number, process: ProcessInfo): void {
  bytes.fill(0, at, at + NB_KINFO_PROC2_SIZE);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  view.setInt32(at + P_FLAG, 0, true);
  view.setInt32(at + P_PID, process.pid, true);
  view.setInt32(at + P_PPID, process.ppid, true);
  view.setInt32(at + P_SID, process.pid, true);
  view.setInt32(at + P_PGID, process.pid, true);
  view.setUint32(at + P_UID, process.uid, true);
  view.setUint32(at + P_UID + 4, process.uid, true);
  for (let i = 0; i < Math.min(process.comm.length, COMM_ROOM - 1); i++)
    bytes[at + P_COMM + i] = process.comm.charCodeAt(i);
}

export function decodeKinfoProc2(bytes: Uint8Array, at: number): ProcessInfo {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = bytes.indexOf(0, at + P_COMM);
  const stop = end < 0 || end > at + P_COMM + COMM_ROOM ? at + P_COMM + COMM_ROOM : end;
  return {
    pid: view.getInt32(at + P_PID, true),
    ppid: view.getInt32(at + P_PPID, true),
    uid: view.getUint32(at + P_UID, true),
    comm: Buffer.from(bytes.buffer, bytes.byteOffset + at + P_COMM, stop - at - P_COMM).toString('latin1'),
  };
}
