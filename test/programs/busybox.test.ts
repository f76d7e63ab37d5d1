// A static program: everything here runs in busybox's own shell and applets, without a C library to hook.
import test from 'ava';
import { program, run, same } from '../support/run.js';

const shell = ['/usr/bin/busybox', 'sh'];
const busybox = (title: string, script: string): void => {
  test(title, async t => {
    // Debian's busybox prefers its own applets only when it is told so.
    const applets =
      'for a in ls cp mv find vi tar cat mkdir rm stat touch ln chmod grep sort wc dd du md5sum readlink;' +
      ' do alias $a="/usr/bin/busybox $a"; done';
    const result = await same(t, `${applets}\n${script}`, { shell });
    t.is(result.status, 0, result.stderr);
  });
};

test('busybox is static', async t => {
  const { stdout } = await run(['run', '--', 'sh', '-c', 'head -c 4 /usr/bin/busybox | tail -c 3; ls /rump']);
  t.is(stdout, 'ELFdev\n');
});

busybox(
  'sh, mkdir, redirections, cat',
  'mkdir -p a/b; echo one > a/b/f; echo two >> a/b/f; cat < a/b/f; pwd',
);

busybox(
  'ls -l and stat',
  `umask 022; echo text > f; mkdir d; ln -s f l; ln f hard; chmod 4751 f; touch -d '2001-02-03 04:05:06' f d
   touch -h -d '2001-02-03 04:05:06' l; ls -lan . | grep -v ' \\.\\.\\?$'; stat -c '%n %s %a %F %h %u %g %X %Y' f d; stat -c '%n %s %a %F %h %Y' l`,
);

busybox(
  'cp -a keeps modes, times and links',
  `umask 022; mkdir -p from/sub; echo x > from/x; chmod 600 from/x; ln -s x from/l; echo y > from/sub/y
   touch -d '2001-02-03 04:05:06' from/x from/sub/y; cp -a from to; cp -a from "$HOST/to"; cp -a "$HOST/to" back
   for d in to back "$HOST/to"; do (cd $d; find . -type f -o -type l | sort | while read f; do
     stat -c '%n %s %a %F %Y' $f | grep -v symbolic; readlink $f; done); done; cat to/sub/y back/x`,
);

busybox(
  'mv in both directions',
  `mkdir d; echo in > d/in; echo one > one; mv one two; cat two; mv d "$HOST/d"; ls; cat "$HOST/d/in"
   mv "$HOST/d" e; ls . e; ls "$HOST"; mv two "$HOST"; cat "$HOST/two"; mv "$HOST/two" .; cat two; mv e/in e/../in; ls`,
);

busybox(
  'find',
  `mkdir -p a/b/c d; touch a/1 a/b/2 a/b/c/3; ln -s 1 a/l; find . | sort; find . -type f -name '[23]' | sort
   find . -type d -empty; find a -type f -exec cat {} +; find . -type l; find "$DIR" -name 3; find a -type f -exec rm {} \\; ; find . | sort`,
);

test('vi batch edits', async t => {
  const result = await same(
    t,
    `printf 'one\\ntwo\\nthree\\n' > f; /usr/bin/busybox vi -c '%s/o/0/g' -c 2d -c wq f >/dev/null </dev/null; cat f; ls`,
    { shell },
  );
  t.is(result.stdout, '0ne\nthree\nf\n');
});

busybox(
  'tar in and out',
  `umask 022; mkdir -p t/sub; echo a > t/a; echo b > t/sub/b; ln -s a t/l; chmod 700 t/sub
   tar cf "$HOST/x.tar" t; tar cf x.tar t; mkdir in; tar xf "$HOST/x.tar" -C in; cat in/t/sub/b; readlink in/t/l
   stat -c %a in/t/sub; tar tf x.tar | sort; tar czf x.tgz t; mkdir z; tar xzf x.tgz -C z; find z | sort`,
);

busybox(
  'dd and large files',
  `dd if=/dev/zero of=z bs=64k count=160 2>/dev/null; dd if=/dev/zero of=sparse bs=1 count=1 seek=10000000 2>/dev/null
   stat -c '%n %s' z sparse; md5sum z sparse; dd if=z bs=1000 skip=3 count=2 2>/dev/null | wc -c
   dd if=/dev/zero of=z bs=1 count=1 seek=5 conv=notrunc 2>/dev/null; stat -c %s z`,
);

test('the static and the dynamic build of one program agree', async t => {
  for (const name of ['threads', 'threads.static']) {
    const result = await same(t, `${program(name)} "$DIR"`);
    t.is(result.status, 0, result.stderr);
    t.is(result.stdout.split('\n').length, 17);
  }
});
