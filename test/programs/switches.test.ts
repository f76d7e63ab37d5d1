/** What the keys vfs, sysctl and modctl of the policy show and change, asked for by real calls. */
import test from 'ava';
import { run } from '../support/run.js';

const python = (policy: string, script: string) =>
  run(['run', '--hijack', `path=/rump,${policy}`, '--', 'python3', '-c', script]);

const PRELUDE = `
import ctypes, os, struct
libc = ctypes.CDLL(None, use_errno=True)
def call(nr, *args):
    r = libc.syscall(ctypes.c_long(nr), *args)
    return r if r >= 0 else -ctypes.get_errno()
L = ctypes.c_long
`;

test('vfs=fhcalls: a handle finds its file again under another name, and is stale when the file is gone', async t => {
  const { stdout, stderr } = await python(
    'vfs=fhcalls',
    `${PRELUDE}
open('/rump/f', 'w').write('by handle')
def handle(room):
    h = ctypes.create_string_buffer(struct.pack('=Ii', room, 0), 8 + 128); mount = ctypes.c_int()
    return call(303, -100, b'/rump/f', h, ctypes.byref(mount), 0), h
print(handle(0)[0], struct.unpack_from('=I', handle(0)[1])[0] > 0)
r, h = handle(128); print(r)
os.rename('/rump/f', '/rump/g')
root = os.open('/rump', 0)
fd = call(304, root, h, 0); print(os.read(fd, 20)); os.close(fd)
os.unlink('/rump/g'); print(call(304, root, h, 0))`,
  );
  t.is(stdout, "-75 True\n0\nb'by handle'\n-116\n", stderr);
});

test('without it the rump kernel refuses handles of its files', async t => {
  const { stdout, stderr } = await python(
    'vfs=all:nofhcalls',
    `${PRELUDE}
h = ctypes.create_string_buffer(136)
print(call(303, -100, b'/rump', h, ctypes.byref(ctypes.c_int()), 0))`,
  );
  t.is(stdout, '-95\n', stderr);
});

test('vfs=getvfsstat: listmount and statmount see the rump kernel’s mounts', async t => {
  const { stdout, stderr } = await python(
    'vfs=getvfsstat',
    `${PRELUDE}
os.mkdir('/rump/m')
libc.mount(b'none', b'/rump/m', b'tmpfs', L(0), None)
ids = (ctypes.c_uint64 * 8)()
req = struct.pack('=IIQQ', 24, 0, 2**64 - 1, 0)
n = call(458, req, ids, L(8), L(0)); print(n)
for i in range(n):
    buf = ctypes.create_string_buffer(1024)
    print(call(457, struct.pack('=IIQQ', 24, 0, ids[i], 0x30), buf, L(1024), L(0)), end=' ')
    point, fs = struct.unpack_from('=I', buf, 108)[0], struct.unpack_from('=I', buf, 36)[0]
    text = lambda at: buf.raw[512 + at:].split(b'\\0')[0].decode()
    print(text(point), text(fs))
print(call(457, struct.pack('=IIQQ', 24, 0, 99999, 0x30), buf, L(1024), L(0)))`,
  );
  t.is(stdout, '2\n0 /rump tmpfs\n0 /rump/m tmpfs\n-2\n', stderr);
});

test('sysctl=yes: the tree is read, written and listed; the host’s own stays as it is', async t => {
  const { stdout, stderr } = await python(
    'sysctl=yes',
    `
import os, socket
p = '/proc/sys/kern/hostname'
open(p, 'w').write('rumpbox\\n')
print(open(p).read().strip(), socket.gethostname() != 'rumpbox')
print(open('/proc/sys/kern/ostype').read().strip(), 'kern' in os.listdir('/proc/sys'))
for bad in ('/proc/sys/kern/ostype', '/proc/sys/kern/nothing'):
    try: open(bad, 'w').write('x')
    except OSError as e: print(e.errno)`,
  );
  t.is(stdout, 'rumpbox True\nrump True\n13\n2\n', stderr);
});

test('modctl=yes: the kernel’s own parts are its modules, and it loads no others', async t => {
  const { stdout, stderr } = await python(
    'modctl=yes',
    `${PRELUDE}
print('tmpfs' in open('/proc/modules').read())
print(call(175, b'\\x7fELF', L(4), b''), call(176, b'no_such_module', 0), call(176, b'tmpfs', 0))`,
  );
  t.is(stdout, 'True\n-8 -2 -16\n', stderr);
});

test('blanket: a prefix is kept when it is passed on', async t => {
  const { stdout, stderr } = await run([
    'run',
    '--hijack',
    'blanket=/dev/null:/blank',
    '--',
    'sh',
    '-c',
    'mkdir /blank && echo x > /blank/f && cat /blank/f && cd /blank && pwd && ls -l /dev/null | cut -c1-4; cd / && ls /blank',
  ]);
  t.is(stdout, 'x\n/blank\ncrw-\nf\n', stderr);
});
