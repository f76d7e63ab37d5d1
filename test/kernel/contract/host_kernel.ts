import type { Stat, StatFs, TimeSpec, Uio } from '../../../src/kernel/rump_kernel.js';
import {
  AT_FDCWD,
  type Credentials,
  type DirSink,
  type KernelProcess,
  UTIME_NOW,
  UTIME_OMIT,
} from '../../../src/kernel/rump_kernel.js';
import { libcCall } from '../../support/libc.js';

const sys = {
  openat: libcCall('int openat(int at, const uint8_t *path, int flags, int mode)'),
  close: libcCall('int close(int fd)'),
  fcntl: libcCall('int fcntl(int fd, int command, int64_t argument)'),
  pread: libcCall('int64_t pread64(int fd, uint8_t *buf, uint64_t length, int64_t offset)'),
  pwrite: libcCall('int64_t pwrite64(int fd, const uint8_t *buf, uint64_t length, int64_t offset)'),
  read: libcCall('int64_t read(int fd, uint8_t *buf, uint64_t length)'),
  write: libcCall('int64_t write(int fd, const uint8_t *buf, uint64_t length)'),
  lseek: libcCall('int64_t lseek64(int fd, int64_t offset, int whence)'),
  statx: libcCall('int statx(int at, const uint8_t *path, int flags, uint32_t mask, uint8_t *out)'),
  faccessat: libcCall('int faccessat(int at, const uint8_t *path, int mode, int flags)'),
  mkdirat: libcCall('int mkdirat(int at, const uint8_t *path, uint32_t mode)'),
  mknodat: libcCall('int mknodat(int at, const uint8_t *path, uint32_t mode, uint64_t dev)'),
  unlinkat: libcCall('int unlinkat(int at, const uint8_t *path, int flags)'),
  renameat2: libcCall(
    'int renameat2(int at, const uint8_t *path, int newAt, const uint8_t *newPath, uint32_t flags)',
  ),
  linkat: libcCall('int linkat(int at, const uint8_t *path, int newAt, const uint8_t *newPath, int flags)'),
  symlinkat: libcCall('int symlinkat(const uint8_t *target, int at, const uint8_t *path)'),
  readlinkat: libcCall('int64_t readlinkat(int at, const uint8_t *path, uint8_t *out, uint64_t length)'),
  fchmodat: libcCall('int fchmodat(int at, const uint8_t *path, uint32_t mode, int flags)'),
  fchmod: libcCall('int fchmod(int fd, uint32_t mode)'),
  fchownat: libcCall('int fchownat(int at, const uint8_t *path, uint32_t uid, uint32_t gid, int flags)'),
  fchown: libcCall('int fchown(int fd, uint32_t uid, uint32_t gid)'),
  utimensat: libcCall('int utimensat(int at, const uint8_t *path, const int64_t *times, int flags)'),
  ftruncate: libcCall('int ftruncate64(int fd, int64_t length)'),
  fallocate: libcCall('int fallocate64(int fd, int mode, int64_t offset, int64_t length)'),
  fstatfs: libcCall('int fstatfs64(int fd, uint8_t *out)'),
  getdents: libcCall('int64_t getdents64(int fd, uint8_t *out, uint64_t length)'),
  setfsuid: libcCall('int setfsuid(uint32_t uid)'),
  umask: libcCall('int umask(int mask)'),
  unshare: libcCall('int unshare(int flags)'),
  syscall: libcCall('int64_t syscall(int64_t number, int64_t first, int64_t second)'),
  setfsgid: libcCall('int setfsgid(uint32_t gid)'),
};

/** The calls that the contract is written against. */
export type FileCalls = Pick<
  KernelProcess,
  | 'accessAt'
  | 'chmodAt'
  | 'chownAt'
  | 'close'
  | 'dup'
  | 'fallocate'
  | 'fchmod'
  | 'fchown'
  | 'fstat'
  | 'fstatfs'
  | 'ftruncate'
  | 'getDents'
  | 'getStatusFlags'
  | 'linkAt'
  | 'lseek'
  | 'mkdirAt'
  | 'mknodAt'
  | 'openAt'
  | 'pread'
  | 'pwrite'
  | 'read'
  | 'readlinkAt'
  | 'renameAt'
  | 'setCredentials'
  | 'statAt'
  | 'symlinkAt'
  | 'umask'
  | 'unlinkAt'
  | 'utimensAt'
  | 'write'
