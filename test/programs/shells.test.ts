import test from 'ava';
import { same } from '../support/run.js';

const scripts: Record<string, string> = {
  redirections: `echo out > f; echo more >> f; cat < f; { echo err >&2; } 2> e; cat e; echo both > b 2>&1; cat b
    : > empty; wc -c < empty; set -C; echo x > f 2>/dev/null || echo noclobber; echo y >| f; cat f`,
  'here-documents': `cat > f <<END
first $((1 + 1))
END
cat <<'END' >> f
literal $HOME
END
cat f; cat <<-END
	tab
	END`,
  'pipes and subshells': `(mkdir in && cd in && basename "$PWD"); seq 100 > n; cat n | sort -r | tee copy | head -n 3; wc -l < copy
    x=$(cat n | wc -l); echo $x; (echo sub > s; exit 3); echo $?; cat s; { cat s; cat s; } | wc -l`,
  'exec 3<>file': `exec 3<>f; echo hello >&3; echo again >&3; cat f; exec 4<f; read a <&4; read b <&4; echo $b $a
    exec 3>&- 4<&-; exec 5>>f; echo third >&5; exec 5>&-; cat f; { echo bad >&3; } 2>/dev/null || echo closed`,
  'descriptors on low numbers': `exec 6>&1 1>f; echo hidden; ls; exec 1>&6 6>&-; cat f; exec 7<f 0<&7; read line; echo $line`,
  loops: `for i in 1 2 3 4 5; do echo $i > f$i; done; cat f*; for f in f[2-4]; do mv $f g$f; done; echo *
    while read l; do echo "<$l>"; done < f1; until [ -e stop ]; do touch stop; done; test -f stop && rm stop; ls`,
  'scripts in the directory': `printf '#!/bin/sh\\necho "script: $0 $*"; exit 7\\n' > s; chmod +x s; ./s a b; echo $?
    "$DIR/s" c; mkdir bin; cp s bin/tool; PATH=$PATH:$DIR/bin; tool d; . ./s 2>/dev/null`,
  background: `sleep 0 & wait $!; echo $?; (echo one > o) & wait; cat o; mkfifo p; echo through > p & cat p; wait; ls -l p | cut -c1`,
  traps: `trap 'rm -f t; echo cleaned; ls' EXIT; touch t; trap 'echo usr1' USR1; kill -USR1 $$ & wait; ls`,
  'tests and globs': `touch a b.txt .dot; mkdir d; ln -s a l; ln -s none broken; for f in a d l broken none; do
    for op in -e -f -d -L -s -r -w -x; do test $op $f && printf '%s%s ' $f $op; done; done; echo; echo *; echo .d* */ ; [ a -ef l ] && echo one`,
};

for (const shell of ['dash', 'bash']) {
  for (const [title, script] of Object.entries(scripts)) {
    test(`${shell}: ${title}`, async t => {
      await same(t, script, { shell: [shell] });
      t.pass();
    });
  }
}

test('bash: process substitution, arrays, here-strings', async t => {
  const result = await same(
    t,
    `cat <<< "here" > f; diff <(sort f) <(cat f) && echo equal; mapfile -t a < <(seq 3); echo "\${a[2]}"
     exec {fd}<>g; echo "big number" >&$fd; cat g; exec {fd}>&-; coproc cat; echo co >&\${COPROC[1]}; read x <&\${COPROC[0]}; echo $x; eval "exec \${COPROC[1]}>&-"; wait`,
    { shell: ['bash'] },
  );
  t.is(result.stderr, '');
});
