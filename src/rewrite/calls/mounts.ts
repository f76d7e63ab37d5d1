/** mount(2), umount2(2), file handles, mount lists by call, and kernel modules. */
import {
  EFAULT,
  EINVAL,
  ENAMETOOLONG,
  ENOENT,
  ENOEXEC,
  ENOSYS,
  EOPNOTSUPP,
  EOVERFLOW,
  EPERM,
} from '../../abi/linux/errno.js';
import { AT_EMPTY_PATH, AT_SYMLINK_FOLLOW, O_CLOEXEC } from '../../abi/linux/fcntl.js';
import { PATH_MAX } from '../../abi/linux/limits.js';
import { MS_BIND, MS_MOVE } from '../../abi/linux/mount.js';
import { andThen, then } from '../../kernel/results.js';
import { HANDLE_TYPE, type MountInfo } from '../../kernel/rump_kernel.js';
import { BufferUio } from '../../kernel/vfs/uio.js';
import { decideCall } from '../../policy/decide.js';
import { explainRule } from '../../policy/words.js';
import { answerFd, because, type Call, type Hijack, reply, whenDone } from '../hijack.js';
import { absolute, emptyFlag, newTarget, targetOf } from '../target.js';

const PAGE = 4096;
const TWO_32 = 0x1_0000_0000;

/** An optional string argument: '' for NULL. */
function optional(call: Call, n: number): string | number {
  const at = call.address(n);
  return at === 0 ? '' : call.string(at, PATH_MAX);
}

/** mount(2)'s data: a string, which need not end within a page of which part cannot be read. */
function mountData(call: Call): string | number {
  const at = call.address(4);
  if (at === 0) return '';
  const data = call.string(at, PAGE);
  return data === -ENAMETOOLONG ? -EINVAL : data;
}

export function sysMount(call: Call, hijack: Hijack): void {
  const target = targetOf(call, hijack, -1, 1);
  if (!target.rump) return call.run();
  const source = optional(call, 0);
  const type = optional(call, 2);
  const data = mountData(call);
  for (const part of [source, type, data]) if (typeof part === 'number') return call.answer(part);
  if (typeof source === 'number' || typeof type === 'number' || typeof data === 'number') return;
  const flags = call.uint(3);
  let from = source;
  if ((flags & (MS_BIND | MS_MOVE)) !== 0 && source.startsWith('/')) {
    // These name a tree: it has to be in the same kernel.
    const origin = absolute(call, hijack, source, newTarget());
    if (!origin.rump) return call.answer(-EINVAL);
    from = origin.path;
  }
  reply(call, call.state.kernel.mount(from, target.path, type, flags, data));
}

export function sysUmount2(call: Call, hijack: Hijack): void {
  const target = targetOf(call, hijack, -1, 0);
  if (!target.rump) return call.run();
  reply(call, call.state.kernel.umount(target.path, call.int(1)));
}

/** True when a call without path or descriptor is the rump kernel's by its switch in the policy. */
function isSwitched(call: Call, hijack: Hijack, name: string): boolean {
  const decision = decideCall(hijack.policy, name);
  if (!decision.rump) call.run();
  else if (hijack.verbose) because(call, '', explainRule(decision.rule, hijack.policy, name));
  return decision.rump;
}

// File handles.

/** struct file_handle: handle_bytes, handle_type, then the bytes (MAX_HANDLE_SZ, linux/exportfs.h). */
const HANDLE_HEADER = 8;
const MAX_HANDLE_SZ = 128;
const AT_HANDLE_FID = 0x200;

export function sysNameToHandleAt(call: Call, hijack: Hijack): void {
  const flags = call.int(4);
  const target = targetOf(call, hijack, 0, 1, flags);
  if (!target.rump) return call.run();
  if (!hijack.policy.vfs.fhcalls) return call.answer(-EOPNOTSUPP);
  if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | AT_HANDLE_FID)) !== 0) return call.answer(-EINVAL);
  const header = new Uint8Array(HANDLE_HEADER);
  const view = new DataView(header.buffer);
  const at = call.address(2);
  if (call.read(at, header) < 0) return call.answer(-EFAULT);
  const room = view.getUint32(0, true);
  if (room > MAX_HANDLE_SZ) return call.answer(-EINVAL);
  const handle = new Uint8Array(MAX_HANDLE_SZ);
  const mountIdAt = call.address(3);
  const { kernel } = call.state;
  const result = kernel.nameToHandle(
    target.at,
    target.path,
    (flags & ~AT_HANDLE_FID) | emptyFlag(target),
    handle,
  );
  const mounts: MountInfo[] = [];
  const listed = andThen(result, length => then(kernel.mounts(mounts), () => length));
  whenDone(call, listed, length => {
    if (length < 0) return call.answer(length);
    view.setUint32(0, length, true);
    view.setUint32(4, HANDLE_TYPE, true);
    const id = new Uint8Array(4);
    new DataView(id.buffer).setInt32(0, mounts[0]?.id ?? 0, true);
    let fault = call.write(at, header);
    if (fault === 0 && room >= length) fault = call.write(at + HANDLE_HEADER, handle, 0, length);
    if (fault === 0) fault = call.write(mountIdAt, id);
    call.answer(fault < 0 ? fault : room < length ? -EOVERFLOW : 0);
  });
}

