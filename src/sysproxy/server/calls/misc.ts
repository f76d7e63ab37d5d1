/** What is left: clocks, modules and halting. */
import { EINVAL, ENOENT, EOPNOTSUPP, EPERM } from '../../../abi/linux/errno.js';
import {
  encodeModstat,
  NB_MODCTL_LOAD,
  NB_MODCTL_STAT,
  NB_MODCTL_UNLOAD,
  NB_MODSTAT_SIZE,
} from '../../../abi/netbsd/module.js';
import {
  decodeNetbsdTimespec,
  encodeNetbsdTimespec,
  encodeNetbsdTimeval,
  NB_TIMESPEC_SIZE,
} from '../../../abi/netbsd/time.js';
import { BUILT_IN } from '../../../kernel/parts/modules.js';
import type { Call, Steps } from '../call.js';

/** time.h: CLOCK_REALTIME, CLOCK_MONOTONIC. */
const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 3;

function now(clock: number): { sec: number; nsec: number } | undefined {
  const milliseconds =
    clock === CLOCK_REALTIME ? Date.now() : clock === CLOCK_MONOTONIC ? performance.now() : undefined;
  if (milliseconds === undefined) return undefined;
  const sec = Math.floor(milliseconds / 1000);
  return { sec, nsec: Math.floor((milliseconds - sec * 1000) * 1_000_000) };
}

export function clockGettime(call: Call): number {
  const time = now(call.int(0));
  if (time === undefined) return -EINVAL;
  const bytes = new Uint8Array(NB_TIMESPEC_SIZE);
  encodeNetbsdTimespec(new DataView(bytes.buffer), 0, time.sec, time.nsec);
  call.copyout(call.ulong(1), bytes);
  return 0;
}
export function gettimeofday(call: Call): number {
  const { sec, nsec } = now(CLOCK_REALTIME) ?? { sec: 0, nsec: 0 };
  const bytes = new Uint8Array(NB_TIMESPEC_SIZE);
  encodeNetbsdTimeval(new DataView(bytes.buffer), 0, sec, Math.floor(nsec / 1000));
  if (call.ulong(0) !== 0) call.copyout(call.ulong(0), bytes);
  return 0;
}
export function* nanosleep(call: Call): Steps {
  const bytes = yield* call.copyin(call.ulong(0), NB_TIMESPEC_SIZE);
  const { sec, nsec } = decodeNetbsdTimespec(new DataView(bytes.buffer, bytes.byteOffset), 0);
  if (sec < 0 || nsec < 0 || nsec >= 1_000_000_000) return -EINVAL;
  yield call.session.state.timers.after(sec * 1000 + nsec / 1_000_000);
  return 0;
}

/** sync(2): what is in memory is as safe as it gets. */
export function sync(): number {
  return 0;
}

/** reboot(2): whatever the way, the kernel ends here; it has no machine to start again. */
export function reboot(call: Call): number {
  if (call.process.user.effective !== 0) return -EPERM;
  call.session.state.halt();
  return 0;
}

/** Nothing can be loaded into this kernel. */
export function* modctl(call: Call): Steps {
  if (call.int(0) !== NB_MODCTL_STAT && call.process.user.effective !== 0) return -EPERM;
  switch (call.int(0)) {
    case NB_MODCTL_LOAD:
      return -EOPNOTSUPP;
    case NB_MODCTL_STAT:
      return yield* listModules(call);
    case NB_MODCTL_UNLOAD: {
      const name = yield* call.copyinstr(call.ulong(1), 64);
      const status = call.kernel.deleteModule(name, 0);
      return typeof status === 'number' ? status : -ENOENT;
    }
    default:
      return -EINVAL;
  }
}

const IOVEC_SIZE = 16;

/** All that are built in, as far as there is room; the iovec then tells how long the list is. */
function* listModules(call: Call): Steps {
  const iovec = yield* call.copyin(call.ulong(1), IOVEC_SIZE);
  const view = new DataView(iovec.buffer, iovec.byteOffset, iovec.length);
  const [base, room] = [Number(view.getBigUint64(0, true)), Number(view.getBigUint64(8, true))];
  const bytes = new Uint8Array(BUILT_IN.length * NB_MODSTAT_SIZE);
  BUILT_IN.forEach(({ name, size }, i) => {
    encodeModstat(bytes, i * NB_MODSTAT_SIZE, { name, size, references: -1 });
  });
  call.copyout(base, bytes.subarray(0, Math.min(bytes.length, room)));
  view.setBigUint64(8, BigInt(bytes.length), true);
  call.copyout(call.ulong(1), iovec);
  return 0;
}
