import test from 'ava';
import { EAGAIN, EFAULT, ENXIO, EPIPE } from '../../../src/abi/linux/errno.js';
import { FIFO_CAPACITY, Fifo, type FifoAccess, type FifoEnd } from '../../../src/kernel/parts/fifo.js';
import { MemoryUio } from './memory_uio.js';
import { cancel, follow } from './waited.js';

const READ: FifoAccess = { read: true, write: false };
const WRITE: FifoAccess = { read: false, write: true };
const BOTH: FifoAccess = { read: true, write: true };

function opened(fifo: Fifo, access: FifoAccess): FifoEnd {
  const end = fifo.end(access);
  end.open(true);
  return end;
}

/** A fifo with a reader and a writer. */
function pair(): { fifo: Fifo; reader: FifoEnd; writer: FifoEnd } {
  const fifo = new Fifo();
  return { fifo, reader: opened(fifo, READ), writer: opened(fifo, WRITE) };
}

test('a reader waits in open for a writer, and counts as open while it does', t => {
  const fifo = new Fifo();
  const reader = fifo.end(READ);
  const waiting = follow(reader.open(false));
  t.is(waiting.result, undefined);
  const writer = fifo.end(WRITE);
  t.is(writer.open(true), 0);
  t.is(waiting.result, 0);
});

test('a writer waits in open for a reader; without waiting it is ENXIO', t => {
  const fifo = new Fifo();
  t.is(fifo.end(WRITE).open(true), -ENXIO);
  const waiting = follow(fifo.end(WRITE).open(false));
  t.is(waiting.result, undefined);
  t.is(fifo.end(READ).open(false), 0);
  t.is(waiting.result, 0);
});

test('a reader that waited is let in even when the writer has gone again', t => {
  const fifo = new Fifo();
  const pending = fifo.end(READ).open(false);
  const writer = fifo.end(WRITE);
  t.is(writer.open(true), 0);
  writer.close();
  const waiting = follow(pending);
  t.is(waiting.result, undefined, 'never before onDone returned');
  return Promise.resolve().then(() => t.is(waiting.result, 0));
});

test('opening for both never waits', t => {
  t.is(new Fifo().end(BOTH).open(false), 0);
});

test('a cancelled open leaves nothing behind', t => {
  const fifo = new Fifo();
  t.is(cancel(follow(fifo.end(READ).open(false))), 0);
  t.is(fifo.end(WRITE).open(true), -ENXIO);
});

test('reads: data, EAGAIN, end of file', t => {
  const { reader, writer } = pair();
  t.is(reader.read(MemoryUio.into(10), true), -EAGAIN);
  t.is(writer.write(MemoryUio.from('hello'), true), 5);
  const uio = MemoryUio.into(3);
  t.is(reader.read(uio, true), 3);
  t.is(uio.text, 'hel');
  writer.close();
  t.is(reader.read(MemoryUio.into(10), false), 2);
  t.is(reader.read(MemoryUio.into(10), false), 0);
});

test('reads and writes of nothing succeed at once, even without another side', t => {
  const { reader, writer } = pair();
  t.is(reader.read(MemoryUio.into(0), false), 0);
  reader.close();
  t.is(writer.write(MemoryUio.from(''), false), 0);
  t.is(writer.write(MemoryUio.from('x'), false), -EPIPE);
});

test('blocked reads are served in order, each with what is there', t => {
  const { reader, writer } = pair();
  const uios = [MemoryUio.into(3), MemoryUio.into(3), MemoryUio.into(3)];
  const order: number[] = [];
  uios.forEach((uio, n) => {
    follow(reader.read(uio, false), () => order.push(n));
  });
  t.is(writer.write(MemoryUio.from('abcd'), false), 4);
  t.deepEqual(
    uios.map(uio => uio.text),
    ['abc', 'd', ''],
  );
  t.deepEqual(order, [0, 1]);
  writer.close();
  t.deepEqual(order, [0, 1, 2]);
});

test('writes up to PIPE_BUF are whole or not at all', t => {
  const { fifo, reader, writer } = pair();
  const filled = FIFO_CAPACITY - 10;
  t.is(writer.write(MemoryUio.from(new Uint8Array(filled)), true), filled);
  t.is(writer.write(MemoryUio.from(new Uint8Array(11)), true), -EAGAIN);
  t.is(writer.write(MemoryUio.from(new Uint8Array(10)), true), 10, 'the last page has room for it');
  const small = follow(writer.write(MemoryUio.from(new Uint8Array(4096)), false));
  t.is(reader.read(MemoryUio.into(4095), true), 4095);
  t.is(small.result, undefined);
  t.is(reader.read(MemoryUio.into(1), true), 1);
  t.is(small.result, 4096);
  t.is(fifo.readable(), FIFO_CAPACITY);
  reader.read(MemoryUio.into(8192), true);
  t.is(writer.write(MemoryUio.from(new Uint8Array(10_000)), true), 8192, 'larger ones may be partial');
});

test('small writes that do not fit the last page take a page each', t => {
  const { fifo, writer } = pair();
  for (let n = 0; n < 16; n++) t.is(writer.write(MemoryUio.from(new Uint8Array(2049)), true), 2049);
  t.is(writer.write(MemoryUio.from(new Uint8Array(2049)), true), -EAGAIN);
  t.false(writer.readiness().writable);
  t.is(writer.write(MemoryUio.from(new Uint8Array(2047)), true), 2047);
  t.is(fifo.readable(), 16 * 2049 + 2047);
});

