// Programs of some size, each doing its daily work in /rump.
import test from 'ava';
import { exec, inRump, run, same, scratch } from '../support/run.js';

test('age, a Go program: encrypts and decrypts in /rump', async t => {
  const host = scratch(t);
  const script = `mkdir /rump/k && cd /rump/k && age-keygen -o key 2> pub && seq 10000 > plain
    age -r "$(sed 's/Public key: //' pub)" -o secret plain && age -d -i key secret | cmp - plain && head -c 21 secret
    cp key secret "$HOST/" && age -d -i key -o back secret && cmp back plain && stat -c %a key`;
  const result = await inRump(script, { env: { HOST: host } });
  t.is(result.status, 0, result.stderr);
  t.is(result.stdout, 'age-encryption.org/v1600\n');
  const outside = await exec('age', ['-d', '-i', `${host}/key`, `${host}/secret`]);
  t.is(outside.stdout.split('\n').length, 10_001);
});

test('age: what was encrypted outside is read inside', async t => {
  const host = scratch(t);
  const made = await exec('sh', [
    '-c',
    `cd ${host} && age-keygen -o key 2> pub && echo hidden | age -r "$(sed 's/Public key: //' pub)" > secret`,
  ]);
  t.is(made.status, 0, made.stderr);
  const result = await inRump(`cp ${host}/* /rump/ && age -d -i /rump/key /rump/secret`);
  t.is(result.stdout, 'hidden\n', result.stderr);
});

const gitEnv = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.org',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.org',
  GIT_AUTHOR_DATE: '2001-02-03T04:05:06Z',
  GIT_COMMITTER_DATE: '2001-02-03T04:05:06Z',
};

test('git init, add, commit, branch, merge, clone, gc, fsck', async t => {
  const result = await same(
    t,
    `git init -q -b main repo && cd repo && seq 100 > a && mkdir sub && echo b > sub/b && ln -s a link && git add . && git commit -qm first
     git checkout -q -b side && echo c > c && git add c && git commit -qm side && git checkout -q main && echo more >> a && git commit -qam more
     git merge -q -m merge side && git status --short && git log --format='%h %s' && cd .. && git clone -q repo copy && cd copy && git log --oneline | wc -l
     git ls-files -s && git gc -q && git fsck --full 2>&1 && git count-objects -v | grep -E 'in-pack|^count' && git diff HEAD~1 --stat && git clone -q "$DIR/repo" "$HOST/out" && ls "$HOST/out"`,
    { env: gitEnv },
  );
  t.is(result.status, 0, result.stderr);
});

test('git: many files, status, stash, reset, clean', async t => {
  const result = await same(
    t,
    `git init -q -b main && for i in $(seq 150); do echo $i > f$i; done && git add . && git commit -qm all && echo x > f7 && rm f8 && echo n > new && git status --short
     git stash -q && git status --short && git stash pop -q && git status --short && git reset -q --hard && git clean -fdq && git status --short && ls | wc -l && git grep -c 77 && git archive HEAD | tar t | wc -l`,
    { env: gitEnv },
  );
  t.is(result.status, 0, result.stderr);
});

test('sqlite3: a journal, 10,000 inserts, rollback, integrity', async t => {
  const sql = `pragma journal_mode=delete; create table t(id integer primary key, v text);
    begin; with recursive n(i) as (select 1 union all select i+1 from n where i<10000) insert into t select i, hex(i*i) from n; commit;
    begin; delete from t where id % 2; select count(*) from t; rollback; select count(*), sum(length(v)) from t;
    create index tv on t(v); update t set v = v || 'x' where id < 100; pragma integrity_check; vacuum; select max(id) from t;`;
  const result = await same(
    t,
    `sqlite3 db <<'END'\n${sql}\nEND\n ls -l db | cut -c1-10 && sqlite3 db .dump | sha256sum && ls`,
  );
  t.is(result.status, 0, result.stderr);
});

test('sqlite3: every insert a transaction of its own, then a second process', async t => {
  const result = await same(
    t,
    `{ echo 'create table t(v);'; for i in $(seq 200); do echo "insert into t values($i);"; done; } | sqlite3 db && sqlite3 db 'select count(*), sum(v) from t' && sqlite3 db 'pragma journal_mode=persist; insert into t values(1); select count(*) from t' && ls`,
  );
  t.is(result.status, 0, result.stderr);
});

test('gcc compiles a program in /rump, and it runs there', async t => {
  const result = await same(
    t,
    `export TMPDIR="$DIR"; printf '#include <stdio.h>\\n#include "h.h"\\nint main(int c, char **v) { printf("%%s %%d %%s\\\\n", TEXT, c, v[1]); return 5; }\\n' > m.c
     echo '#define TEXT "built here"' > h.h; gcc -O1 -o m m.c && ./m x; echo $?; gcc -static -o s m.c && "$DIR/s" y; echo $?
     gcc -c m.c && ar rc lib.a m.o && gcc -o l -L. lib.a && ./l z; printf 'all: m2\\nm2: m.c\\n\\tgcc -o $@ $<\\n' > Makefile; make -s && ./m2 w; ls`,
  );
  t.is(result.status, 0, result.stderr);
});

test('rsync -a both ways, with equal checksums', async t => {
  const host = scratch(t);
  const script = `mkdir -p "$HOST/tree/a/b" && cd "$HOST/tree" && seq 50000 > a/big && echo x > a/b/x && ln -s big a/link && ln a/big hard && chmod 640 a/b/x && touch -d @100 a/b/x
    rsync -aH "$HOST/tree/" /rump/tree && rsync -aH /rump/tree/ "$HOST/back" && diff -r "$HOST/tree" "$HOST/back" && rsync -aHcn --delete -i "$HOST/tree/" /rump/tree/
    cd /rump/tree && find . -type f | sort | xargs sha256sum > "$HOST/in" && cd "$HOST/tree" && sha256sum -c --quiet "$HOST/in" && echo changed >> a/big && rsync -a --delete "$HOST/tree/" /rump/tree && tail -n 1 /rump/tree/a/big
    stat -c '%a %Y' /rump/tree/a/b/x; readlink /rump/tree/a/link; stat -c %h /rump/tree/hard`;
  const result = await inRump(script, { env: { HOST: host } });
  t.deepEqual(result, { stdout: 'changed\n640 100\nbig\n1\n', stderr: '', status: 0, signal: null });
});

test('strings of one tool chain: find, xargs, grep, sed -i, awk, diff, patch', async t => {
  const result = await same(
    t,
    `for i in 1 2 3; do printf 'name=%d\\nkeep\\n' $i > f$i; done; cp f1 f1.orig; sed -i s/name/key/ f1 f2; grep -r key . | sort; diff -u f1.orig f1 | tail -n +3; awk -F= '/=/ {print $2 > "out"}' f3; cat out
     grep -rl keep . | sort | xargs wc -l; find . -name 'f?' | xargs -P 2 -n 1 cat | sort | uniq -c`,
  );
  t.is(result.status, 0, result.stderr);
});

test('the environment of the program has none of ours', async t => {
  const { stdout } = await run(['run', '--', 'env'], { env: { MARK: 'x y' } });
  t.regex(stdout, /^MARK=x y$/m);
  t.notRegex(stdout, /RUMPHIJACK_LAUNCH/);
});