export function sysOpenByHandleAt(call: Call, hijack: Hijack): void {
  const fd = call.int(0);
  const { state } = call;
  const rump = state.files.get(fd) >= 0 || (fd === -100 && state.cwd.rump);
  if (!rump) return call.run();
  if (!hijack.policy.vfs.fhcalls) return call.answer(-EOPNOTSUPP);
  if (hijack.verbose) because(call, `${fd}`, 'vfs=fhcalls');
  const header = new Uint8Array(HANDLE_HEADER);
  if (call.read(call.address(1), header) < 0) return call.answer(-EFAULT);
  const view = new DataView(header.buffer);
  const length = view.getUint32(0, true);
  if (length === 0 || length > MAX_HANDLE_SZ) return call.answer(-EINVAL);
  const handle = new Uint8Array(length);
  if (call.read(call.address(1) + HANDLE_HEADER, handle) < 0) return call.answer(-EFAULT);
  const flags = call.int(2);
  whenDone(call, state.kernel.openByHandle(handle, flags), opened =>
    answerFd(call, hijack, opened, (flags & O_CLOEXEC) !== 0),
  );
}

// statmount(2), listmount(2)

/** struct mnt_id_req (linux/mount.h): size, mnt_ns_fd, mnt_id, param, mnt_ns_id. */
const MNT_ID_REQ_VER0 = 24;
const LSMT_ROOT = TWO_32 * TWO_32 - 1;

interface MountRequest {
  readonly id: number;
  readonly param: bigint;
}

/** The mount that a request names and its parameter, or -errno. */
function mountRequest(call: Call): MountRequest | number {
  const bytes = new Uint8Array(MNT_ID_REQ_VER0);
  const fault = call.read(call.address(0), bytes);
  if (fault < 0) return fault;
  const view = new DataView(bytes.buffer);
  if (view.getUint32(0, true) < MNT_ID_REQ_VER0) return -EINVAL;
  return { id: Number(view.getBigUint64(8, true)), param: view.getBigUint64(16, true) };
}

export function sysListmount(call: Call, hijack: Hijack): void {
  if (!isSwitched(call, hijack, 'listmount')) return;
  const request = mountRequest(call);
  if (typeof request === 'number') return call.answer(request);
  const mounts: MountInfo[] = [];
  whenDone(call, call.state.kernel.mounts(mounts), done => {
    if (done < 0) call.answer(done);
    else listMounts(call, request, mounts);
  });
}

function listMounts(call: Call, request: MountRequest, mounts: readonly MountInfo[]): void {
  const below = (mount: MountInfo): boolean => request.id === LSMT_ROOT || mount.parentId === request.id;
  if (request.id !== LSMT_ROOT && !mounts.some(mount => mount.id === request.id)) return call.answer(-ENOENT);
  const ids = mounts
    .filter(mount => below(mount) && BigInt(mount.id) > request.param)
    .map(mount => BigInt(mount.id));
  const room = Math.min(Math.max(call.long(2), 0), ids.length);
  const bytes = new Uint8Array(room * 8);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < room; i++) view.setBigUint64(i * 8, ids[i], true);
  const fault = call.write(call.address(1), bytes);
  call.answer(fault < 0 ? fault : room);
}

/** struct statmount and its mask (linux/mount.h). */
const STATMOUNT_SIZE = 512;
const STATMOUNT_SB_BASIC = 0x1n;
const STATMOUNT_MNT_BASIC = 0x2n;
const STATMOUNT_MNT_ROOT = 0x8n;
const STATMOUNT_MNT_POINT = 0x10n;
const STATMOUNT_FS_TYPE = 0x20n;

