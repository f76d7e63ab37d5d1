// Calls through the rump_sp client: node rpc.js URL getpid|pwrite|pread N. Prints microseconds of one.
import { NB } from '../src/abi/netbsd/nr.js';
import { AT_FDCWD } from '../src/kernel/rump_kernel.js';
import { BufferUio } from '../src/kernel/vfs/uio.js';
import { SysproxyClient } from '../src/sysproxy/client/client.js';

const [url = '', what = 'getpid', count = '1000'] = process.argv.slice(2);
const PIECE = 65536;
const client = SysproxyClient.open({ url, patient: true }, 'bench');
const cred = { uid: 0, gid: 0, groups: [] };
const remote = client.spawn({ comm: 'bench', pid: process.pid, cred, umask: 0o022, prefix: '' });
const fd = Number(remote.openAt(AT_FDCWD, '/bench', 0o102, 0o600, 0));
const bytes = new Uint8Array(PIECE);

const calls: Record<string, () => unknown> = {
  getpid: () => remote.submitCall(remote.call(NB.getpid)),
  pwrite: () => remote.pwrite(fd, new BufferUio(bytes, 'write'), 0, 0),
  pread: () => remote.pread(fd, new BufferUio(bytes, 'read'), 0, 0),
};
const call = calls[what] ?? calls.getpid;
const n = Number(count);
for (let i = 0; i < n / 5; i++) call();
const start = performance.now();
for (let i = 0; i < n; i++) call();
console.log((((performance.now() - start) * 1000) / n).toFixed(3));
client.close();
