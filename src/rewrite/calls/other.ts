/** Calls that the rump kernel does not serve: on the host they pass, on a rump path or descriptor they are refused honestly. */
import { EBADF } from '../../abi/linux/errno.js';
import { because, type Call, type Handler, type Hijack } from '../hijack.js';
import { targetOf } from '../target.js';

function refuse(call: Call, hijack: Hijack, errno: number): void {
  hijack.stats.refused++;
  call.answer(-errno);
}

/** A descriptor call: refused with `errno` when any of the descriptors is the rump kernel's. */
export function refuseFd(args: readonly number[], errno: number): Handler {
  return (call, hijack) => {
    for (const n of args) {
      const fd = call.int(n);
      if (fd === hijack.hidden) return call.answer(-EBADF);
      const rump = call.state.files.get(fd);
      if (rump < 0) continue;
      if (hijack.verbose) because(call, `${fd}`, `fd ${fd} is rump ${rump}`);
      return refuse(call, hijack, errno);
    }
    call.run();
  };
}

/** A call with paths, each with its directory descriptor (-1: none): refused when one is the rump kernel's. */
export function refusePaths(pairs: readonly (readonly [number, number])[], errno: number): Handler {
  return (call, hijack) => {
    if (pairs.some(([dir, path]) => targetOf(call, hijack, dir, path).rump)) refuse(call, hijack, errno);
    else call.run();
  };
}
