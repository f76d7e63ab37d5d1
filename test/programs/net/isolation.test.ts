/** Nothing leaks out, nothing leaks in: a hijacked program and the host do not meet, on whatever port. */
import { createServer } from 'node:net';
import test from 'ava';
import { exec, finish, killGroup, rumphijack, run, spawnGroup } from '../../support/run.js';

/** The first line that a process prints. */
const firstLine = (child: ReturnType<typeof spawnGroup>): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (data: Buffer) => {
      text += data.toString();
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    child.on('close', () => reject(new Error(`ended without a line: ${text}`)));
  });

test('what a hijacked server serves cannot be had from the host', async t => {
  const code = `
import http.server, socket, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *a): pass
four = http.server.ThreadingHTTPServer(('0.0.0.0', 0), Handler); port = four.server_address[1]
class Server6(http.server.HTTPServer):
    address_family = socket.AF_INET6
    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        super().server_bind()
server = Server6(('::', port), Handler)
print(port, flush=True); server.serve_forever()`;
  const server = spawnGroup(rumphijack, ['run', '--', '/usr/bin/python3', '-S', '-c', code]);
  const ended = finish(server, ['server']);
  try {
    const port = await firstLine(server);
    const curl = async (url: string) => (await exec('curl', ['-sS', '--max-time', '5', url])).stderr;
    t.regex(await curl(`http://127.0.0.1:${port}/`), /^curl: \(7\)/);
    t.regex(await curl(`http://[::1]:${port}/`), /^curl: \(7\)/);
    // The host's own tables know of no such listener.
    const { stdout } = await run(['run', '--hijack', '', '--', 'cat', '/proc/net/tcp', '/proc/net/tcp6']);
    t.notRegex(
      stdout,
      new RegExp(`:${Number(port).toString(16).toUpperCase().padStart(4, '0')} [0-9A-F:]+ 0A`),
    );
  } finally {
    killGroup(server.pid, 'SIGTERM');
    await ended;
  }
});

test('a hijacked client does not reach a server of the host, nor does a datagram', async t => {
  let met = false;
  const server = createServer(socket => {
    met = true;
    socket.end();
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    const code = `
import socket
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    s = socket.socket(socket.AF_INET, kind)
    try: s.connect(('127.0.0.1', ${port})); s.send(b'x'); s.recv(1)
    except OSError as e: print(e.strerror)`;
    const { stdout, stderr } = await run(['run', '--', '/usr/bin/python3', '-S', '-c', code]);
    t.is(stdout, 'Connection refused\nConnection refused\n', stderr);
    t.false(met);
  } finally {
    server.close();
  }
});

test('two runs have kernels of their own: the same port is free in both', async t => {
  const code = `
import socket
s = socket.create_server(('127.0.0.1', 8080)); print('bound', flush=True); s.accept()`;
  const first = spawnGroup(rumphijack, ['run', '--', '/usr/bin/python3', '-S', '-c', code]);
  const second = spawnGroup(rumphijack, ['run', '--', '/usr/bin/python3', '-S', '-c', code]);
  const ended = [finish(first, ['first']), finish(second, ['second'])];
  t.deepEqual(await Promise.all([firstLine(first), firstLine(second)]), ['bound', 'bound']);
  for (const child of [first, second]) killGroup(child.pid, 'SIGTERM');
  await Promise.all(ended);
});

test('local sockets stay on the host by default', async t => {
  const code = `
import os, socket, tempfile
d = tempfile.mkdtemp(); s = socket.socket(socket.AF_UNIX); s.bind(d + '/s'); s.listen()
print(os.path.exists(d + '/s'), s.fileno() < 128); s.close(); os.unlink(d + '/s'); os.rmdir(d)`;
  const { stdout, stderr } = await run(['run', '--', '/usr/bin/python3', '-c', code]);
  t.is(stdout, 'True True\n', stderr);
});
