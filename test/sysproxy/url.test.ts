/** Servers' URLs, good and bad. */
import test from 'ava';
import { parseUrl, UrlError } from '../../src/sysproxy/url.js';

test('unix sockets', t => {
  for (const path of [
    '/tmp/rump',
    'relative',
    './x',
    '../up/x',
    '/with space',
    '/ünï',
    '/a:b',
    '/',
    '//x',
    '/x?y#z',
  ]) {
    t.deepEqual(parseUrl(`unix://${path}`), { kind: 'unix', text: `unix://${path}`, path });
  }
});

test('a path as long as sun_path allows, in bytes', t => {
  t.is(parseUrl(`unix:///${'x'.repeat(106)}`).kind, 'unix');
  t.throws(() => parseUrl(`unix:///${'x'.repeat(107)}`), {
    instanceOf: UrlError,
    message: /longer than 107/,
  });
  t.throws(() => parseUrl(`unix:///${'ü'.repeat(54)}`), { instanceOf: UrlError });
});

test('tcp', t => {
  const good: [string, string, string][] = [
    ['127.0.0.1:1234/', '127.0.0.1', '1234'],
    ['127.0.0.1:1234', '127.0.0.1', '1234'],
    ['localhost:0/', 'localhost', '0'],
    ['a-b.example:65535', 'a-b.example', '65535'],
    ['[::1]:80/', '::1', '80'],
    ['[fe80::1%lo]:80', 'fe80::1%lo', '80'],
    ['[::ffff:1.2.3.4]:080', '::ffff:1.2.3.4', '80'],
  ];
  for (const [rest, host, port] of good) {
    t.deepEqual(parseUrl(`tcp://${rest}`), { kind: 'tcp', text: `tcp://${rest}`, host, port });
  }
});

test('what is no URL is one line that says so', t => {
  const bad = [
    '',
    'unix',
    'unix:',
    'unix:/x',
    'unix://',
    'UNIX:///x',
    ' unix:///x',
    '/tmp/rump',
    'http://x:1/',
    'unix:///a\0b',
    'tcp://',
    'tcp://host',
    'tcp://host/',
    'tcp://:80/',
    'tcp://host:/',
    'tcp://host:port/',
    'tcp://host:65536/',
    'tcp://host:99999999999999999999/',
    'tcp://host:-1/',
    'tcp://host:1/path',
    'tcp://host:1//',
    'tcp://a b:1/',
    'tcp://::1:80/',
    'tcp://[]:80/',
    'tcp://[::1]/',
    'tcp://[::1:80/',
    'tcp://ho\0st:1/',
    'tcp://host:1/\n',
    'tcp://host: 1/',
    'tcp://host:1e3/',
    'tcp://host:0x50/',
    'tcp://user@host:1:2/',
  ];
  for (const text of bad) {
    const error = t.throws(() => parseUrl(text), { instanceOf: UrlError }, JSON.stringify(text));
    if (error !== undefined) t.regex(error.message, /^bad server URL[^\0]*$/, JSON.stringify(text));
  }
});
