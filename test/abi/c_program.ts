import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Compiles a C program with cc and `flags`, runs it on `input`, and returns the words of each line that it prints. */
export function runC(
  source: string,
  input: Uint8Array = new Uint8Array(),
  _flags: readonly string[] = [],
): string[][] {
  const dir = mkdtempSync(join(tmpdir(), 'rumphijack-abi-'));
  try {
    const program = join(dir, 'program');
    execFileSync('cc', ['-w', '-isystem', '/usr/include/lwip', '-x', 'c', '-o', program, '-'], {
      input: source,
    });
    const output = execFileSync(program, { input, encoding: 'latin1' });
    return output
      .trim()
      .split('\n')
      .map(line => line.split(' '));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/**
 * The values that the headers give to names, as text; names that they do not define are missing.
 * printf is declared by hand: the kernel's headers and glibc's do not go together in one program.
 */
export function headerValues(includes: readonly string[], names: readonly string[]): Map<string, string> {
  const lines = [
    '#define _GNU_SOURCE',
    ...includes.map(include => `#include <${include}>`),
    'int printf(const char *, ...);',
    '#define SHOW(x) _Generic((x), char *: "%s %s\\n", default: "%s %lld\\n")',
    'int main(void) {',
    ...names.flatMap(name => [
      `#ifdef ${name}`,
      `printf(SHOW(${name}), "${name}", _Generic((${name}), char *: (${name}), default: (long long)(${name})));`,
      '#endif',
    ]),
    'return 0; }',
  ];
  return new Map(
    runC(lines.join('\n'))
      .filter(words => words.length === 2)
      .map(([name, value]) => [name, value]),
  );
}
