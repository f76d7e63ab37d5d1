/** nc, socat, ping, dig: one kernel each, host and rump descriptors mixed. */
import test from 'ava';
import { inNet } from '../../support/net.js';

test('nc: standard input of the host and a socket of the rump kernel in one poll', async t => {
  const { stdout, stderr } = await inNet(
    t,
    `nc -l 127.0.0.1 $PORT > $HOST/got & server=$!
    until [ -d /proc/$server ] && printf 'from stdin\\n' | nc -N 127.0.0.1 $PORT 2>/dev/null; do :; done
    wait $server; cat $HOST/got
    head -c 10000000 /dev/urandom > $HOST/big
    nc -N -l 127.0.0.1 $PORT < $HOST/big & server=$!
    until nc -d 127.0.0.1 $PORT > $HOST/back 2>/dev/null && [ -s $HOST/back ]; do :; done
    wait $server; cmp $HOST/big $HOST/back && echo same`,
  );
  t.is(stdout, 'from stdin\nsame\n', stderr);
});

test('nc: datagrams both ways', async t => {
  const { stdout, stderr } = await inNet(
    t,
    `mkfifo $HOST/in; nc -u -l 127.0.0.1 $PORT < $HOST/in > $HOST/got & server=$!
    exec 3> $HOST/in
    python3 -S -c "
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('127.0.0.1', $PORT)); s.settimeout(5)
s.send(b'ping\\n')
while not open('$HOST/got').read():
    if s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR): s.send(b'ping\\n')
open('/proc/self/fd/3', 'w').write('pong\\n')
print(s.recv(100))"
    stop $server; grep -c ping $HOST/got`,
  );
  t.is(stdout, "b'pong\\n'\n1\n", stderr);
});

test('socat: forking TCP server, relays, IPv6', async t => {
  const { stdout, stderr } = await inNet(
    t,
    `socat TCP-LISTEN:$PORT,bind=127.0.0.1,reuseaddr,fork SYSTEM:'tr a-z A-Z' & server=$!
    socat TCP6-LISTEN:8081,bind=[::1],reuseaddr,fork TCP:127.0.0.1:$PORT & relay=$!
    listening $PORT
    for i in 1 2 3; do echo hello $i | socat -t 5 - TCP:127.0.0.1:$PORT; done
    until echo relayed | socat -t 5 - 'TCP6:[::1]:8081' 2>/dev/null; do :; done
    stop $server $relay`,
  );
  t.is(stdout, 'HELLO 1\nHELLO 2\nHELLO 3\nRELAYED\n', stderr);
});

test('ping: raw sockets over IPv4 and IPv6', async t => {
  const { stdout, stderr } = await inNet(
    t,
    `ping -n -c 3 -i 0.002 127.0.0.1 | sed 's/time=.*//; s/, time.*//; /rtt/d'
    ping -n -6 -c 2 -i 0.002 ::1 | grep -c 'bytes from ::1'
    ping -n -c 1 -s 20000 127.0.0.1 | grep -c '20008 bytes from'
    ping -n -c 1 -W 1 10.1.2.3 2>&1 | head -1; busybox ping -c 1 127.0.0.1 | grep -c '64 bytes from'`,
  );
  t.is(
    stdout,
    `PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.
64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 \n64 bytes from 127.0.0.1: icmp_seq=2 ttl=64 \n64 bytes from 127.0.0.1: icmp_seq=3 ttl=64 \n
--- 127.0.0.1 ping statistics ---
3 packets transmitted, 3 received, 0% packet loss
2
1
ping: connect: Network is unreachable
1
`,
    stderr,
  );
});

test('dig asks a hijacked dnsmasq, by datagram and by stream; getaddrinfo asks it, too', async t => {
  const { stdout, stderr } = await inNet(
    t,
    `dnsmasq -k --no-resolv --no-hosts --listen-address=127.0.0.1 --bind-interfaces --port 5353 --address=/name.test/192.0.2.7 --address=/name.test/2001:db8::7 --pid-file=$HOST/pid --user=root 2>$HOST/log & server=$!
    until dig +short +tries=1 +time=1 -p 5353 @127.0.0.1 name.test > $HOST/answer 2>/dev/null && [ -s $HOST/answer ]; do [ -d /proc/$server ] || fail "$(cat $HOST/log)"; done
    cat $HOST/answer; dig +short +tcp -p 5353 @127.0.0.1 AAAA name.test
    dig +tries=1 -p 5353 @127.0.0.1 other.test | grep -o 'status: [A-Z]*'
    stop $server`,
  );
  t.is(stdout, '192.0.2.7\n2001:db8::7\nstatus: REFUSED\n', stderr);
});

test('names of /etc/hosts are found, and those that need a resolver are not', async t => {
  const { stdout, stderr } = await inNet(
    t,
    `python3 -S -c "
import socket
print(socket.gethostbyname('localhost'), sorted({f.name for f, *_ in socket.getaddrinfo('localhost', 80)}), socket.if_nameindex())
try: socket.getaddrinfo('name.invalid', 80)
except socket.gaierror as e: print('gaierror')"`,
  );
  t.regex(stdout, /^127\.0\.0\.1 \[.*'AF_INET'.*\] \[\(1, 'lo0?'\)\]\ngaierror\n$/, stderr);
});
