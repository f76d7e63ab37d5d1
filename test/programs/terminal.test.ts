// On a terminal: job control, signals from keys, and the window's size are as without us.
import test from 'ava';
import { inPty, program, rumphijack } from '../support/run.js';

const bash = [rumphijack, 'run', '--', 'bash', '--norc', '--noprofile', '--noediting', '-i'];
const env = { PS1: 'ready> ' };
const prompt = { expect: 'ready> $' };
// The terminal echoes what is typed, so what is expected must not be in the line that asks for it.
const say = (word: string): string => `echo ${word.slice(0, 1)}''${word.slice(1)}`;

test('an interactive shell: prompt, commands, exit status', async t => {
  const result = await inPty(
    bash,
    [
      prompt,
      { send: `cd /rump; echo text > f; cat f; ${say('done')}\n` },
      { expect: 'text\r\ndone\r\n' },
      prompt,
      { send: 'pwd\n' },
      { expect: '/rump\r\n' },
      prompt,
      { send: 'exit 7\n' },
    ],
    { env },
  );
  t.is(result.status, 7);
  t.notRegex(result.output, /no job control|cannot set terminal/);
});

test('^C ends the foreground program, not the shell', async t => {
  const result = await inPty(
    bash,
    [
      prompt,
      { send: `${program('hammer')} /rump 2\n` },
      { expect: 'round\r\n' },
      { send: '\x03' },
      prompt,
      { send: 'echo "status $?"\n' },
      { expect: 'status 130' },
      prompt,
      { send: 'cat\n' },
      { expect: 'cat\r\n' },
      { send: 'line\n' },
      { expect: 'line\r\nline\r\n' },
      { send: '\x03' },
      prompt,
      { send: 'exit 0\n' },
    ],
    { env },
  );
  t.is(result.status, 0);
});

test('^Z stops, fg and bg go on', async t => {
  const result = await inPty(
    bash,
    [
      prompt,
      // Started for sure, and not still the shell, when the key comes; and what was typed is read by then, since the
      // key empties the terminal's queue.
      { send: "sh -c 'echo st''arted; exec tee /rump/typed'\n" },
      { expect: 'started\r\n' },
      { send: 'one\n' },
      { expect: 'one\r\none\r\n' },
      { send: '\x1a' },
      { expect: 'Stopped' },
      prompt,
      { send: `${say('between')}; jobs\n` },
      { expect: 'between\r\n.*Stopped' },
      prompt,
      { send: 'fg\n' },
      { expect: "tee /rump/typed'\r\n" },
      { send: 'two\n' },
      { expect: 'two\r\ntwo\r\n' },
      { send: '\x04' },
      prompt,
      { send: 'wc -l < /rump/typed\n' },
      { expect: '2\r\n' },
      prompt,
      { send: 'exit 0\n' },
    ],
    { env },
  );
  t.is(result.status, 0);
});

test('^Z on the whole of us, from an outer shell', async t => {
  const result = await inPty(
    ['bash', '--norc', '--noprofile', '--noediting', '-i'],
    [
      prompt,
      {
        send: `${rumphijack} run -- sh -c 'echo st''arted; read line; echo "$line" > /rump/f; cat /rump/f'\n`,
      },
      { expect: 'started\r\n' },
      { send: '\x1a' },
      { expect: 'Stopped' },
      prompt,
      { send: 'fg\n' },
      { expect: "cat /rump/f'\r\n" },
      { send: 'typed\n' },
      { expect: 'typed\r\ntyped\r\n' },
      prompt,
      { send: 'exit 3\n' },
    ],
    { env },
  );
  t.is(result.status, 3);
});

test("the window size is the program's, and changes reach it", async t => {
  const script = `
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH])
print("started", flush=True)
signal.sigwait([signal.SIGWINCH])
print(os.get_terminal_size(), flush=True)
sys.exit(4)`;
  const result = await inPty(
    [rumphijack, 'run', '--', '/usr/bin/python3', '-SBc', script],
    [{ expect: 'started\r\n' }, { resize: [33, 111] }, { expect: 'columns=111, lines=33' }],
  );
  t.is(result.status, 4);
});

test("the terminal's own ^C reaches the program, and we exit as it did", async t => {
  const result = await inPty(
    [
      rumphijack,
      'run',
      '--',
      'bash',
      '-c',
      `trap 'echo caught; exit 9' INT; echo st''arted; while :; do read line || :; done`,
    ],
    [{ expect: 'started\r\n' }, { send: '\x03' }, { expect: 'caught\r\n' }],
  );
  t.is(result.status, 9);
});
