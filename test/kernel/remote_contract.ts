/** The contract of all kernels, for one behind rump_sp: the suites of contract/, one after the other on a server that is emptied in between. */
import test from 'ava';
import { AT_FDCWD, type KernelProcess, type RumpKernel } from '../../src/kernel/rump_kernel.js';
import { SysproxyClient } from '../../src/sysproxy/client/client.js';
import { contentContract } from './contract/contents.js';
import { nameContract } from './contract/names.js';
import { processContract } from './contract/processes.js';
import { rightsContract } from './contract/rights.js';
import { mounts, names, open, ROOT, spawn, stat } from './contract/support.js';
import { systemContract } from './contract/systems.js';

const S_IFDIR = 0o40000;

function removeAll(process: KernelProcess, path: string, keep: readonly string[]): void {
  const fd = open(process, path, 0o200000);
  const found = names(process, fd).filter(name => !['.', '..', ...keep].includes(name));
  process.close(fd);
  for (const name of found) {
    const inner = `${path === '/' ? '' : path}/${name}`;
    const isDirectory = (stat(process, inner).mode & 0o170000) === S_IFDIR;
    if (isDirectory) removeAll(process, inner, []);
    process.unlinkAt(AT_FDCWD, inner, isDirectory ? 0x200 : 0);
  }
}

/** Back to an empty root, apart from /dev. */
function empty(process: KernelProcess): void {
  for (const { mountPoint } of mounts(process).reverse())
    if (mountPoint !== '/') process.umount(mountPoint, 2);
  process.chmodAt(AT_FDCWD, '/', 0o1777, 0);
  process.chownAt(AT_FDCWD, '/', 0, 0, 0);
  removeAll(process, '/', ['dev']);
}

/** Runs all suites against the server at `url`, which is asked for when the first test runs. */
export function remoteContract(title: string, url: () => string): void {
  let client: SysproxyClient | undefined;
  const factory = (): RumpKernel => {
    client?.close();
    client = SysproxyClient.open({ url: url(), patient: true }, 'contract');
    const cleaner = spawn(client, ROOT, '');
    empty(cleaner);
    cleaner.exit();
    return client;
  };
  // What waits goes on while a test awaits it.
  const pump = setInterval(() => {
    if (client?.loop.busy) client.loop.turn(0);
  }, 1);
  test.after.always(() => {
    clearInterval(pump);
    client?.close();
  });
  for (const suite of [nameContract, contentContract, rightsContract, processContract, systemContract])
    suite(title, factory, test.serial, () => true);
}
