/** sendfile(2) and splice(2) with a socket of the rump kernel on one side: every byte comes once, however full the other side is. */
import test from 'ava';
import { inNet } from '../../support/net.js';

const PRELUDE = `
import hashlib, os, random, select, socket, threading
server = socket.create_server(('127.0.0.1', 0))
a = socket.create_connection(server.getsockname()); b = server.accept()[0]
data = random.Random(7).randbytes(3_000_000)
host, rump = os.environ['HOST'] + '/file', '/rump/file'
for name in host, rump: open(name, 'wb').write(data)
def reader(sock, out, size):
    while part := sock.recv(size): out.append(part)
def check(what, send, size=100_000):
    global a, b
    a = socket.create_connection(server.getsockname()); b = server.accept()[0]
    out = []; t = threading.Thread(target=reader, args=(b, out, size)); t.start()
    send(); a.shutdown(socket.SHUT_WR); t.join()
    print(what, b''.join(out) == data)
`;
const BODY = `
def sendfile(name, blocking, offset):
    def send():
        f = os.open(name, os.O_RDONLY); a.setblocking(blocking); sent = 0
        while sent < len(data):
            try: n = os.sendfile(a.fileno(), f, sent if offset else None, 700_000)
            except BlockingIOError: select.select([], [a], []); continue
            sent += n
            if not offset: assert os.lseek(f, 0, os.SEEK_CUR) == sent, (os.lseek(f, 0, os.SEEK_CUR), sent)
        os.close(f)
    return send
for name in host, rump:
    for blocking in True, False:
        for offset in True, False: check('sendfile %s %s %s' % (name == host, blocking, offset), sendfile(name, blocking, offset))

def from_pipe(r, w, blocking):
    def send():
        def fill():
            with open(w, 'wb') as f: f.write(data)
        t = threading.Thread(target=fill); t.start(); a.setblocking(blocking); sent = 0
        while sent < len(data):
            try: n = os.splice(r, a.fileno(), 200_000)
            except BlockingIOError: select.select([], [a], []); continue
            if n == 0: break
            sent += n
        t.join()
    return send
for blocking in True, False:
    check('splice host pipe %s' % blocking, from_pipe(*os.pipe(), blocking))
    os.mkfifo('/rump/fifo%d' % blocking); f = os.open('/rump/fifo%d' % blocking, os.O_RDWR)
    check('splice rump fifo %s' % blocking, from_pipe(f, os.dup(f), blocking))
# The socket takes a part of what is not to be read again from a pipe.
check('splice host pipe, slow reader', from_pipe(*os.pipe(), False), 3000)

def into_pipe(r, w):
    out = []
    def drain():
        got = 0
        while got < len(data): out.append(os.read(r, 100_000)); got += len(out[-1])
    t = threading.Thread(target=drain); t.start()
    s = socket.create_connection(server.getsockname()); c = server.accept()[0]
    f = threading.Thread(target=lambda: (s.sendall(data), s.close())); f.start()
    while os.splice(c.fileno(), w, 150_000): pass
    t.join(); f.join()
    return b''.join(out) == data
print('splice to host pipe', into_pipe(*os.pipe()))
os.mkfifo('/rump/out'); f = os.open('/rump/out', os.O_RDWR)
print('splice to rump fifo', into_pipe(f, f))
try: os.sendfile(a.fileno(), b.fileno(), None, 10)
except OSError as e: print(e)
b.close(); a.setblocking(True)
import signal; signal.signal(signal.SIGPIPE, lambda *_: print('SIGPIPE'))
f = os.open(rump, os.O_RDONLY)
try:
    while True: os.sendfile(a.fileno(), f, 0, 100)
except OSError as e: print(e)
`;

test('sendfile and splice: files, pipes and fifos, blocking and not', async t => {
  const { stdout, stderr } = await inNet(
    t,
    `cat > $HOST/t.py <<'END'\n${PRELUDE}${BODY}\nEND\npython3 $HOST/t.py`,
  );
  const lines = stdout.trimEnd().split('\n');
  t.deepEqual(
    lines.filter(line => line.endsWith('False')),
    [],
  );
  t.deepEqual(
    lines.slice(15),
    ['[Errno 22] Invalid argument', 'SIGPIPE', '[Errno 32] Broken pipe'],
    `${stdout}\n${stderr}`,
  );
});
