import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { SharedPage, STAGING_SIZE } from '../../../src/kernel/net/stack_library.js';
import * as options from '../../../src/kernel/net/stack_options.js';
import { runC } from '../../abi/c_program.js';
import { root } from '../../support/run.js';

const header = join(root, 'native/lwip/rumpnet.h');

test('numbers of options are as in rumpnet.h', t => {
  const text = readFileSync(header, 'utf8');
  const found = [...text.matchAll(/\b(RN_(?:OPT|GET)_\w+) = (\d+)/g)].map(m => [m[1], Number(m[2])] as const);
  t.true(found.length > 30);
  t.deepEqual(Object.fromEntries(found), { ...options });
});

test('the shared page is laid out as struct rn_shared', t => {
  const names = [
    'address',
    'local',
    'interface',
    'ttl',
    'tos',
    'length',
    'tick',
    'dirty_count',
    'dirty_more',
    'outgoing',
  ];
  const offsets = names.map(name => `printf("%zu\\n", offsetof(struct rn_shared, ${name}));`).join('');
  const [[size], [staging], ...at] = runC(
    `
#include <stddef.h>
#include <stdio.h>
#include "${header}"
int main(void) {
  printf("%zu\\n%d\\n", sizeof(struct rn_shared), RN_STAGING);
  ${offsets}
}`,
    undefined,
    ['-isystem', '/usr/include/lwip'],
  );
  t.is(Number(size), SharedPage.size);
  t.is(Number(staging), STAGING_SIZE);
  const memory = new ArrayBuffer(SharedPage.size);
  const page = new SharedPage(memory);
  const view = new DataView(memory);
  at.forEach(([offset], i) => {
    view.setInt32(Number(offset), i + 1, true);
  });
  t.deepEqual(
    [
      page.address.family,
      page.local.family,
      page.interface,
      page.ttl,
      page.tos,
      page.length,
      page.tick,
      page.dirtyCount,
    ],
    [1, 2, 3, 4, 5, 6, 7, 8],
  );
  t.is(page.hasMoreDirty, true);
  t.is(page.outgoing, 10);
});
