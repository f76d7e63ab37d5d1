import test from 'ava';
import fc from 'fast-check';
import { compileFilter, type FdTest, type FilterRule } from '../../src/tracer/filter.js';

const ALLOW = 0x7fff0000;
const TRACE = 0x7ff00000;
const ERRNO = 0x00050000;
const X86_64 = 0xc000003e;
const I386 = 0x40000003;

/** Runs a filter as the kernel would: bpf(4)'s machine, as far as our programs use it. */
function execute(program: Uint8Array, arch: number, nr: number, args: readonly number[]): number {
  const view = new DataView(program.buffer);
  const word = (offset: number): number =>
    offset === 0 ? nr : offset === 4 ? arch : (offset - 16) % 8 === 0 ? args[(offset - 16) / 8] >>> 0 : 0;
  let a = 0;
  for (let pc = 0; pc * 8 < program.length; pc++) {
    const at = pc * 8;
    const [code, jt, jf, k] = [
      view.getUint16(at, true),
      program[at + 2],
      program[at + 3],
      view.getUint32(at + 4, true),
    ];
    switch (code) {
      case 0x20:
        a = word(k) >>> 0;
        break;
      case 0x05:
        pc += k;
        break;
      case 0x15:
        pc += a === k ? jt : jf;
        break;
      case 0x35:
        pc += a >= k ? jt : jf;
        break;
      case 0x45:
        pc += (a & k) !== 0 ? jt : jf;
        break;
      case 0x06:
        return k;
      default:
        throw new Error(`unknown instruction ${code}`);
    }
  }
  throw new Error('the program ran off its end');
}

function expected(rules: readonly FilterRule[], fds: FdTest, nr: number, args: readonly number[]): number {
  const rule = rules.find(candidate => candidate.nr === nr);
  const isPicked = (fd: number): boolean =>
    'equal' in fds ? fd === fds.equal : fd >= fds.min && fd < 0x80000000;
  // A filter for one number is stacked on another that has seen to the low ones.
  const isBelow = (fdRule: { below?: number }, fd: number): boolean =>
    'min' in fds && fdRule.below !== undefined && fd < fdRule.below;
  switch (rule?.stop) {
    case undefined:
      return ALLOW;
    case 'always':
      return TRACE;
    case 'errno':
      return ERRNO | rule.errno;
    case 'mask':
      return (args[rule.arg] & rule.mask) !== 0 ? TRACE : ALLOW;
    case 'values':
      return rule.values.includes(args[rule.arg]) ? TRACE : ALLOW;
    case 'fd':
      return rule.args.some(arg => isPicked(args[arg]) || isBelow(rule, args[arg])) ? TRACE : ALLOW;
  }
}

const number = fc.oneof(fc.nat(470), fc.constantFrom(126, 127, 128, 0x7fffffff, 0x80000000, 0xffffffff));
const ruleWithout = fc.oneof(
  fc.record({ stop: fc.constant('always' as const) }),
  fc.record({
    stop: fc.constant('fd' as const),
    args: fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    stop: fc.constant('fd' as const),
    args: fc.constant([0]),
    below: fc.integer({ min: 1, max: 5 }),
  }),
  fc.record({
    stop: fc.constant('mask' as const),
    arg: fc.nat(5),
    mask: fc.integer({ min: 1, max: 0x7fffffff }),
  }),
  fc.record({
    stop: fc.constant('values' as const),
    arg: fc.nat(5),
    values: fc.uniqueArray(number, { maxLength: 5 }),
  }),
  fc.record({ stop: fc.constant('errno' as const), errno: fc.integer({ min: 1, max: 133 }) }),
);
const rulesArb = fc
  .uniqueArray(fc.nat(470), { maxLength: 80 })
  .chain(nrs => fc.tuple(...nrs.map(nr => ruleWithout.map((rule): FilterRule => ({ nr, ...rule })))));
const fdsArb: fc.Arbitrary<FdTest> = fc.oneof(
  fc.record({ min: fc.integer({ min: 2, max: 1 << 20 }) }),
  fc.record({ equal: fc.nat(200) }),
);

test('the search tree decides as the rules say', t => {
  fc.assert(
    fc.property(
      rulesArb,
      fdsArb,
      fc.array(fc.tuple(fc.nat(500), fc.tuple(number, number, number, number, number, number)), {
        minLength: 20,
        maxLength: 20,
      }),
      (rules, fds, calls) => {
        const program = compileFilter(rules, fds, { first: [0, 1], foreign: true });
        const probes = [...calls, ...rules.map(rule => [rule.nr, calls[0][1]] as const)];
        for (const [nr, args] of probes)
          t.is(execute(program, X86_64, nr, args), expected(rules, fds, nr, args));
      },
    ),
    { seed: 1, numRuns: 200 },
  );
});

test('calls of other ABIs stop under their own mark, or pass where another filter marks them', t => {
  const program = compileFilter([{ nr: 2, stop: 'always' }], { min: 127 }, { foreign: true });
  t.is(execute(program, I386, 5, []), TRACE | 1);
  t.is(execute(program, X86_64, 0x40000000 + 2, []), TRACE | 2);
  const quiet = compileFilter([{ nr: 2, stop: 'always' }], { equal: 1 });
  t.is(execute(quiet, I386, 5, []), ALLOW);
});
