/** IPPROTO_TCP: what checkpoints of connections need (tcp_repair of net/ipv4/tcp.c). None can be made. */
import { EINVAL, EPERM } from '../../abi/linux/errno.js';
import * as ip from '../../abi/linux/inet.js';
import { putInts } from './option_bytes.js';
import { type OptionRow, ofLevel } from './option_row.js';
import { refuses, setRefuses } from './option_values.js';

const noRepair = 'connections cannot be frozen';

export const REPAIR_ROWS: readonly OptionRow[] = ofLevel(ip.IPPROTO_TCP, [
  {
    name: 'TCP_REPAIR',
    option: ip.TCP_REPAIR,
    value: 'int',
    effect: 'refused',
    why: noRepair,
    set: setRefuses(EPERM),
    get: (_, out) => putInts(out, 0),
  },
  {
    name: 'TCP_REPAIR_QUEUE',
    option: ip.TCP_REPAIR_QUEUE,
    value: 'int',
    effect: 'refused',
    why: noRepair,
    set: setRefuses(EPERM),
    get: refuses(EINVAL),
  },
  {
    name: 'TCP_QUEUE_SEQ',
    option: ip.TCP_QUEUE_SEQ,
    value: 'int',
    effect: 'refused',
    why: noRepair,
    set: setRefuses(EINVAL),
    get: refuses(EINVAL),
  },
  {
    name: 'TCP_REPAIR_OPTIONS',
    option: ip.TCP_REPAIR_OPTIONS,
    value: 'options',
    effect: 'refused',
    why: noRepair,
    set: setRefuses(EINVAL),
  },
  {
    name: 'TCP_REPAIR_WINDOW',
    option: ip.TCP_REPAIR_WINDOW,
    value: 'struct tcp_repair_window',
    effect: 'refused',
    why: noRepair,
    set: setRefuses(EPERM),
    get: refuses(EINVAL),
  },
  {
    name: 'TCP_TIMESTAMP',
    option: ip.TCP_TIMESTAMP,
    value: 'int',
    effect: 'refused',
    why: noRepair,
    set: setRefuses(EPERM),
  },
]);
