/** Larger programs: redis, Go, Node. */
import test from 'ava';
import { inNet, node } from '../../support/net.js';

test('redis: 200 clients of redis-benchmark, redis-cli, a pipeline', async t => {
  const { stdout, stderr } = await inNet(
    t,
    `redis-server --port $PORT --bind 127.0.0.1 --save '' --appendonly no --dir $HOST --daemonize no > $HOST/log & server=$!
    listening $PORT
    redis-cli -p $PORT set key value; redis-cli -p $PORT get key
    redis-benchmark -p $PORT -c 200 -n 4000 -t ping_mbulk,set,get,lpush -q --csv | cut -d, -f1
    redis-benchmark -p $PORT -c 50 -P 16 -n 20000 -t set,get -q --csv | cut -d, -f1
    redis-cli -p $PORT info clients | grep -o 'connected_clients:[0-9]*'
    redis-cli -p $PORT shutdown nosave; wait $server; echo ended`,
    { timeout: 300_000 },
  );
  const names = (all: string[]) => all.map(name => `"${name}"\n`).join('');
  t.is(
    stdout,
    `OK\nvalue\n${names(['test', 'PING_MBULK', 'SET', 'GET', 'LPUSH'])}${names(['test', 'SET', 'GET'])}connected_clients:1\nended\n`,
    stderr,
  );
});

test('node: http server and fetch, keep-alive, streams of 20 MB, a refused connection', async t => {
  const { stdout, stderr } = await inNet(
    t,
    `cat > $HOST/t.mjs <<'END'
import http from 'node:http';
import net from 'node:net';
import { createHash, randomBytes } from 'node:crypto';
const body = randomBytes(20_000_000);
const server = http.createServer((request, response) => {
  if (request.method === 'GET') return response.end(body);
  const hash = createHash('sha256');
  request.on('data', chunk => hash.update(chunk)).on('end', () => response.end(hash.digest('hex')));
});
// A connection that is taken up again while the server lets it go is refused: Node's own race, after 5 s unless told.
server.keepAliveTimeout = 60_000;
await new Promise(done => server.listen(0, '127.0.0.1', done));
const url = 'http://127.0.0.1:' + server.address().port + '/';
console.log(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(body));
console.log((await (await fetch(url, { method: 'POST', body })).text()) === createHash('sha256').update(body).digest('hex'));
console.log((await Promise.all(Array.from({ length: 20 }, async () => (await (await fetch(url)).arrayBuffer()).byteLength))).every(n => n === body.length));
const echo = net.createServer(socket => socket.pipe(socket));
await new Promise(done => echo.listen(0, '::1', done));
const client = net.connect(echo.address().port, '::1');
client.write('hello'); console.log(String(await new Promise(done => client.once('data', done)))); client.destroy();
echo.close(); server.close(); server.closeAllConnections();
await new Promise(done => net.connect(1, '127.0.0.1').on('error', error => { console.log(error.code); done(); }));
END
    ${node} $HOST/t.mjs`,
  );
  t.is(stdout, 'true\ntrue\ntrue\nhello\nECONNREFUSED\n', stderr);
});

test('Go: net/http server and client, static, 100 at once', async t => {
  const { stdout, stderr } = await inNet(
    t,
    `export GOCACHE=$HOST/cache GOPATH=$HOST/go GO111MODULE=off CGO_ENABLED=0
    cat > $HOST/main.go <<'END'
package main
import ("bytes"; "fmt"; "io"; "net"; "net/http"; "sync")
func main() {
	body := bytes.Repeat([]byte("0123456789"), 100000)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil { panic(err) }
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" { n, _ := io.Copy(io.Discard, r.Body); fmt.Fprint(w, n); return }
		w.Write(body)
	}))
	url := "http://" + listener.Addr().String() + "/"
	var wait sync.WaitGroup
	var mutex sync.Mutex
	good := 0
	for i := 0; i < 100; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			answer, err := http.Get(url)
			if err != nil { fmt.Println(err); return }
			got, err := io.ReadAll(answer.Body)
			answer.Body.Close()
			if err == nil && bytes.Equal(got, body) { mutex.Lock(); good++; mutex.Unlock() }
		}()
	}
	wait.Wait()
	fmt.Println(good)
	answer, err := http.Post(url, "text/plain", bytes.NewReader(body))
	if err != nil { panic(err) }
	text, _ := io.ReadAll(answer.Body)
	fmt.Println(string(text))
	interfaces, err := net.Interfaces()
	fmt.Println(len(interfaces), err)
	_, err = net.Dial("tcp", "127.0.0.1:1")
	fmt.Println(err)
}
END
    (cd $HOST && go build -o main main.go) || fail build
    $HOST/main`,
    { timeout: 300_000 },
  );
  t.is(stdout, '100\n1000000\n1 <nil>\ndial tcp 127.0.0.1:1: connect: connection refused\n', stderr);
});
