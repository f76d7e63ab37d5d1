/** Web servers and their clients: busybox, curl, nginx. */
import test from 'ava';
import { inNet } from '../../support/net.js';

test('busybox, static: wget from httpd', async t => {
  const { stdout } = await inNet(
    t,
    `mkdir /rump/www; echo hello > /rump/www/index.html; head -c 3000000 /dev/urandom > /rump/www/big
    busybox httpd -f -p 127.0.0.1:$PORT -h /rump/www & server=$!
    listening $PORT
    busybox wget -q -O - http://127.0.0.1:$PORT/
    busybox wget -q -O /rump/got http://127.0.0.1:$PORT/big; cmp /rump/got /rump/www/big && echo same
    busybox wget -q -O - http://127.0.0.1:$PORT/none 2>&1 | grep -o 404
    stop $server
    busybox wget -q -O - http://127.0.0.1:$PORT/ 2>&1 || :`,
  );
  t.regex(stdout, /^hello\nsame\n404\nwget: .*Connection refused\n$/);
});

/** nginx in the foreground with its files on the host, 4 workers, http on $PORT, https on 8443. */
const NGINX = `
mkdir -p $HOST/www $HOST/tmp; echo hello > $HOST/www/index.html; head -c 5000000 /dev/urandom > $HOST/www/big
openssl req -x509 -newkey rsa:2048 -nodes -keyout $HOST/key -out $HOST/cert -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null || fail certificate
cat > $HOST/nginx.conf <<END
daemon off; worker_processes 4; pid $HOST/pid; error_log $HOST/error.log; user root;
events { worker_connections 256; }
http {
  access_log $HOST/access.log; client_max_body_size 0; keepalive_timeout 60; sendfile on;
  client_body_temp_path $HOST/tmp/b; proxy_temp_path $HOST/tmp/p; fastcgi_temp_path $HOST/tmp/f; uwsgi_temp_path $HOST/tmp/u; scgi_temp_path $HOST/tmp/s;
  server { listen 127.0.0.1:$PORT; listen [::1]:$PORT; listen 127.0.0.1:8443 ssl; ssl_certificate $HOST/cert; ssl_certificate_key $HOST/key; root $HOST/www;
    location /put { dav_methods PUT; alias $HOST/put; } }
}
END
mkdir -p $HOST/put
nginx -c $HOST/nginx.conf & server=$!
listening $PORT
`;

test('curl and nginx with 4 workers: http, keep-alive, many at once', async t => {
  const { stdout, stderr } = await inNet(
    t,
    `${NGINX}
    curl -sS http://127.0.0.1:$PORT/ http://127.0.0.1:$PORT/ -w '%{num_connects}\\n'
    curl -sS -g http://[::1]:$PORT/
    curl -sS http://localhost:$PORT/
    curl -sS http://127.0.0.1:$PORT/big | cmp - $HOST/www/big && echo same
    for i in 1 2 3 4 5 6 7 8; do curl -sS http://127.0.0.1:$PORT/big -o $HOST/got$i & pids="$pids $!"; done
    wait $pids; for i in 1 2 3 4 5 6 7 8; do cmp $HOST/got$i $HOST/www/big || echo differs; done
    curl -sS -o /dev/null -w '%{http_code}\\n' http://127.0.0.1:$PORT/none
    stop $server; grep -v 'No such file' $HOST/error.log || :`,
  );
  t.is(stdout, 'hello\n1\nhello\n0\nhello\nhello\nsame\n404\n', stderr);
});

test('curl uploads 100 MB to nginx', async t => {
  const { stdout, stderr } = await inNet(
    t,
    `${NGINX}
    head -c 100000000 /dev/zero | tr '\\0' x > $HOST/large
    curl -sS -T $HOST/large http://127.0.0.1:$PORT/put/large -w '%{http_code}\\n'
    cmp $HOST/large $HOST/put/large && echo same
    stop $server; cat $HOST/error.log`,
    { timeout: 300_000 },
  );
  t.is(stdout, '201\nsame\n', stderr);
});

test('curl and nginx: https with a certificate of its own', async t => {
  const { stdout, stderr } = await inNet(
    t,
    `${NGINX}
    curl -sS --cacert $HOST/cert https://localhost:8443/
    curl -sS --cacert $HOST/cert https://127.0.0.1:8443/big | cmp - $HOST/www/big && echo same
    curl -sS https://localhost:8443/ 2>&1 | grep -o 'self-signed certificate'
    stop $server`,
  );
  t.is(stdout, 'hello\nsame\nself-signed certificate\n', stderr);
});
