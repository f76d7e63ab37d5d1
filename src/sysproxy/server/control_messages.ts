/** Control messages that a client receives. */
import { MSG_CTRUNC, SCM_RIGHTS, SOL_SOCKET } from '../../abi/linux/socket.js';
import { encodeNetbsdControl, NB_CMSG_DATA, toNetbsdControl } from '../../abi/netbsd/msg.js';
import type { ControlMessage, IncomingMessage } from '../../kernel/socket_calls.js';
import type { Call } from './call.js';

/**
 * Copies out the control messages of `message` as NetBSD's, as many as there is room for: how many bytes. What does not fit is
 * dropped, with MSG_CTRUNC in the message's flags, and descriptors that nobody learns of are closed (copyout_msg_control() of uipc_syscalls.c).
 */
export function giveControl(call: Call, at: number, room: number, message: IncomingMessage): number {
  let used = 0;
  for (const each of message.control) {
    const known = toNetbsdControl(each);
    if (known === undefined) continue;
    // The padding behind the last one may be missing.
    const bytes = encodeNetbsdControl([known]).subarray(0, room - used);
    if (bytes.length < NB_CMSG_DATA + known.data.length) {
      message.flags |= MSG_CTRUNC;
      closeRights(call, each);
      continue;
    }
    call.copyout(at + used, bytes);
    used += bytes.length;
  }
  return used;
}

/** Closes the descriptors that came in a message. */
export function closeRights(call: Call, { level, type, data }: ControlMessage): void {
  if (level !== SOL_SOCKET || type !== SCM_RIGHTS) return;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  for (let at = 0; at + 4 <= data.length; at += 4) call.kernel.close(view.getInt32(at, true));
}