>;

const SYS_SETGROUPS = 116;
const CLONE_FS = 0x200;

const bytes = (path: string): Buffer => Buffer.from(`${path}\0`, 'latin1');

/** Flags of preadv2(2) and resolve of openat2(2) are not passed on; paths must be relative. */
export class HostProcess implements FileCalls {
  readonly #root: number;

  /** `directory`: an absolute path of the host, where the working directory is. */
  constructor(directory: string) {
    // The umask is this thread's own from now on.
    sys.unshare(CLONE_FS);
    sys.umask(0o022);
    this.#root = sys.openat(AT_FDCWD, bytes(directory), 0o10200000, 0);
    if (this.#root < 0) throw new Error(`${directory}: errno ${-this.#root}`);
  }

  /** Closes the directory. */
  release(): void {
    sys.close(this.#root);
  }

  #at(at: number): number {
    return at === AT_FDCWD ? this.#root : at;
  }

  setCredentials(cred: Credentials): void {
    sys.setfsuid(0);
    // The system call itself is this thread's alone, as setfsuid(2) is; the contract's groups stay empty.
    sys.syscall(SYS_SETGROUPS, 0, 0);
    sys.setfsgid(cred.gid);
    sys.setfsuid(cred.uid);
  }

  openAt(at: number, path: string, flags: number, mode: number, _resolve: number): number {
    return sys.openat(this.#at(at), bytes(path), flags, mode);
  }

  close(fd: number): number {
    return sys.close(fd);
  }

  dup(fd: number, min: number, cloexec: boolean): number {
    return sys.fcntl(fd, cloexec ? 1030 : 0, min);
  }

  getStatusFlags(fd: number): number {
    return sys.fcntl(fd, 3, 0);
  }

  read(fd: number, uio: Uio): number {
    return this.#in(uio, buffer => sys.read(fd, buffer, buffer.length));
  }

  pread(fd: number, uio: Uio, offset: number, _flags: number): number {
    return this.#in(uio, buffer => sys.pread(fd, buffer, buffer.length, offset));
  }

  write(fd: number, uio: Uio): number {
    return this.#out(uio, buffer => sys.write(fd, buffer, buffer.length));
  }

  pwrite(fd: number, uio: Uio, offset: number, _flags: number): number {
    return this.#out(uio, buffer => sys.pwrite(fd, buffer, buffer.length, offset));
  }

  #in(uio: Uio, fill: (buffer: Buffer) => number): number {
    const buffer = Buffer.alloc(uio.resid);
    const got = fill(buffer);
    if (got > 0) uio.move(buffer, 0, got);
    return got;
  }

  #out(uio: Uio, drain: (buffer: Buffer) => number): number {
    const buffer = Buffer.alloc(uio.resid);
    uio.move(buffer, 0, buffer.length);
    return drain(buffer);
  }

  lseek(fd: number, offset: number, whence: number): number {
    return sys.lseek(fd, offset, whence);
  }

  ftruncate(fd: number, length: number): number {
    return sys.ftruncate(fd, length);
  }

  fallocate(fd: number, mode: number, offset: number, length: number): number {
    return sys.fallocate(fd, mode, offset, length);
  }

