// The examples of README.md and the manual page do what they show.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { exec, root } from './support/run.js';

type Example = { command: string; output: string };

/** `$ command` lines, each with the output up to the next one. */
function examples(text: string): Example[] {
  const found: Example[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('$ ')) found.push({ command: line.slice(2), output: '' });
    else if (found.length > 0) found[found.length - 1].output += `${line}\n`;
  }
  return found;
}

const blocks = (file: string, block: RegExp): string[] =>
  [...readFileSync(join(root, file), 'utf8').matchAll(block)].map(match => match[1]);

const readme = blocks('README.md', /```console\n([\s\S]*?)```/g).flatMap(examples);
const manual = (page: string): Example[] =>
  blocks(page, /^\.Bd -literal -offset indent\n([\s\S]*?)\n?^\.Ed/gm).flatMap(examples);

for (const [file, list] of Object.entries({
  'README.md': readme,
  'rumphijack(1)': manual('man/rumphijack.1'),
  'rumphijack-explain(1)': manual('man/rumphijack-explain.1'),
  'rumphijack-doctor(1)': manual('man/rumphijack-doctor.1'),
})) {
  test(`${file}: the examples run`, async t => {
    t.true(list.length >= 4);
    for (const { command, output } of list) {
      const env = {
        PATH: `${root}/bin:/usr/sbin:/usr/bin:/sbin:/bin:${process.execPath.replace(/\/[^/]*$/, '')}`,
      };
      // Errors that an example shows are part of its output; what -v tells is not shown.
      const script = command.includes(' -v ') ? `{ ${command}; } 2>/dev/null` : `{ ${command}; } 2>&1`;
      const result = await exec('bash', ['-c', script], { env });
      t.is(result.stdout.trim(), output.trim(), `${command}\n${result.stderr}`);
    }
  });
}

test('the manual page has every option of the command, and no other', async t => {
  const help = await exec(join(root, 'bin/rumphijack'), ['run', '--help']);
  const options = (text: string) => new Set([...text.matchAll(/--([a-z][a-z-]+)/g)].map(match => match[1]));
  const page = readFileSync(join(root, 'man/rumphijack.1'), 'utf8').replaceAll('Fl Fl ', '--');
  const listed = options([...page.matchAll(/^\.It (.*)$/gm)].map(match => match[1]).join('\n'));
  const known = options(help.stdout.split('Examples:')[0]);
  t.deepEqual([...listed].sort(), [...known].sort());
});

for (const command of ['explain', 'doctor']) {
  test(`rumphijack-${command}(1) has every option of ${command}, and no other`, async t => {
    const help = await exec(join(root, 'bin/rumphijack'), [command, '--help']);
    const page = readFileSync(join(root, `man/rumphijack-${command}.1`), 'utf8').replaceAll('Fl Fl ', '--');
    const options = (text: string) =>
      [...text.matchAll(/^(?:\.It| ) --([a-z]+)/gm)].map(match => match[1]).sort();
    t.deepEqual(options(page), options(help.stdout));
  });
}

test('the manual page and README name every option of server and every command of ctl', async t => {
  const page = readFileSync(join(root, 'man/rumphijack.1'), 'utf8').replaceAll('Fl Fl ', '--');
  const text = readFileSync(join(root, 'README.md'), 'utf8');
  const server = (await exec(join(root, 'bin/rumphijack'), ['server', '--help'])).stdout.split(
    'Examples:',
  )[0];
  for (const [, option] of server.matchAll(/--(pid-file|ready-fd|listen-[a-z]+)/g)) {
    t.true(page.includes(`--${option}`), option);
    t.true(text.includes(`--${option}`), option);
  }
  const ctl = (await exec(join(root, 'bin/rumphijack'), ['ctl', '--help'])).stdout;
  for (const command of 'ps ls cat cp mkdir rm mount umount df sysctl ifconfig route ping halt'.split(' ')) {
    t.regex(ctl, new RegExp(`^  ${command}\\b`, 'm'));
    t.regex(page, new RegExp(`\\b${command}\\b`));
    t.regex(text, new RegExp(`\\b${command}\\b`));
  }
});
