/** Python's network modules, servers and clients. */
import test from 'ava';
import { inNet } from '../../support/net.js';

const python = (title: string, code: string, expected: string): void => {
  test(`python3: ${title}`, async t => {
    const { stdout, stderr } = await inNet(
      t,
      `cat > $HOST/t.py <<'END'\n${code}\nEND\n/usr/bin/python3 -SB $HOST/t.py`,
    );
    t.is(stdout, expected, stderr);
  });
};

python(
  'http.server with threads, http.client and urllib',
  `
import http.client, http.server, threading, urllib.request, hashlib, os
body = os.urandom(2_000_000)
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        self.send_response(200); self.send_header('Content-Length', str(len(body))); self.end_headers(); self.wfile.write(body)
    def do_POST(self):
        got = self.rfile.read(int(self.headers['Content-Length'])); text = hashlib.sha256(got).hexdigest().encode()
        self.send_response(200); self.send_header('Content-Length', str(len(text))); self.end_headers(); self.wfile.write(text)
    def log_message(self, *a): pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
threading.Thread(target=server.serve_forever).start()
port = server.server_address[1]
print(urllib.request.urlopen(f'http://127.0.0.1:{port}/').read() == body)
connection = http.client.HTTPConnection('127.0.0.1', port)
for i in range(3):
    connection.request('POST', '/', body); print(connection.getresponse().read().decode() == hashlib.sha256(body).hexdigest())
connection.close()
clients = [threading.Thread(target=lambda: print(len(urllib.request.urlopen(f'http://127.0.0.1:{port}/').read()))) for i in range(8)]
[c.start() for c in clients]; [c.join() for c in clients]
server.shutdown(); server.server_close()
try: urllib.request.urlopen(f'http://127.0.0.1:{port}/')
except OSError as e: print(e.reason)
`,
  `${'True\n'.repeat(4)}${'2000000\n'.repeat(8)}[Errno 111] Connection refused\n`,
);

python(
  'asyncio: streams over IPv4 and IPv6, 200 clients, datagrams, timeouts',
  `
import asyncio, socket
async def serve(reader, writer):
    while line := await reader.readline(): writer.write(line.upper()); await writer.drain()
    writer.close()
async def talk(host, port, n):
    reader, writer = await asyncio.open_connection(host, port)
    for i in range(n):
        writer.write(b'line %d\\n' % i); assert await reader.readline() == b'LINE %d\\n' % i
    writer.write_eof(); assert await reader.read() == b''
    writer.close(); await writer.wait_closed(); return n
class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport): self.transport = transport
    def datagram_received(self, data, addr): self.transport.sendto(data[::-1], addr)
class Ask(asyncio.DatagramProtocol):
    def __init__(self, done): self.done = done
    def connection_made(self, transport): transport.sendto(b'abc')
    def datagram_received(self, data, addr): self.done.set_result(data)
async def main():
    for host in ('127.0.0.1', '::1'):
        server = await asyncio.start_server(serve, host, 0, backlog=500)
        port = server.sockets[0].getsockname()[1]
        print(sum(await asyncio.gather(*(talk(host, port, 10) for i in range(200)))))
        server.close(); await server.wait_closed()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Echo, ('127.0.0.1', 0))
    done = loop.create_future()
    await loop.create_datagram_endpoint(lambda: Ask(done), remote_addr=transport.get_extra_info('sockname'))
    print(await done)
    server = await asyncio.start_server(lambda r, w: None, '127.0.0.1', 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try: await asyncio.wait_for(reader.read(1), 0.05)
    except asyncio.TimeoutError: print('timeout')
asyncio.run(main())
`,
  "2000\n2000\nb'cba'\ntimeout\n",
);

