import test from 'ava';
import { run, same } from '../support/run.js';

const coreutils = (title: string, script: string): void => {
  test(title, async t => {
    const result = await same(t, script);
    t.is(result.status, 0, result.stderr);
  });
};

coreutils(
  'ls, stat, touch, chmod',
  `umask 027; touch -d @1000000000.123456789 f; mkdir d; chmod u=rwx,g=s,o=t d; ln -s f l; touch -h -d @5 l
   stat -c '%n %A %a %s %F %h %u %g %y' f l; stat -c '%n %A %F' d; ls -1F; ls -l --time-style=+%s f l; stat -L -c %F l`,
);
coreutils(
  'cp, mv, ln, rm',
  `seq 1000 > a; cp -p a b; cp -r . "$HOST/all"; cp --sparse=always a c; cp -l a hard; cp -s "$PWD/a" soft; cmp a b; cmp a c
   stat -c %h a; mv -n a b; ls; mv b "$HOST/b"; cmp "$HOST/b" c; ln -sf c soft; cat soft | tail -n 1; rm -r "$HOST/all"
   mkdir -p x/y/z; rm -r x; rmdir x 2>/dev/null || echo gone; mv c c2; mv -T c2 c3; install -m 640 c3 inst; stat -c %a inst; ls`,
);
coreutils(
  'text tools read and write',
  `seq 20 | shuf --random-source=/dev/zero > f; sort -n f > s; sort -n -o f f; cmp f s; head -c 10 s; tail -n 2 s; split -l 7 s part; cat part* | cmp - s
   tac s | head -n 1; cut -c1 s | uniq | wc -l; paste s s | tail -n 1; sha256sum s > sums; sha256sum -c sums; tee copy < s | wc -c; nl s | tail -n 1; du -b s`,
);
coreutils(
  'truncate, dd, sparse files, od',
  `truncate -s 1M f; stat -c %s f; truncate -s 3 f; od -c f; dd if=/dev/urandom of=r bs=4k count=5 status=none; cp r r2; cmp r r2
   dd if=r of=r2 bs=512 seek=2 count=1 conv=notrunc status=none; stat -c %s r2; truncate -s -100 r2; stat -c %s r2; fallocate -l 9999 g; stat -c %s g`,
);
coreutils(
  'directories: pwd, readlink, realpath, mktemp',
  `mkdir -p a/b; cd a/b; pwd; pwd -P; cd ..; pwd; cd -; ln -s ../.. up; cd up; pwd; pwd -P; cd "$DIR"; realpath a/b/up; readlink -f a/../a/b
   f=$(mktemp ./tmp.XXXXXX); test -f "$f" && rm "$f"; d=$(mktemp -d ./d.XXXXXX); stat -c %a "$d"; rmdir "$d"; ls`,
);
coreutils(
  'find and xargs',
  `mkdir -p a/b; touch -d @10 a/1 a/b/2; find . -printf '%P %y %d\\n' | sort; find . -type f -newermt 2000-01-01; find . -type f -print0 | sort -z | xargs -0 ls
   find . -name 2 -delete; find -L . | sort; find . -mindepth 1 -maxdepth 1 -exec stat -c %n {} \\;`,
);
coreutils(
  'GNU tar in both directions',
  `mkdir -p t/d; seq 100 > t/s; ln t/s t/hard; ln -s s t/soft; truncate -s 100k t/hole; tar -cf "$HOST/t.tar" t; mkdir o; tar -xf "$HOST/t.tar" -C o; diff -r t o/t; stat -c %h o/t/s
   tar -czf t.tgz t; tar -tzf t.tgz | sort; tar -xzf t.tgz -C "$HOST"; diff -r t "$HOST/t" && echo same`,
);
coreutils(
  'symlinks that point out, and ..',
  `echo host > "$HOST/f"; ln -s "$HOST/f" out; readlink out | wc -l; ln -s loop loop; cat loop 2>&1 | sed 's/.*: //'; cat nowhere 2>&1 | sed 's/.*: //'
   mkdir d; cd d; cat ../d/../../$(basename "$DIR")/none 2>/dev/null || echo none; cd ..; ls d/.. | head -n 1`,
);
coreutils(
  'errors',
  `mkdir d; touch f; rmdir f; mkdir d; cat d; ls f/x; rm d; cd f; ln f d/f; ln d e; mv d d/in; touch x/y; mv f d/; mv d f; rmdir d; readlink d; mknod n p; ls; true`,
);

test('a symlink does not change kernels: what it names is looked up in the rump kernel', async t => {
  const result = await run([
    'run',
    '--',
    'sh',
    '-c',
    'ln -s /etc/passwd /rump/out; cat /rump/out; mkdir /rump/etc; echo rump > /rump/etc/passwd; cat /rump/out',
  ]);
  t.is(result.stdout, 'rump\n');
  t.regex(result.stderr, /out: No such file or directory/);
});

test('.. stays in the rump kernel at its root', async t => {
  const script =
    'cd /rump && mkdir d && cd -P d/../.. && ls -d dev && cd -P ../../.. && ls -d d && cat ../etc/passwd';
  const result = await run(['run', '--', 'busybox', 'sh', '-c', script]);
  t.is(result.stdout, 'dev\nd\n');
  t.regex(result.stderr, /passwd: No such file or directory|can't open/);
});

test('getcwd shows the prefix', async t => {
  const script =
    'cd /rump; /bin/pwd; mkdir -p a/b; cd a/b; /bin/pwd; cd /tmp; /bin/pwd; cd /rumpdev 2>/dev/null || echo host';
  const result = await run(['run', '--', 'sh', '-c', script]);
  t.is(result.stdout, '/rump\n/rump/a/b\n/tmp\nhost\n');
});
