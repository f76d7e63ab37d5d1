/** Two servers' answers side by side: what may differ from run to run is taken out, each kind of struct by its own rules. */
import { NB } from '../../../src/abi/netbsd/nr.js';
import { decodeNetbsdStatvfs, NB_STATVFS_SIZE } from '../../../src/abi/netbsd/statvfs.js';
import { decodeSysctlNode, NB_SYSCTLNODE_SIZE } from '../../../src/abi/netbsd/sysctl.js';
import type { Answer, Chunk } from './replay.js';

/** Results that are numbers of the run: process ids. */
const PIDS = new Set<number>([NB.getpid]);
const STATS = new Set<number>([NB.__stat50, NB.__lstat50, NB.__fstat50]);
const TIMES = new Set<number>([NB.__clock_gettime50, NB.__gettimeofday50]);
const STATVFS = new Set<number>([NB.statvfs1, NB.fstatvfs1, NB.getvfsstat]);

/** An answer as text, equal for answers that mean the same. */
export function describe(answer: Answer): string {
  const { nr, outcome, values, raised } = answer;
  const parts = [`${answer.key} call ${nr}: ${outcome}`];
  parts.push(PIDS.has(nr) ? `pid, ${values[1]}` : values.join(', '));
  if (raised.length > 0) parts.push(`raises ${raised.join(' ')}`);
  for (const chunk of answer.copyouts) parts.push(`${chunk.address.toString(16)}: ${contents(nr, chunk)}`);
  return parts.join('; ');
}

function contents(nr: number, { bytes }: Chunk): string {
  if (STATS.has(nr) && bytes.length === 152) return stat(bytes);
  if (TIMES.has(nr)) return `${bytes.length} bytes of time`;
  if (STATVFS.has(nr)) return statvfs(bytes);
  if (nr === NB.__getdents30) return dirents(bytes);
  if (nr === NB.__sysctl) return sysctl(bytes);
  return bytes.length > 64 ? `${bytes.length} bytes, sum ${sum(bytes)}` : bytes.toString('hex');
}

function sum(bytes: Buffer): number {
  return bytes.reduce((total, byte, i) => (total + byte * (i + 1)) % 2 ** 32, 0);
}

/** Without device and inode numbers, times and padding. */
function stat(bytes: Buffer): string {
  const at32 = [8, 24, 28, 32, 128, 132].map(at => bytes.readUInt32LE(at));
  const at64 = [112, 120].map(at => bytes.readBigUInt64LE(at));
  const [mode, nlink, uid, gid, blksize, flags] = at32;
  return `mode ${mode.toString(8)} nlink ${nlink} ${uid}:${gid} size ${at64[0]} blocks ${at64[1]} blksize ${blksize} flags ${flags}`;
}

/** Names and types in alphabetical order: a directory promises none. */
function dirents(bytes: Buffer): string {
  const entries: string[] = [];
  for (let at = 0; at < bytes.length; at += bytes.readUInt16LE(at + 8)) {
    const name = bytes.subarray(at + 13, at + 13 + bytes.readUInt16LE(at + 10)).toString('latin1');
    entries.push(`${name}(${bytes[at + 12]}, ${bytes.readUInt16LE(at + 8)})`);
  }
  return entries.sort().join(' ');
}

/** Without what depends on the machine's memory, and without identities. */
function statvfs(bytes: Buffer): string {
  const all: string[] = [];
  for (let at = 0; at < bytes.length; at += NB_STATVFS_SIZE) {
    const fs = decodeNetbsdStatvfs(bytes, at);
    all.push(
      `${fs.mntfromname} on ${fs.mntonname} type ${fs.fstypename} flag ${fs.flag.toString(16)} ` +
        `bsize ${fs.bsize} frsize ${fs.frsize} iosize ${fs.iosize} namemax ${fs.namemax} owner ${fs.owner}`,
    );
  }
  return all.join(' + ');
}

/** A list of nodes by what they are (addresses in the kernel aside), a value as it is. */
function sysctl(bytes: Buffer): string {
  if (bytes.length % NB_SYSCTLNODE_SIZE !== 0 || bytes.length === 0)
    return bytes.length > 16 ? `${bytes.length} bytes` : bytes.toString('hex');
  const nodes: string[] = [];
  for (let at = 0; at < bytes.length; at += NB_SYSCTLNODE_SIZE) {
    const { num, name, type } = decodeSysctlNode(bytes, at);
    nodes.push(`${num}=${name}(${type})`);
  }
  return nodes.join(' ');
}
