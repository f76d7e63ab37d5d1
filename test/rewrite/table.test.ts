import test from 'ava';
import { NR, SYSCALLS } from '../../src/abi/linux/syscalls.js';
import { parsePolicy } from '../../src/policy/parse.js';
import { HOST_CALLS } from '../../src/rewrite/host_calls.js';
import { descriptorRules, filterRules } from '../../src/rewrite/rules.js';
import { TABLE } from '../../src/rewrite/table.js';

test('every call of the kernel is in the table or is the host’s for a reason, and in one of them only', t => {
  const hijacked = new Set<string>(TABLE.map(row => row.name));
  t.is(hijacked.size, TABLE.length, 'a call has two rows');
  const gaps = SYSCALLS.filter(
    ({ name }) => !hijacked.has(name) && ![...HOST_CALLS.keys()].some(n => n === name),
  );
  t.deepEqual(
    gaps.map(({ name }) => name),
    [],
  );
  t.deepEqual(
    [...HOST_CALLS.keys()].filter(name => hijacked.has(name)),
    [],
  );
  const known = new Set<string>(SYSCALLS.map(({ name }) => name));
  t.deepEqual(
    [...HOST_CALLS.keys()].filter(name => !known.has(name)),
    [],
  );
});

test('rows that are not served in full say why', t => {
  for (const row of TABLE) if (row.support !== 'full') t.truthy(row.note, row.name);
});

test('an empty policy stops nothing', t => {
  t.deepEqual(filterRules(parsePolicy('')), []);
});

test('sockets alone stop no paths, but families and what takes descriptors', t => {
  const rules = filterRules(parsePolicy('socket=inet'));
  const stop = (nr: number): string | undefined => rules.find(rule => rule.nr === nr)?.stop;
  t.is(stop(NR.socket), 'values');
  t.is(stop(NR.recvmsg), 'fd');
  t.is(stop(NR.open), undefined);
});

test('the default policy stops paths, and descriptors by number', t => {
  const rules = filterRules(parsePolicy(undefined));
  const stop = (nr: number): string | undefined => rules.find(rule => rule.nr === nr)?.stop;
  t.is(stop(0), 'fd');
  t.is(stop(2), 'always');
  t.is(stop(425), 'errno');
  t.is(stop(39), undefined);
  t.true(descriptorRules().length > 40);
});
