/** Who is at the other end, of SOL_SOCKET: what AF_UNIX alone can tell, and the name. */
import { EINVAL, ENODATA, ENOTCONN, EOPNOTSUPP } from '../../abi/linux/errno.js';
import * as so from '../../abi/linux/socket.js';
import { UCRED_SIZE } from '../../abi/linux/un.js';
import type { AddressOut } from '../socket_calls.js';
import { putBytes, putInts } from './option_bytes.js';
import { type OptionRow, type OptionState, ofLevel } from './option_row.js';
import { refuses, setRefuses } from './option_values.js';

const peer: AddressOut = { bytes: new Uint8Array(so.SOCKADDR_STORAGE_SIZE), length: 0 };

function peerName(options: OptionState, out: Uint8Array): number {
  if (options.target.getpeername(peer) !== 0) return -ENOTCONN;
  return peer.length < out.length ? -EINVAL : putBytes(out, peer.bytes.subarray(0, peer.length));
}

/** What comes with a message of AF_UNIX only. */
function unixOnly(name: string, option: number): Omit<OptionRow, 'level'> {
  return {
    name,
    option,
    value: 'flag',
    effect: 'refused',
    why: 'of AF_UNIX only',
    set: setRefuses(EOPNOTSUPP),
    get: refuses(EOPNOTSUPP),
  };
}

export const PEER_ROWS: readonly OptionRow[] = ofLevel(so.SOL_SOCKET, [
  unixOnly('SO_PASSCRED', so.SO_PASSCRED),
  unixOnly('SO_PASSSEC', so.SO_PASSSEC),
  unixOnly('SO_PASSPIDFD', so.SO_PASSPIDFD),
  unixOnly('SO_PASSRIGHTS', so.SO_PASSRIGHTS),
  {
    name: 'SO_PEERCRED',
    option: so.SO_PEERCRED,
    value: 'struct ucred',
    effect: 'told',
    why: 'nobody, as on Linux',
    get: (_, out) => putInts(out.subarray(0, UCRED_SIZE), 0, -1, -1),
  },
  {
    name: 'SO_PEERNAME',
    option: so.SO_PEERNAME,
    value: 'struct sockaddr',
    effect: 'told',
    why: 'as getpeername(2)',
    get: peerName,
  },
  {
    name: 'SO_PEERGROUPS',
    option: so.SO_PEERGROUPS,
    value: 'gids',
    effect: 'told',
    why: 'nobody’s, as on Linux',
    get: refuses(ENODATA),
  },
  {
    name: 'SO_PEERPIDFD',
    option: so.SO_PEERPIDFD,
    value: 'int',
    effect: 'told',
    why: 'nobody’s, as on Linux',
    get: refuses(ENODATA),
  },
]);