  statAt(at: number, path: string, flags: number, out: Stat): number {
    const raw = Buffer.alloc(256);
    const status = sys.statx(this.#at(at), bytes(path), flags, 0x1fff, raw);
    if (status === 0) decodeStatx(raw, out);
    return status;
  }

  fstat(fd: number, out: Stat): number {
    return this.statAt(fd, '', 0x1000, out);
  }

  fstatfs(fd: number, out: StatFs): number {
    const raw = Buffer.alloc(120);
    const status = sys.fstatfs(fd, raw);
    const word = (index: number): number => Number(raw.readBigInt64LE(index * 8));
    [out.type, out.bsize, out.blocks, out.bfree, out.bavail, out.files, out.ffree] = [
      0, 1, 2, 3, 4, 5, 6,
    ].map(word);
    [out.namelen, out.frsize, out.flags] = [8, 9, 10].map(word);
    return status;
  }

  accessAt(at: number, path: string, mode: number, flags: number): number {
    // AT_EACCESS: the fs ids are what the contract changes.
    return sys.faccessat(this.#at(at), bytes(path), mode, flags | 0x200);
  }

  mkdirAt(at: number, path: string, mode: number): number {
    return sys.mkdirat(this.#at(at), bytes(path), mode);
  }

  mknodAt(at: number, path: string, mode: number, dev: number): number {
    return sys.mknodat(this.#at(at), bytes(path), mode, dev);
  }

  unlinkAt(at: number, path: string, flags: number): number {
    return sys.unlinkat(this.#at(at), bytes(path), flags);
  }

  renameAt(oldAt: number, oldPath: string, newAt: number, newPath: string, flags: number): number {
    return sys.renameat2(this.#at(oldAt), bytes(oldPath), this.#at(newAt), bytes(newPath), flags);
  }

  linkAt(oldAt: number, oldPath: string, newAt: number, newPath: string, flags: number): number {
    return sys.linkat(this.#at(oldAt), bytes(oldPath), this.#at(newAt), bytes(newPath), flags);
  }

  symlinkAt(target: string, at: number, path: string): number {
    return sys.symlinkat(bytes(target), this.#at(at), bytes(path));
  }

  readlinkAt(at: number, path: string, out: Uint8Array): number {
    return sys.readlinkat(this.#at(at), bytes(path), out, out.length);
  }

  chmodAt(at: number, path: string, mode: number, flags: number): number {
    return sys.fchmodat(this.#at(at), bytes(path), mode, flags);
  }

  fchmod(fd: number, mode: number): number {
    return sys.fchmod(fd, mode);
  }

  chownAt(at: number, path: string, uid: number, gid: number, flags: number): number {
    return sys.fchownat(this.#at(at), bytes(path), uid >>> 0, gid >>> 0, flags);
  }

  fchown(fd: number, uid: number, gid: number): number {
    return sys.fchown(fd, uid >>> 0, gid >>> 0);
  }

  utimensAt(at: number, path: string | null, atime: TimeSpec, mtime: TimeSpec, flags: number): number {
    const times = new BigInt64Array([atime, mtime].flatMap(time => [BigInt(time.sec), nanoseconds(time)]));
    return sys.utimensat(this.#at(at), path === null ? null : bytes(path), times, flags);
  }

  umask(mask: number): number {
    return sys.umask(mask);
  }

  getDents(fd: number, sink: DirSink): number {
    const raw = Buffer.alloc(65536);
    const length = sys.getdents(fd, raw, raw.length);
    let count = 0;
    for (let at = 0; at < length; at += raw.readUInt16LE(at + 16), count++) {
      const end = raw.indexOf(0, at + 19);
      const name = raw.toString('latin1', at + 19, end);
      const ino = Number(raw.readBigUInt64LE(at));
      sink(name, ino, raw[at + 18], Number(raw.readBigInt64LE(at + 8)));
    }
    return length < 0 ? length : count;
  }
}

function nanoseconds(time: TimeSpec): bigint {
  if (time.nsec === UTIME_NOW) return 0x3fffffffn;
  return time.nsec === UTIME_OMIT ? 0x3ffffffen : BigInt(time.nsec);
}

/** struct statx of linux/stat.h. */
function decodeStatx(raw: Buffer, out: Stat): void {
  out.blksize = raw.readUInt32LE(4);
  out.nlink = raw.readUInt32LE(16);
  out.uid = raw.readUInt32LE(20);
  out.gid = raw.readUInt32LE(24);
  out.mode = raw.readUInt16LE(28);
  out.ino = Number(raw.readBigUInt64LE(32));
  out.size = Number(raw.readBigUInt64LE(40));
  out.blocks = Number(raw.readBigUInt64LE(48));
  const time = (at: number): [number, number] => [Number(raw.readBigInt64LE(at)), raw.readUInt32LE(at + 8)];
  [out.atimeSec, out.atimeNsec] = time(64);
  [out.btimeSec, out.btimeNsec] = time(80);
  [out.ctimeSec, out.ctimeNsec] = time(96);
  [out.mtimeSec, out.mtimeNsec] = time(112);
  out.rdev = raw.readUInt32LE(128) * 256 + raw.readUInt32LE(132);
  out.dev = raw.readUInt32LE(136) * 256 + raw.readUInt32LE(140);
}