test('a large blocking write goes on as room appears', t => {
  const { reader, writer } = pair();
  const data = Uint8Array.from({ length: 200_000 }, (_, at) => at % 251);
  const writing = follow(writer.write(MemoryUio.from(data), false));
  const out = MemoryUio.into(200_000);
  while (writing.result === undefined) reader.read(out, true);
  while (out.resid > 0) reader.read(out, true);
  t.is(writing.result, 200_000);
  t.deepEqual(out.got, data);
});

test('a large write with a reader that waits does not wait itself', t => {
  const { reader, writer } = pair();
  const out = MemoryUio.into(50_000);
  const reading = follow(reader.read(out, false));
  t.is(writer.write(MemoryUio.from(new Uint8Array(100_000)), false), 100_000);
  t.is(reading.result, 50_000);
});

test('a cancelled write tells what it had moved', t => {
  const { fifo, writer } = pair();
  const writing = follow(writer.write(MemoryUio.from(new Uint8Array(100_000)), false));
  const small = follow(writer.write(MemoryUio.from('x'), false));
  t.is(cancel(small), 0);
  t.is(cancel(writing), FIFO_CAPACITY);
  t.is(cancel(writing), 0, 'once');
  t.is(fifo.readable(), FIFO_CAPACITY);
});

test('blocked writes go in order; a cancelled one is skipped; one that needs no page does not wait', t => {
  const { reader, writer } = pair();
  writer.write(MemoryUio.from(new Uint8Array(FIFO_CAPACITY - 1)), false);
  const [first, second, third] = ['a', 'b', 'c'].map(letter =>
    follow(writer.write(MemoryUio.from(letter.repeat(4096)), false)),
  );
  t.is(writer.write(MemoryUio.from('x'), false), 1);
  cancel(first);
  reader.read(MemoryUio.into(4096), false);
  t.deepEqual([first.result, second.result, third.result], [undefined, 4096, undefined]);
  reader.read(MemoryUio.into(4096), false);
  t.is(third.result, 4096);
});

test('when the readers go, blocked writes end: with their count, or EPIPE', t => {
  const { reader, writer } = pair();
  const partial = follow(writer.write(MemoryUio.from(new Uint8Array(70_000)), false));
  const none = follow(writer.write(MemoryUio.from('x'), false));
  reader.close();
  t.is(partial.result, FIFO_CAPACITY);
  t.is(none.result, -EPIPE);
});

test('bad addresses: EFAULT, or the whole pages before', t => {
  const { fifo, reader, writer } = pair();
  t.is(writer.write(MemoryUio.from('abcdef', 4), false), -EFAULT);
  t.is(fifo.readable(), 0);
  t.is(writer.write(MemoryUio.from(new Uint8Array(20_000), 10_000), false), 8192);
  t.is(writer.write(MemoryUio.from('abcdef'), false), 6);
  t.is(writer.write(MemoryUio.from('gh', 1), false), -EFAULT);
  t.is(reader.read(MemoryUio.into(8000, 4095), false), -EFAULT);
  t.is(reader.read(MemoryUio.into(9000, 8196), false), 8192);
  const rest = MemoryUio.into(9);
  t.is(reader.read(rest, false), 6);
  t.is(rest.text, 'abcdef');
});

test('the last end takes unread data with it', t => {
  const { fifo, reader, writer } = pair();
  writer.write(MemoryUio.from('abc'), false);
  reader.close();
  t.is(fifo.readable(), 3);
  writer.close();
  writer.close();
  t.is(fifo.readable(), 0);
});

test('readiness follows poll(2)', t => {
  const fifo = new Fifo();
  const early = opened(fifo, READ);
  t.false(early.readiness().hangup, 'no writer yet');
  const writer = opened(fifo, WRITE);
  const late = opened(fifo, READ);
  t.like(writer.readiness(), { writable: true, error: false });
  writer.write(MemoryUio.from(new Uint8Array(FIFO_CAPACITY - 4094)), false);
  t.false(writer.readiness().writable);
  t.like(early.readiness(), { readable: true, hangup: false });
  early.close();
  late.close();
  t.true(writer.readiness().error);
  const next = opened(fifo, READ);
  writer.close();
  t.like(next.readiness(), { readable: true, hangup: true });
});

test('watchers hear of every change', t => {
  const { fifo, reader, writer } = pair();
  let changes = 0;
  const stop = fifo.watch(() => changes++);
  writer.write(MemoryUio.from('a'), false);
  t.is(changes, 1);
  reader.read(MemoryUio.into(1), false);
  writer.close();
  t.is(changes, 3);
  stop();
  reader.close();
  t.is(changes, 3);
});

test('a callback may use the fifo: its state is complete', t => {
  const { fifo, reader, writer } = pair();
  const second = MemoryUio.into(2);
  let inside: number | undefined;
  follow(reader.read(MemoryUio.into(2), false), () => {
    inside = fifo.readable();
    follow(reader.read(second, false));
    writer.write(MemoryUio.from('z'), false);
  });
  t.is(writer.write(MemoryUio.from('abc'), false), 3);
  t.is(inside, 1);
  t.is(second.text, 'c');
  t.is(fifo.readable(), 1);
});

test('a call that was never armed holds nobody up', t => {
  const { reader, writer } = pair();
  reader.read(MemoryUio.into(5), false);
  const uio = MemoryUio.into(5);
  follow(reader.read(uio, false));
  writer.write(MemoryUio.from('abc'), false);
  t.is(uio.text, 'abc');
});

test('a call that became ready before it was armed is answered after onDone', async t => {
  const { reader, writer } = pair();
  const pending = reader.read(MemoryUio.into(5), false);
  writer.write(MemoryUio.from('abc'), false);
  const waited = follow(pending);
  t.is(waited.result, undefined);
  await Promise.resolve();
  t.is(waited.result, 3);
});
