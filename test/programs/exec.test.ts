/** Programs and scripts that live in the rump kernel, and those of the host that point there. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { inRump, program, run, scratch } from '../support/run.js';

test('a static and a dynamic program, by absolute and by relative path, under their own names', async t => {
  const { stdout, stderr, status } =
    await inRump(`cp $(command -v busybox) /rump/busybox; cp /usr/bin/env /rump/env
    cd /rump && ./busybox echo static && ./env printf 'dynamic\\n' && ./busybox cat /proc/self/comm
    /rump/busybox readlink /proc/self/exe; PATH=/rump; exec busybox sh -c 'exit 9'`);
  t.is(stdout, 'static\ndynamic\nbusybox\n/rump/busybox\n', stderr);
  t.is(status, 9);
});

test('scripts: interpreters on either side, with an argument, of interpreters', async t => {
  const dir = scratch(t);
  const script = join(dir, 'host-script');
  writeFileSync(script, '#!/rump/busybox sh\necho host script "$@"\n');
  chmodSync(script, 0o755);
  const { stdout, stderr } = await inRump(`cd /rump; cp $(command -v busybox) busybox
    printf '#!/rump/busybox sh\\necho rump script "$0" "$@"\\n' > a; printf '#!/rump/a word\\n' > b; chmod +x a b
    ./a 1; ./b 2; ${script} 3`);
  t.is(stdout, `rump script ./a 1\nrump script /rump/a word ./b 2\nhost script 3\n`, stderr);
});

test('execveat and fexecve of a rump descriptor', async t => {
  const { stdout, stderr, status } = await run([
    'run',
    '--',
    'python3',
    '-c',
    `
import os, shutil
shutil.copy('/bin/true', '/rump/true'); shutil.copy('${program('forktree')}', '/rump/tree')
for file in ('/rump/true',):
    pid = os.fork()
    if pid == 0: os.execve(os.open(file, os.O_RDONLY), ['true'], {})
    print(os.waitpid(pid, 0)[1])
os.chmod('/rump/true', 0o644)
try: os.execv('/rump/true', ['true'])
except OSError as e: print(e.errno)
open('/rump/text', 'w').write('no program'); os.chmod('/rump/text', 0o755)
try: os.execv('/rump/text', ['text'])
except OSError as e: print(e.errno)
try: os.execv('/rump', ['rump'])
except OSError as e: print(e.errno)
print(len(os.listdir('/proc/self/fd')) < 10)`,
  ]);
  t.is(stdout, '0\n13\n8\n13\nTrue\n', stderr);
  t.is(status, 0);
});

test('a program with close-on-exec descriptors keeps the others', async t => {
  const { stdout, stderr } = await run([
    'run',
    '--',
    'python3',
    '-c',
    `
import os
keep = os.open('/rump/k', os.O_CREAT | os.O_RDWR); drop = os.open('/rump/d', os.O_CREAT | os.O_RDWR)
os.write(keep, b'kept'); os.lseek(keep, 0, 0); os.set_inheritable(keep, True)
os.execv('/bin/sh', ['sh', '-c', f'cat /proc/self/fd/{keep}; echo; cat <&{drop}'])`,
  ]);
  t.is(stdout, 'kept\n');
  t.regex(stderr, /[Bb]ad file descriptor|[Bb]ad fd/);
});
