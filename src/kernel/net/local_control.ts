/** Control messages of AF_UNIX sockets: SCM_RIGHTS, SCM_CREDENTIALS, time stamps (unix(7), net/core/scm.c). */
import { EBADF, EINVAL, EPERM, ESRCH } from '../../abi/linux/errno.js';
import {
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  SCM_CREDENTIALS,
  SCM_RIGHTS,
  SOL_SOCKET,
} from '../../abi/linux/socket.js';
import { CMSGHDR_SIZE, SCM_MAX_FD, UCRED_SIZE } from '../../abi/linux/un.js';
import type { OpenFile } from '../open_files.js';
import type { ControlMessage, IncomingMessage } from '../socket_calls.js';
import { putControl, roomOf } from './control.js';
import type { FileList, Ucred } from './local_queue.js';
import type { SocketCaller } from './open_socket.js';

/** What a sender sends along. The files are held. */
export interface Scm {
  creds: Ucred | undefined;
  files: FileList | undefined;
}

/** Nobody's: uid and gid -1, as of messages whose receiver did not ask in time. */
export const NO_CREDS: Ucred = { pid: 0, uid: -1, gid: -1 };
/** overflowuid (proc_sys_fs(5)): how an id that is none is shown. */
const OVERFLOW_ID = 65534;

/** The control messages of sendmsg(2), or -errno. */
export function parseControl(control: readonly ControlMessage[], caller: SocketCaller): Scm | number {
  let creds: Ucred | undefined;
  const files: OpenFile[] = [];
  let status = 0;
  for (const { level, type, data } of control) {
    if (level !== SOL_SOCKET) continue;
    if (type === SCM_RIGHTS) {
      status = collectFiles(data, files, caller);
    } else if (type === SCM_CREDENTIALS) {
      const found = parseCreds(data, caller);
      if (typeof found === 'number') status = found;
      else creds = found;
    } else {
      status = -EINVAL;
    }
    if (status !== 0) break;
  }
  if (status !== 0) {
    for (const file of files) file.release();
    return status;
  }
  return { creds, files: files.length > 0 ? { files, uid: caller.cred.uid } : undefined };
}

/** scm_fp_copy(): adds the files, held once each. */
function collectFiles(data: Uint8Array, files: OpenFile[], caller: SocketCaller): number {
  const count = data.length >> 2;
  if (count > SCM_MAX_FD || files.length + count > SCM_MAX_FD) return -EINVAL;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  for (let i = 0; i < count; i++) {
    const file = caller.fileToSend(view.getInt32(i * 4, true));
    if (file === undefined) return -EBADF;
    file.acquire();
    files.push(file);
  }
  return 0;
}

/** scm_check_creds(): one's own, or any with CAP_SYS_ADMIN, CAP_SETUID and CAP_SETGID. */
function parseCreds(data: Uint8Array, caller: SocketCaller): Ucred | number {
  if (data.length !== UCRED_SIZE) return -EINVAL;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const [pid, uid, gid] = [view.getInt32(0, true), view.getInt32(4, true), view.getInt32(8, true)];
  const own = pid === caller.pid && uid === caller.cred.uid && gid === caller.cred.gid;
  if (!own && caller.cred.uid !== 0) return -EPERM;
  if (pid <= 0) return -ESRCH;
  return uid === -1 || gid === -1 ? -EINVAL : { pid, uid, gid };
}

export function sameCreds(a: Ucred | undefined, b: Ucred | undefined): boolean {
  if (a === b) return true;
  const { pid, uid, gid } = a ?? NO_CREDS;
  const other = b ?? NO_CREDS;
  return pid === other.pid && uid === other.uid && gid === other.gid;
}

export function putCreds(creds: Ucred, out: Uint8Array): void {
  const view = new DataView(out.buffer, out.byteOffset, out.length);
  view.setInt32(0, creds.pid, true);
  view.setInt32(4, creds.uid, true);
  view.setInt32(8, creds.gid, true);
}

/** SCM_CREDENTIALS for a receiver that has SO_PASSCRED. */
export function deliverCreds(message: IncomingMessage | undefined, creds: Ucred): void {
  if (message === undefined) return;
  const data = new Uint8Array(UCRED_SIZE);
  const shown = (id: number): number => (id === -1 ? OVERFLOW_ID : id);
  putCreds({ pid: creds.pid, uid: shown(creds.uid), gid: shown(creds.gid) }, data);
  putControl(message, SOL_SOCKET, SCM_CREDENTIALS, data);
}

/**
 * SCM_RIGHTS: as many files as there is room and as there are numbers for get descriptors, the rest does not
 * (scm_detach_fds()). The list stays the caller's, to drop or to keep.
 */
export function deliverFiles(
  message: IncomingMessage | undefined,
  list: FileList,
  flags: number,
  caller: SocketCaller,
): void {
  if (message === undefined) return;
  const room = roomOf(message);
  const most = room <= CMSGHDR_SIZE ? 0 : Math.min((room - CMSGHDR_SIZE) >> 2, list.files.length);
  const data = new Uint8Array(most * 4);
  const view = new DataView(data.buffer);
  let count = 0;
  for (; count < most; count++) {
    const fd = caller.receiveFile(list.files[count], (flags & MSG_CMSG_CLOEXEC) !== 0);
    if (fd < 0) break;
    view.setInt32(count * 4, fd, true);
  }
  if (count > 0) {
    message.control.push({ level: SOL_SOCKET, type: SCM_RIGHTS, data: data.subarray(0, count * 4) });
  }
  if (count < list.files.length) message.flags |= MSG_CTRUNC;
}