export function sysStatmount(call: Call, hijack: Hijack): void {
  if (!isSwitched(call, hijack, 'statmount')) return;
  const request = mountRequest(call);
  if (typeof request === 'number') return call.answer(request);
  const mounts: MountInfo[] = [];
  whenDone(call, call.state.kernel.mounts(mounts), done => {
    if (done < 0) return call.answer(done);
    const mount = mounts.find(candidate => candidate.id === request.id);
    if (mount === undefined) return call.answer(-ENOENT);
    const bytes = encodeStatmount(mount, request.param);
    if (call.long(2) < bytes.length) return call.answer(-EOVERFLOW);
    call.answer(call.write(call.address(1), bytes));
  });
}

function encodeStatmount(mount: MountInfo, wanted: bigint): Uint8Array {
  const fixed = new Uint8Array(STATMOUNT_SIZE);
  const view = new DataView(fixed.buffer);
  let strings = '';
  let mask = wanted & (STATMOUNT_SB_BASIC | STATMOUNT_MNT_BASIC);
  const text = (bit: bigint, offset: number, value: string): void => {
    if ((wanted & bit) === 0n) return;
    mask |= bit;
    view.setUint32(offset, strings.length, true);
    strings += `${value}\0`;
  };
  if ((wanted & STATMOUNT_SB_BASIC) !== 0n) {
    view.setUint32(20, mount.dev & 0xff, true);
    view.setBigUint64(24, BigInt(mount.magic), true);
  }
  if ((wanted & STATMOUNT_MNT_BASIC) !== 0n) {
    view.setBigUint64(40, BigInt(mount.id), true);
    view.setBigUint64(48, BigInt(mount.parentId), true);
    view.setUint32(56, mount.id, true);
    view.setUint32(60, mount.parentId, true);
  }
  text(STATMOUNT_FS_TYPE, 36, mount.type);
  text(STATMOUNT_MNT_ROOT, 104, mount.root);
  text(STATMOUNT_MNT_POINT, 108, mount.mountPoint);
  view.setBigUint64(8, mask, true);
  view.setUint32(0, STATMOUNT_SIZE + strings.length, true);
  return Buffer.concat([fixed, Buffer.from(strings, 'latin1')]);
}

// Modules and NFS.

/** A module image is bounded as any allocation of the kernel's would be. */
const MODULE_MAX = 64 * 1024 * 1024;

export function sysInitModule(call: Call, hijack: Hijack): void {
  if (!isSwitched(call, hijack, 'init_module')) return;
  const length = call.long(1);
  if (length <= 0 || length > MODULE_MAX) return call.answer(-ENOEXEC);
  const image = new Uint8Array(length);
  const fault = call.read(call.address(0), image);
  if (fault < 0) return call.answer(fault);
  reply(call, call.state.kernel.initModule(image));
}

/** Loads from a descriptor: one of the rump kernel's own; a host file is not reachable from there. */
export function sysFinitModule(call: Call, hijack: Hijack): void {
  const { kernel, files } = call.state;
  const rump = files.get(call.int(0));
  const decision = decideCall(hijack.policy, 'finit_module');
  if (rump < 0 && !decision.rump) return call.run();
  if (!decision.rump) return call.answer(-EPERM);
  if (rump < 0) return call.answer(-ENOEXEC);
  const image = new Uint8Array(MODULE_MAX);
  const got = kernel.pread(rump, new BufferUio(image, 'read'), 0, 0);
  reply(
    call,
    andThen(got, length => kernel.initModule(image.subarray(0, length))),
  );
}

export function sysDeleteModule(call: Call, hijack: Hijack): void {
  if (!isSwitched(call, hijack, 'delete_module')) return;
  const name = call.string(call.address(0), 64);
  if (typeof name === 'number') return call.answer(name === -ENAMETOOLONG ? -ENOENT : name);
  reply(call, call.state.kernel.deleteModule(name, call.int(1)));
}

/** The rump kernel has no NFS server (nfsservctl(2): ENOSYS). */
export function sysNfsservctl(call: Call, hijack: Hijack): void {
  if (!isSwitched(call, hijack, 'nfsservctl')) return;
  hijack.stats.refused++;
  call.answer(-ENOSYS);
}

/** _sysctl(2), long gone from Linux: the tree is read below /proc/sys. */
export function sysSysctl(call: Call, hijack: Hijack): void {
  if (isSwitched(call, hijack, '_sysctl')) call.answer(-ENOSYS);
}