python(
  'socketserver: forking, and datagrams',
  `
import os, socket, socketserver, threading
class Handler(socketserver.StreamRequestHandler):
    def handle(self): self.wfile.write(b'%d %s' % (os.getpid() != parent, self.rfile.readline()))
parent = os.getpid()
server = socketserver.ForkingTCPServer(('127.0.0.1', 0), Handler)
threading.Thread(target=server.serve_forever).start()
for i in range(5):
    with socket.create_connection(server.server_address) as s: s.sendall(b'hello\\n'); print(s.recv(100))
server.shutdown(); server.server_close()
class Datagram(socketserver.BaseRequestHandler):
    def handle(self): self.request[1].sendto(self.request[0] * 2, self.client_address)
server = socketserver.ThreadingUDPServer(('127.0.0.1', 0), Datagram)
threading.Thread(target=server.serve_forever).start()
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s: s.sendto(b'ab', server.server_address); print(s.recvfrom(100)[0])
server.shutdown(); server.server_close()
`,
  `${"b'1 hello\\n'\n".repeat(5)}b'abab'\n`,
);

python(
  'errors at the right moment',
  `
import errno, os, select, socket
def name(f, *a):
    try: return f(*a)
    except OSError as e: return errno.errorcode.get(e.errno, e.errno)
s = socket.socket(); s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]
print(name(socket.create_connection, ('127.0.0.1', port)))
t = socket.socket(); print(name(t.bind, ('127.0.0.1', port))); s.listen(); print(name(t.bind, ('127.0.0.1', port)))
c = socket.create_connection(('127.0.0.1', port)); print(name(c.connect, ('127.0.0.1', port))); a = s.accept()[0]
print(name(s.accept) if s.setblocking(False) else name(s.accept)); print(name(a.bind, ('127.0.0.1', 0)))
c.send(b'x'); print(select.select([a], [], [], 5)[0] == [a]); a.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\\1\\0\\0\\0\\0\\0\\0\\0'); a.close()
print(name(c.recv, 1)); print(name(c.recv, 1)); print(name(c.send, b'x'))
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.connect(('127.0.0.1', port)); u.send(b'x'); print(name(u.recv, 1))
print(name(u.sendto, b'x' * 70000, ('127.0.0.1', port))); print(name(u.connect, ('240.1.2.3', 1)))
n = socket.socket(); n.setblocking(False); print(name(n.connect, ('127.0.0.1', 1))); p = select.poll(); p.register(n, select.POLLOUT); print([(m & select.POLLERR) != 0 for _, m in p.poll(5000)]); print(n.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED)
print(name(socket.create_connection, ('10.255.255.1', 80))); print(name(socket.socket, 99)); print(name(socket.socket, socket.AF_INET, 77)); print(name(socket.socket, socket.AF_INET, socket.SOCK_STREAM, 17))
l = socket.socket(); print(name(l.accept)); print(name(l.recv, 1)); print(name(l.send, b'x')); print(name(l.getpeername)); print(name(l.shutdown, 2))
l.settimeout(0.05); l.bind(('', 0)); l.listen()
try: l.accept()
except TimeoutError: print('timed out')
`,
  `ECONNREFUSED
EADDRINUSE
EADDRINUSE
EISCONN
EAGAIN
EINVAL
True
ECONNRESET
b''
EPIPE
ECONNREFUSED
EMSGSIZE
ENETUNREACH
EINPROGRESS
[True]
True
ENETUNREACH
EAFNOSUPPORT
EINVAL
EPROTONOSUPPORT
EINVAL
ENOTCONN
EPIPE
ENOTCONN
ENOTCONN
timed out
`,
);

