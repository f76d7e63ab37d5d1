/**
 * A wire with faults between a client and a server: node relay.js LISTEN CONNECT MILLISECONDS BYTES, both unix socket paths. Everything is
 * passed on MILLISECONDS later, in writes of at most BYTES. Says 'ready' when it listens; ends when its input does.
 */
import { connect, createServer, type Socket } from 'node:net';

const [listen = '', to = '', delay = '0', size = '65536'] = process.argv.slice(2);
const [milliseconds, bytes] = [Number(delay), Number(size)];

function pass(from: Socket, into: Socket): void {
  from.on('data', data => {
    setTimeout(() => {
      for (let at = 0; at < data.length; at += bytes) into.write(data.subarray(at, at + bytes));
    }, milliseconds);
  });
  from.on('close', () => setTimeout(() => into.destroy(), milliseconds));
  from.on('error', () => {});
}

createServer(client => {
  const server = connect(to);
  client.setNoDelay?.(true);
  pass(client, server);
  pass(server, client);
}).listen(listen, () => process.stdout.write('ready\n'));
process.stdin.on('end', () => process.exit(0)).resume();
