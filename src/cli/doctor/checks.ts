/** What rumphijack needs of a machine: each thing is tried, and says what its lack costs and how to get it. */
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { errnoName } from '../../abi/linux/errno.js';
import type { Feature } from '../../native/features.js';
import { DEFAULT_FDOFF } from '../../policy/policy.js';
import { examineServer } from './server.js';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** `run` does not work without it. */
  readonly needed: boolean;
  /** What was found. */
  readonly found: string;
  /** What its lack costs, and how to get it; '' when it is there. */
  readonly costs: string;
  readonly remedy: string;
}

interface Thing {
  readonly name: string;
  readonly needed: boolean;
  readonly costs: string;
  readonly remedy: string;
}

function result(thing: Thing, ok: boolean, found: string): Check {
  const { name, needed } = thing;
  return { name, ok, needed, found, costs: ok ? '' : thing.costs, remedy: ok ? '' : thing.remedy };
}

/** package.json, engines. */
const NEED_NODE = 20;

function node(): Check {
  const thing = {
    name: 'Node.js',
    needed: true,
    costs: 'rumphijack does not start',
    remedy: `install Node.js ${NEED_NODE} or later`,
  };
  return result(thing, Number(process.versions.node.split('.')[0]) >= NEED_NODE, process.version);
}

const NATIVE: Thing = {
  name: 'native part',
  needed: true,
  costs: 'nothing can be traced',
  remedy: 'npm run build, which needs gcc, make and libc6-dev',
};

const FEATURES: readonly (Thing & { readonly feature: Feature })[] = [
  {
    feature: 'ptrace',
    name: 'ptrace',
    needed: true,
    costs: 'nothing can be traced',
    remedy:
      'kernel.yama.ptrace_scope of 0 or 1, or CAP_SYS_PTRACE; in a container, a profile that allows ptrace',
  },
  {
    feature: 'memory',
    name: 'process_vm_readv',
    needed: true,
    costs: 'arguments in memory cannot be read',
    remedy: 'a kernel with CONFIG_CROSS_MEMORY_ATTACH; in a container, a profile that allows it',
  },
  {
    feature: 'filter',
    name: 'seccomp filter',
    needed: true,
    costs: 'nothing can be stopped',
    remedy: 'a kernel with CONFIG_SECCOMP_FILTER; in a container, a profile that allows seccomp',
  },
  {
    feature: 'listener',
    name: 'seccomp listener',
    needed: false,
    costs: 'sockets of the rump kernel fail with ENOSYS, and its fifos look ready always',
    remedy: 'Linux 5.9 or later, and no filter with a listener around us already (seccomp_unotify(2))',
  },
];

async function features(): Promise<Check[]> {
  try {
    const { tryFeature } = await import('../../native/features.js');
    const tried = FEATURES.map(thing => {
      const status = tryFeature(thing.feature);
      return result(thing, status === 0, status === 0 ? 'works' : errnoName(-status));
    });
    return [result(NATIVE, true, 'built'), ...tried];
  } catch (error) {
    return [result(NATIVE, false, error instanceof Error ? error.message.split('\n', 1)[0] : String(error))];
  }
}

function firstLine(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1').split('\n', 1)[0];
  } catch {
    return undefined;
  }
}

/** Documentation/admin-guide/LSM/Yama.rst */
const SCOPES = [
  'any process of the same user',
  'descendants, which is all that run needs',
  'with CAP_SYS_PTRACE only',
  'no process, until the next boot',
];

function scope(): Check {
  const thing = {
    name: 'ptrace_scope',
    needed: false,
    costs: 'what may be traced is restricted',
    remedy: 'sysctl kernel.yama.ptrace_scope=1, as root',
  };
  const value = firstLine('/proc/sys/kernel/yama/ptrace_scope');
  if (value === undefined) return result(thing, true, 'none: Yama is not in this kernel');
  return result(thing, Number(value) < 2, `${value}: ${SCOPES[Number(value)] ?? 'unknown'}`);
}

/** linux/capability.h */
const CAP_NET_ADMIN = 12n;
const CAP_SYS_ADMIN = 21n;

function capabilities(): Check[] {
  const match = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'));
  const effective = BigInt(`0x${match?.[1] ?? '0'}`);
  const has = (bit: bigint): boolean => ((effective >> bit) & 1n) !== 0n;
  const said = (bit: bigint): string => (has(bit) ? 'held' : 'not held');
  const setuid = {
    name: 'CAP_SYS_ADMIN',
    needed: false,
    costs: 'setuid programs run without their privileges',
    remedy: 'run as root, if they are to have them',
  };
  const tap = {
    name: 'CAP_NET_ADMIN',
    needed: false,
    costs: '--net tap=NAME cannot make an interface',
    remedy: 'run as root, or use --net bus=FILE, which needs no privilege',
  };
  return [
    result(setuid, has(CAP_SYS_ADMIN), said(CAP_SYS_ADMIN)),
    result(tap, has(CAP_NET_ADMIN), said(CAP_NET_ADMIN)),
  ];
}

function tun(): Check {
  const thing = {
    name: '/dev/net/tun',
    needed: false,
    costs: '--net tap=NAME does not work',
    remedy: 'modprobe tun, as root; or use --net bus=FILE',
  };
  try {
    closeSync(openSync('/dev/net/tun', constants.O_RDWR));
    return result(thing, true, 'can be opened');
  } catch (error) {
    return result(thing, false, codeOf(error));
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

async function lwip(): Promise<Check> {
  const thing = {
    name: 'lwIP',
    needed: false,
    costs: 'files work, but socket() fails with EAFNOSUPPORT in the embedded kernel',
    remedy: 'apt-get install liblwip-dev, then npm run build',
  };
  const { loadStackLibrary } = await import('../../kernel/net/stack_library.js');
  const loaded = loadStackLibrary();
  return result(
    thing,
    typeof loaded !== 'string',
    typeof loaded === 'string' ? loaded : 'loaded, and its stack starts',
  );
}

function openFiles(): Check {
  const thing = {
    name: 'open files',
    needed: true,
    costs: `rump descriptors begin at ${DEFAULT_FDOFF}, and no number there can be had`,
    remedy: 'raise the hard limit (ulimit -Hn), or use a lower --fdoff',
  };
  const match = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
  const hard = match?.[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(match?.[1] ?? 0);
  return result(thing, hard > DEFAULT_FDOFF, `hard limit ${hard}`);
}

async function server(url: string): Promise<Check> {
  const thing = {
    name: 'server',
    needed: true,
    costs: `run cannot use ${url}`,
    remedy: 'start it, correct RUMP_SERVER, or unset it for the embedded kernel',
  };
  const report = await examineServer(url);
  if (typeof report === 'string') return result(thing, false, report);
  return result(thing, true, `${report.banner}, ${report.roundTrip} µs a round trip`);
}

/** Makes all checks, of the server last when there is one. */
export async function examine(url: string): Promise<Check[]> {
  const checks = [
    node(),
    ...(await features()),
    scope(),
    ...capabilities(),
    openFiles(),
    await lwip(),
    tun(),
  ];
  return url === '' ? checks : [...checks, await server(url)];
}
