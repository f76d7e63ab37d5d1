import test from 'ava';
import fc from 'fast-check';
import { EOVERFLOW, ESTALE } from '../../../src/abi/linux/errno.js';
import {
  decodeHandle,
  encodeHandle,
  findByHandle,
  HANDLE_LENGTH,
} from '../../../src/kernel/parts/handles.js';

interface Inode {
  readonly generation: number;
}

const inodes = new Map<number, Inode>([[7, { generation: 3 }]]);
const index = {
  inodeByNumber: (ino: number) => inodes.get(ino),
  generationOf: (inode: Inode) => inode.generation,
};

function handle(ino: number, generation: number): Uint8Array {
  const out = new Uint8Array(HANDLE_LENGTH);
  encodeHandle({ ino, generation }, out);
  return out;
}

test('a handle leads back to its inode', t => {
  t.true(findByHandle(handle(7, 3), index) === inodes.get(7));
});

test('stale: another generation, no inode, no handle at all', t => {
  t.is(findByHandle(handle(7, 4), index), -ESTALE);
  t.is(findByHandle(handle(8, 3), index), -ESTALE);
  t.is(findByHandle(handle(7, 3).subarray(1), index), -ESTALE);
  t.is(findByHandle(new Uint8Array(HANDLE_LENGTH).fill(255), index), -ESTALE);
});

test('a buffer that is too small', t => {
  t.is(encodeHandle({ ino: 1, generation: 1 }, new Uint8Array(HANDLE_LENGTH - 1)), -EOVERFLOW);
});

test('any numbers survive, at any place in a buffer', t => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.maxSafeNat(), fc.nat(9), (ino, generation, offset) => {
      const out = new Uint8Array(64).subarray(offset);
      const length = encodeHandle({ ino, generation }, out);
      t.deepEqual(decodeHandle(out.subarray(0, length)), { ino, generation });
    }),
  );
});
