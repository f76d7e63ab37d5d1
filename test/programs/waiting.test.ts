/** Calls that wait in the rump kernel: fifos and locks, with signals and death in between. */
import test from 'ava';
import { contendedLock, inRump, run } from '../support/run.js';

const python = (script: string) => run(['run', '--', 'python3', '-c', script]);

test('a fifo joins two shells, whichever comes first', async t => {
  const { stdout } = await inRump(`cd /rump; mkfifo p
    echo one > p & cat p; cat p & echo two > p; wait
    dd if=/dev/zero bs=1000 count=1000 2>/dev/null > p & wc -c < p; wait`);
  t.is(stdout, 'one\ntwo\n1000000\n');
});

test('a write to a fifo without readers raises SIGPIPE', async t => {
  const { stdout } = await python(`
import os, signal
os.mkfifo('/rump/p')
r = os.open('/rump/p', os.O_RDONLY | os.O_NONBLOCK); w = os.open('/rump/p', os.O_WRONLY); os.close(r)
try: os.write(w, b'x')
except BrokenPipeError: print('EPIPE')
pid = os.fork()
if pid == 0:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL); os.write(w, b'x'); os._exit(0)
print(os.waitpid(pid, 0)[1] == signal.SIGPIPE)`);
  t.is(stdout, 'EPIPE\nTrue\n');
});

test('a lock that waits is interrupted by a signal, restarted, and granted', async t => {
  const { stdout, stderr } = await run(['run', '--', 'python3', contendedLock]);
  t.is(stdout, 'would block\ninterrupted\ngranted\n0\n', stderr);
});

test('a holder that is killed gives its locks up', async t => {
  const { stdout, stderr } = await python(`
import fcntl, os, signal
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    f = open('/rump/l', 'w'); fcntl.flock(f, fcntl.LOCK_EX); os.write(w, b'x'); signal.pause()
os.read(r, 1)
g = open('/rump/l', 'w')
try: fcntl.flock(g, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError: print('held')
os.kill(pid, signal.SIGKILL)
fcntl.flock(g, fcntl.LOCK_EX)
print('free', os.waitpid(pid, 0)[1])`);
  t.is(stdout, 'held\nfree 9\n', stderr);
});

test('threads wait one by one, and a waiting one can be killed with its process', async t => {
  const { stdout, stderr } = await python(`
import os, signal, threading
os.mkfifo('/rump/p')
pid = os.fork()
if pid == 0:
    for i in range(8): threading.Thread(target=lambda: open('/rump/p')).start()
    os.kill(os.getpid(), signal.SIGKILL)
print(os.waitpid(pid, 0)[1])
w = os.open('/rump/p', os.O_RDWR); done = []
readers = [threading.Thread(target=lambda: done.append(os.read(w, 1))) for i in range(8)]
[t.start() for t in readers]
for i in range(8): os.write(w, b'x')
[t.join() for t in readers]
print(len(done))`);
  t.is(stdout, '9\n8\n', stderr);
});
