/** Unix sockets of the rump kernel, when the policy has them: what a program sees is what it sees on the host. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { exec, rumphijack, scratch } from '../../support/run.js';

const SCRIPT = `
import os, socket, sys
d = sys.argv[1]
server = socket.socket(socket.AF_UNIX); server.bind(d + '/sock'); server.listen()
if os.fork() == 0:
    c = socket.socket(socket.AF_UNIX); c.connect(d + '/sock')
    f = os.open(d + '/file', os.O_RDWR | os.O_CREAT); os.write(f, b'text')
    socket.send_fds(c, [b'x'], [f, c.fileno()])
    print(c.recv(10), flush=True); os._exit(0)
conn, _ = server.accept()
message, fds, flags, _ = socket.recv_fds(conn, 10, 5)
print(message, len(fds), flags, os.pread(fds[0], 20, 0), os.get_inheritable(fds[0]), flush=True)
os.write(fds[1], b'back'); print(conn.recv(10), flush=True)
conn.send(b'done'); os.wait()
print(oct(os.stat(d + '/sock').st_mode), conn.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4] != bytes(4))
a, b = socket.socketpair(); a.send(b'hi'); print(b.recv(4)); a.close(); print(b.recv(4))
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind('\\0abstract-%d' % os.getppid())
t = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); t.sendto(b'q', s.getsockname()); print(s.recvfrom(5))
try: socket.socket(socket.AF_UNIX).bind(d + '/sock')
except OSError as e: print(e)
os.unlink(d + '/sock')
try: socket.socket(socket.AF_UNIX).connect(d + '/sock')
except OSError as e: print(e)
`;

test('python3: paths, abstract names, pairs, credentials, and descriptors in messages', async t => {
  const top = scratch(t);
  const file = join(top, 'script.py');
  writeFileSync(file, SCRIPT);
  mkdirSync(join(top, 'bare'));
  const bare = await exec('python3', ['-S', file, join(top, 'bare')]);
  t.is(bare.status, 0, bare.stderr);
  t.regex(bare.stdout, /Address already in use\n.*No such file or directory\n$/);
  const policy = ['--hijack', 'path=/rump,socket=all'];
  const rump = await exec(rumphijack, ['run', ...policy, '--', 'python3', '-S', file, '/rump']);
  t.deepEqual(rump, bare);
});
