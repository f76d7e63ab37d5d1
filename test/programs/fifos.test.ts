/** poll, select and epoll of fifos in the rump kernel, beside those of the host: ready when they are, and not before. */
import test from 'ava';
import { exec, root, rumphijack, run, same } from '../support/run.js';

const SCRIPT = `
import os, select, threading
os.mkfifo(os.environ['DIR'] + '/p')
name = os.environ['DIR'] + '/p'
def ready(r, w, timeout=0):
    a, b, _ = select.select([r], [w], [], timeout)
    return 'r' * len(a) + 'w' * len(b)
r = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
print('no writer yet', ready(r, 1) == 'w')
w = os.open(name, os.O_WRONLY | os.O_NONBLOCK)
print('empty', ready(r, w))
os.write(w, b'x'); print('a byte', ready(r, w)); os.read(r, 1); print('read', ready(r, w))
total = 0
try:
    while True: total += os.write(w, b'x' * 4096)
except BlockingIOError: pass
print('full', total, ready(r, w))
os.read(r, 4096); print('a page free', ready(r, w))
while total > 4096: total -= len(os.read(r, total - 4096))
print('drained', ready(r, w))
e = select.epoll(); e.register(r, select.EPOLLIN | select.EPOLLET)
d = os.dup(r)
os.write(w, b'1'); print('edge', e.poll(1) == [(r, select.EPOLLIN)], e.poll(0))
os.write(w, b'2'); print('another edge', e.poll(1) == [(r, select.EPOLLIN)]); os.read(d, 9)
host, host_w = os.pipe()
p = select.poll()
for fd in r, host: p.register(fd, select.POLLIN)
print('both wait', p.poll(0))
t = threading.Thread(target=lambda: os.write(w, b'3')); t.start()
print('woken', p.poll(10000) == [(r, select.POLLIN)]); t.join(); os.read(r, 1)
t = threading.Thread(target=lambda: os.write(host_w, b'4')); t.start()
print('woken by the host', p.poll(10000) == [(host, select.POLLIN)]); t.join()
pid = os.fork()
if pid == 0:
    os.write(w, b'5'); os._exit(0)
print('woken by a child', ready(r, w, 10) in ('rw', 'w')); os.waitpid(pid, 0); print('child', ready(r, w)); os.read(r, 1)
os.close(w); print('end of file', ready(r, 1) == 'rw', os.read(r, 1))
w = os.open(name, os.O_WRONLY); print('another writer', ready(r, w)); os.write(w, b'6'); print(ready(r, w))
`;

for (const hijack of ['path=/rump,socket=all:nolocal', 'path=/rump']) {
  test(`readiness of fifos is the host's: ${hijack}`, async t => {
    const { stdout, stderr } = await same(t, `python3 - <<'END'\n${SCRIPT}\nEND`, {
      env: { RUMPHIJACK: hijack },
    });
    t.true(stdout.endsWith('another writer w\nrw\n'), `${stdout}\n${stderr}`);
  });
}

test('below a filter with a listener of its own a fifo is opened all the same', async t => {
  const listener = `${root}/test/support/listener.py`;
  const script = 'mkfifo /rump/p; exec 3<>/rump/p; echo through >&3; read line <&3; echo $line';
  const { stdout, stderr } = await exec('python3', [listener, rumphijack, 'run', '--', 'sh', '-c', script]);
  t.deepEqual([stdout, stderr], ['through\n', '']);
});

test('a fifo opened where standard input was closed is that, and waits', async t => {
  const script = `
import os, select
os.mkfifo('/rump/p'); os.close(0)
print(os.open('/rump/p', os.O_RDWR), select.select([0], [], [], 0)[0])
os.write(0, b'x'); print(select.select([0], [], [], 0)[0], os.read(0, 1))`;
  const { stdout, stderr } = await run(['run', '--', 'python3', '-c', script]);
  t.is(stdout, "0 []\n[0] b'x'\n", stderr);
});
