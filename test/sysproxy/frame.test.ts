/** The cutting of a stream into frames, wherever the stream was cut before. */
import test from 'ava';
import { type Frame, FrameReader, HEADER_SIZE, putHeader } from '../../src/sysproxy/frame.js';

const LIMIT = 10_000;

function frameOf(reqno: number, size: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_SIZE + size);
  putHeader(new DataView(bytes.buffer), 0, bytes.length, reqno, 7, 1, 2, 0xffff_ffff);
  for (let at = 0; at < size; at++) bytes[HEADER_SIZE + at] = reqno + at;
  return bytes;
}

const withLength = (length: bigint): Uint8Array => {
  const bytes = frameOf(1, 0);
  new DataView(bytes.buffer).setBigUint64(0, length, true);
  return bytes;
};

/** What a reader makes of pieces: each frame as text, and whether the stream could be followed. */
function read(pieces: readonly Uint8Array[], limit = LIMIT): { frames: string[]; isWhole: boolean } {
  const reader = new FrameReader(limit);
  const frames: string[] = [];
  const take = (frame: Frame): boolean => {
    const { reqnoLow, reqnoHigh, cls, type, info, bytes, at, size } = frame;
    const body = Buffer.from(bytes.subarray(at, at + size)).toString('hex');
    frames.push(`${reqnoLow} ${reqnoHigh} ${cls} ${type} ${info} ${body}`);
    return true;
  };
  // As in the loops: one buffer for whatever is received.
  const inbox = new Uint8Array(2 * LIMIT);
  for (const piece of pieces) {
    inbox.fill(0xee);
    inbox.set(piece);
    if (!reader.feed(inbox, piece.length, take)) return { frames, isWhole: false };
  }
  return { frames, isWhole: true };
}

const STREAM = Buffer.concat([0, 1, 0, 8, 30].map((size, i) => frameOf(i + 1, size)));
const EXPECTED = read([STREAM]);

test('a stream in one piece', t => {
  t.true(EXPECTED.isWhole);
  t.deepEqual(
    EXPECTED.frames.map(text => text.split(' ').slice(0, 5).join(' ')),
    [1, 2, 3, 4, 5].map(reqno => `${reqno} 7 1 2 4294967295`),
  );
  t.is(EXPECTED.frames[3], '4 7 1 2 4294967295 0405060708090a0b');
});

test('cut in two and in three, at every place', t => {
  for (let a = 0; a <= STREAM.length; a++) {
    for (let b = a; b <= STREAM.length; b++) {
      const pieces = [STREAM.subarray(0, a), STREAM.subarray(a, b), STREAM.subarray(b)];
      const got = read(pieces);
      if (got.frames.join() !== EXPECTED.frames.join() || !got.isWhole) return t.fail(`cut at ${a} and ${b}`);
    }
  }
  t.pass();
});

test('in pieces of every size', t => {
  for (let size = 1; size <= STREAM.length; size++) {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < STREAM.length; at += size) pieces.push(STREAM.subarray(at, at + size));
    t.deepEqual(read(pieces), EXPECTED, `${size} bytes`);
  }
});

test('frames larger than what is kept for the next one, between small ones', t => {
  const stream = Buffer.concat([frameOf(1, 3), frameOf(2, 9000), frameOf(3, 5000), frameOf(4, 0)]);
  const whole = read([stream]);
  t.is(whole.frames.length, 4);
  for (const size of [7, 23, 24, 25, 4095, 4096, 4097, 9023, 9024, 9025]) {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += size) pieces.push(stream.subarray(at, at + size));
    t.deepEqual(read(pieces), whole, `${size} bytes`);
  }
});

test('the longest frame is taken, one byte more is not', t => {
  t.is(read([frameOf(1, LIMIT - HEADER_SIZE)]).frames.length, 1);
  t.deepEqual(read([frameOf(1, LIMIT - HEADER_SIZE + 1)]), { frames: [], isWhole: false });
});

test('a length that is none ends the stream, whole or in pieces; frames before it count', t => {
  for (const length of [0n, 1n, 23n, BigInt(LIMIT) + 1n, 1n << 32n, (1n << 32n) + 24n, 1n << 60n, -1n]) {
    const bad = withLength(BigInt.asUintN(64, length));
    const stream = Buffer.concat([frameOf(1, 0), bad, frameOf(2, 0)]);
    const whole = read([stream]);
    t.false(whole.isWhole, String(length));
    t.is(whole.frames.length, 1);
    t.deepEqual(read([...stream].map(byte => Uint8Array.of(byte))), whole);
  }
});

test('a handler that wants no more gets no more', t => {
  for (const from of [0, 10]) {
    const reader = new FrameReader(LIMIT);
    let calls = 0;
    const refuse = (): boolean => {
      calls++;
      return false;
    };
    if (from > 0) t.true(reader.feed(STREAM.subarray(0, from), from, refuse));
    t.false(reader.feed(STREAM.subarray(from), STREAM.length - from, refuse));
    t.is(calls, 1);
  }
});

test('a length that is announced takes no memory until its bytes come', t => {
  const reader = new FrameReader(2 ** 30);
  const before = process.memoryUsage().arrayBuffers;
  const header = withLength(2n ** 30n);
  t.true(reader.feed(header, header.length, () => false));
  t.true(process.memoryUsage().arrayBuffers - before < 2 ** 20);
});
