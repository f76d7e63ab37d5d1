/** SO_BINDTODEVICE and SO_BINDTOIFINDEX (sock_setbindtodevice() of net/core/sock.c). */
import { EINVAL, ENODEV, EPERM } from '../../abi/linux/errno.js';
import * as so from '../../abi/linux/socket.js';
import type { Credentials } from '../rump_kernel.js';
import { putBytes } from './option_bytes.js';
import { type OptionRow, type OptionState, ofLevel } from './option_row.js';
import { byIndex, isPrivileged } from './option_values.js';
import { RN_OPT_BINDTODEVICE } from './stack_options.js';

/** linux/if.h */
const IFNAMSIZ = 16;

const DEVICE: OptionRow = {
  name: 'SO_BINDTOIFINDEX',
  level: so.SOL_SOCKET,
  option: so.SO_BINDTOIFINDEX,
  value: 'int',
  effect: 'stack',
  stack: RN_OPT_BINDTODEVICE,
  why: 'packets go and come by that interface only',
  check: (options, value, cred) => {
    if (options.valueOf(DEVICE) !== 0 && !isPrivileged(cred)) return -EPERM;
    return value < 0 ? -EINVAL : 0;
  },
};

/** sock_setbindtodevice(): a name, which need not end with NUL; none for any interface. */
function bindToDevice(options: OptionState, value: Uint8Array, cred: Credentials): number {
  const length = Math.min(value.length, IFNAMSIZ - 1);
  const text = Buffer.from(value.subarray(0, length)).toString('latin1');
  const end = text.indexOf('\0');
  const name = end < 0 ? text : text.slice(0, end);
  let index = 0;
  if (name !== '') {
    const found = options.target.interfaces().find(each => each.name === name);
    if (found === undefined) return -ENODEV;
    index = found.index;
  }
  if (options.valueOf(DEVICE) !== 0 && !isPrivileged(cred)) return -EPERM;
  const status = options.target.set(RN_OPT_BINDTODEVICE, index);
  if (status === 0) options.keep(DEVICE, index);
  return status;
}

function boundDevice(options: OptionState, out: Uint8Array): number {
  const index = options.valueOf(DEVICE);
  if (index === 0) return 0;
  if (out.length < IFNAMSIZ) return -EINVAL;
  const found = byIndex(options, index);
  return found === undefined ? -ENODEV : putBytes(out, Buffer.from(`${found.name}\0`, 'latin1'));
}

/** The interface that the socket is bound to, 0: none. */
export function boundIndex(options: OptionState): number {
  return options.valueOf(DEVICE);
}

export const DEVICE_ROWS: readonly OptionRow[] = ofLevel(so.SOL_SOCKET, [
  {
    name: 'SO_BINDTODEVICE',
    option: so.SO_BINDTODEVICE,
    value: 'string',
    effect: 'stack',
    why: 'the same, by name',
    set: bindToDevice,
    get: boundDevice,
  },
  DEVICE,
]);