python(
  'half-close, peeking, MSG_WAITALL, out of buffers, and SO_RCVTIMEO',
  `
import socket, struct, threading, time
s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname()); a, _ = s.accept()
c.sendall(b'abc'); print(a.recv(2, socket.MSG_PEEK), a.recv(10)); c.shutdown(socket.SHUT_WR); print(a.recv(1)); a.sendall(b'still'); print(c.recv(10)); a.close(); print(c.recv(1)); c.close()
c = socket.create_connection(s.getsockname()); a, _ = s.accept()
def later():
    for part in (b'a', b'b', b'c'): c.sendall(part * 1000)
t = threading.Thread(target=later); t.start(); print(len(a.recv(3000, socket.MSG_WAITALL))); t.join()
c.setblocking(False); sent = 0
try:
    while True: sent += c.send(b'x' * 100000)
except BlockingIOError: print('full', sent > 100000)
got = 0
while got < sent: got += len(a.recv(1 << 20))
print(got == sent); c.setblocking(True)
a.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack('ll', 0, 50000))
try: a.recv(1)
except BlockingIOError: print('EAGAIN')
big = bytes(range(256)) * 200000; t = threading.Thread(target=lambda: c.sendall(big)); t.start()
a.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack('ll', 0, 0)); got = bytearray()
while len(got) < len(big): got += a.recv(1 << 20)
t.join(); print(got == big)
`,
  "b'ab' b'abc'\nb''\nb'still'\nb''\n3000\nfull True\nTrue\nEAGAIN\nTrue\n",
);

test('python3: ioctl on sockets: interfaces, routes, queues', async t => {
  const { stdout, stderr } = await inNet(
    t,
    `python3 -S -c "
import array, errno, fcntl, socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def ask(request, name, size=24):
    try: return fcntl.ioctl(s, request, struct.pack('16s%dx' % size, name))[16:]
    except OSError as e: return errno.errorcode[e.errno]
print(socket.inet_ntoa(ask(0x8915, b'lo')[4:8]), socket.inet_ntoa(ask(0x891b, b'lo')[4:8]))
print(struct.unpack('i', ask(0x8921, b'lo')[:4]), hex(struct.unpack('H', ask(0x8913, b'lo')[:2])[0]), ask(0x8913, b'eth7'))
room = array.array('B', bytes(400)); conf = struct.pack('iP', 400, room.buffer_info()[0])
length = struct.unpack('iP', fcntl.ioctl(s, 0x8912, conf))[0]
print(length, bytes(room[:3]), socket.inet_ntoa(bytes(room[20:24])))
print(struct.unpack('iP', fcntl.ioctl(s, 0x8912, struct.pack('iP', 0, 0)))[0])
try: fcntl.ioctl(s, 0x8912, struct.pack('iP', 400, 8))
except OSError as e: print(errno.errorcode[e.errno])
try: fcntl.ioctl(s, 0x5401, bytes(60))
except OSError as e: print(errno.errorcode[e.errno])
a = socket.create_server(('127.0.0.1', 0)); b = socket.create_connection(a.getsockname()); c = a.accept()[0]
b.send(b'12345')
print(struct.unpack('i', fcntl.ioctl(c, 0x541b, bytes(4)))[0], struct.unpack('i', fcntl.ioctl(c, 0x8905, bytes(4)))[0], struct.unpack('i', fcntl.ioctl(c, 0x5411, bytes(4)))[0])
"`,
  );
  t.is(
    stdout,
    "127.0.0.1 255.0.0.0\n(65535,) 0x49 ENODEV\n40 b'lo\\x00' 127.0.0.1\n40\nEFAULT\nENOTTY\n5 0 0\n",
    stderr,
  );
});

test('python3: a hundred threads block in recv at once, and each gets its own', async t => {
  const { stdout, stderr } = await inNet(
    t,
    `python3 -S -c "
import socket, threading
server = socket.create_server(('127.0.0.1', 0), backlog=200); got = {}
def client(i):
    s = socket.create_connection(server.getsockname()); s.send(b'%03d' % i); got[i] = s.recv(10)
threads = [threading.Thread(target=client, args=(i,)) for i in range(100)]
for t in threads: t.start()
waiting = [server.accept()[0] for _ in threads]
for c in reversed(waiting): c.send(c.recv(3))
for t in threads: t.join()
print(all(got[i] == b'%03d' % i for i in range(100)))"`,
  );
  t.is(stdout, 'True\n', stderr);
});
