// Reads ava's TAP from standard input, prints one line for each test and failures in full, and ends with
// 'N passed, N failed'. Usage: ava --tap | node scripts/tap.mjs PASSED FAILED (counts of the checks before).
// Exit status 1 when anything failed or no test ran.
import { createInterface } from 'node:readline';

let [passed, failed] = process.argv.slice(2, 4).map(Number);
let skipped = 0;
let tests = 0;
const failures = [];
let inFailure = false;

for await (const line of createInterface({ input: process.stdin })) {
  const result = /^(not )?ok \d+ - (.*)$/.exec(line);
  if (result) {
    const [, not, title] = result;
    inFailure = false;
    // A todo is not a failure of anything yet; a skipped test has not run.
    if (/ # (SKIP|TODO)\b/i.test(title)) {
      skipped += 1;
    } else if (not) {
      failed += 1;
      tests += 1;
      inFailure = true;
      failures.push([title]);
    } else {
      passed += 1;
      tests += 1;
    }
    console.log(`${not ? 'FAIL' : '  ok'}  ${title}`);
  } else if (/^(#|1\.\.|TAP version)/.test(line)) {
    inFailure = false;
    // ava's own counts are summed up below; anything else it says, a test's log say, is passed on.
    if (!/^# (tests|pass|skip|fail) \d|^#?\s*$/.test(line) && line.startsWith('# '))
      console.log(`      ${line}`);
  } else if (inFailure) {
    failures.at(-1).push(line);
  } else if (line.trim() !== '') {
    console.log(line);
  }
}

for (const [title, ...details] of failures) {
  console.log(`\nFAIL  ${title}`);
  for (const line of details) if (!/^ {2}(---|\.\.\.)$/.test(line)) console.log(line);
}
if (tests === 0) console.log('no test ran');
console.log();
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 || tests === 0 ? 1 : 0;
