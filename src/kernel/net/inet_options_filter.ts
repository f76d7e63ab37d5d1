/** Filters of packets, of SOL_SOCKET (sk_attach_filter() of net/core/filter.c): none can be had. */
import { EINVAL, ENOENT, ENOPROTOOPT, EPERM } from '../../abi/linux/errno.js';
import * as so from '../../abi/linux/socket.js';
import { type OptionRow, ofLevel } from './option_row.js';
import { setRefuses } from './option_values.js';

/** struct sock_fprog of linux/filter.h: bytes. */
const FPROG_SIZE = 16;

const noFilter = 'a filter is in the memory of the program, where no kernel but the host’s can run it';

const LOCK_FILTER: OptionRow = {
  name: 'SO_LOCK_FILTER',
  level: so.SOL_SOCKET,
  option: so.SO_LOCK_FILTER,
  value: 'flag',
  effect: 'kept',
  why: 'there is no filter to lock',
  check: (options, value) => (value === 0 && options.valueOf(LOCK_FILTER) !== 0 ? -EPERM : 0),
};

export const FILTER_ROWS: readonly OptionRow[] = ofLevel(so.SOL_SOCKET, [
  {
    name: 'SO_ATTACH_FILTER',
    option: so.SO_ATTACH_FILTER,
    value: 'struct sock_fprog',
    effect: 'refused',
    why: noFilter,
    set: (_, value) => (value.length !== FPROG_SIZE ? -EINVAL : -ENOPROTOOPT),
    get: () => 0,
  },
  {
    name: 'SO_DETACH_FILTER',
    option: so.SO_DETACH_FILTER,
    value: 'int',
    effect: 'refused',
    why: 'there is none',
    set: (options, value) =>
      value.length < 4 ? -EINVAL : options.valueOf(LOCK_FILTER) !== 0 ? -EPERM : -ENOENT,
  },
  LOCK_FILTER,
  { name: 'SO_ATTACH_BPF', option: so.SO_ATTACH_BPF, value: 'int', effect: 'refused', why: noFilter },
  {
    name: 'SO_ATTACH_REUSEPORT_CBPF',
    option: so.SO_ATTACH_REUSEPORT_CBPF,
    value: 'struct sock_fprog',
    effect: 'refused',
    why: noFilter,
  },
  {
    name: 'SO_ATTACH_REUSEPORT_EBPF',
    option: so.SO_ATTACH_REUSEPORT_EBPF,
    value: 'int',
    effect: 'refused',
    why: noFilter,
  },
  {
    name: 'SO_DETACH_REUSEPORT_BPF',
    option: so.SO_DETACH_REUSEPORT_BPF,
    value: 'int',
    effect: 'refused',
    why: 'there is none',
    set: setRefuses(EINVAL),
  },
  {
    name: 'SO_BPF_EXTENSIONS',
    option: so.SO_BPF_EXTENSIONS,
    value: 'int',
    effect: 'refused',
    why: noFilter,
  },
]);
