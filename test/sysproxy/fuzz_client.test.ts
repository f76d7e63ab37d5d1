/** Random frames at a client's connection: calls get a result or ENOTCONN, memory that is not a call's stays as it is. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { NB } from '../../src/abi/netbsd/nr.js';
import { EventLoop } from '../../src/native/loop.js';
import { net } from '../../src/native/net.js';
import { CallPool, Connection } from '../../src/sysproxy/client/connection.js';
import { Later } from '../../src/sysproxy/client/pending.js';
import { Class, type Frame, FrameReader, Type } from '../../src/sysproxy/frame.js';
import { FrameWriter, Random } from './random.js';

const FRAMES = Number(process.env.RUMPHIJACK_FRAMES ?? 1_000_000) * 0.3;
const SEED = Number(process.env.RUMPHIJACK_SEED ?? 20261126);
const inbox = new Uint8Array(256 * 1024);
const GUARD = 0xa5;

/** A request that the fake server has seen: its number, and the addresses among its arguments. */
interface Seen {
  readonly reqno: number;
  readonly words: readonly [number, number][];
}

test(`${FRAMES} random frames at a client`, t => {
  const dir = mkdtempSync(join(tmpdir(), 'fuzz-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'socket');
  const listener = net.listen(path);
  const random = new Random(SEED);
  const loop = new EventLoop();
  const pool = new CallPool();
  const guarded = new Uint8Array(4096).fill(GUARD);
  const target = guarded.subarray(1024, 2048);
  let [begun, ended, lost, frames, wrongAnswers] = [0, 0, 0, 0, 0];

  while (frames < FRAMES) {
    const fd = net.connect(path);
    const peer = net.accept(listener);
    const connection = new Connection(fd, loop, pool, { onLost: () => lost++, onSignal: () => {} });
    const seen: Seen[] = [];
    const asked = new Map<number, number>();
    const reader = new FrameReader(16 * 1024 * 1024);
    const note = (frame: Frame): boolean => {
      if (frame.cls === Class.RESP) {
        // Exactly as many bytes as a COPYIN asked for, whatever the address was.
        const length = asked.get(frame.reqnoLow);
        if (length !== undefined && frame.type === Type.COPYIN && frame.size !== length) wrongAnswers++;
        return true;
      }
      const words: [number, number][] = [];
      for (let at = frame.at; at + 8 <= frame.at + frame.size; at += 8)
        words.push([frame.view.getUint32(at, true), frame.view.getUint32(at + 4, true)]);
      seen.push({ reqno: frame.reqnoLow, words });
      return true;
    };
    const writer = new FrameWriter(random);
    // Above the numbers of frames that make no sense.
    let number = 1000;
    for (let round = 0; round < 200 && !connection.lost; round++) {
      if (random.chance(60)) {
        const call = pool
          .begin(NB.getxattr)
          .string('/path')
          .string('name')
          .buffer(target)
          .long(target.length);
        call.later = new Later(false);
        call.later.onDone(() => ended++);
        begun++;
        connection.send(call);
      }
      connection.onReady();
      for (
        let got = net.recv(peer, inbox, 0, inbox.length);
        got > 0;
        got = net.recv(peer, inbox, 0, inbox.length)
      )
        reader.feed(inbox.slice(0, got), got, note);
      writer.clear();
      for (let n = random.below(20); n > 0 && writer.hasRoom; n--)
        answer(writer, random, seen, asked, number++);
      frames += writer.frames;
      const whole = random.chance(95) ? writer.length : random.below(writer.length + 1);
      for (let at = 0; at < whole; ) {
        const sent = net.send(peer, writer.bytes, at, whole - at);
        if (sent <= 0) break;
        at += sent;
        connection.onReady();
      }
      if (whole < writer.length) break;
      loop.turn(0);
    }
    net.close(peer);
    if (!connection.lost) connection.onReady();
    if (!connection.lost) connection.lose();
    loop.turn(0);
  }
  net.close(listener);
  t.is(ended, begun, 'every call has an end');
  t.is(wrongAnswers, 0, 'COPYIN answers have the length that was asked for');
  t.true(lost > 0);
  t.false(loop.busy);
  for (let i = 0; i < 1024; i++)
    if (guarded[i] !== GUARD || guarded[2048 + i] !== GUARD) return t.fail(`byte ${i}`);
  t.pass();
});

/** Answers and requests of a server that is right, nearly right, or not at all. */
function answer(
  writer: FrameWriter,
  random: Random,
  seen: Seen[],
  asked: Map<number, number>,
  number: number,
): void {
  const { view } = writer;
  const kind = random.below(100);
  const request = seen.length > 0 ? random.pick(seen) : undefined;
  if (kind < 1) return writer.nonsense();
  if (kind < 30 && request !== undefined) {
    if (random.chance(95)) seen.splice(seen.indexOf(request), 1);
    const size = random.chance(98) ? 24 : random.below(30);
    const at = writer.frame(
      request.reqno,
      random.chance(97) ? Class.RESP : Class.ERROR,
      Type.SYSCALL,
      random.below(9),
      size,
    );
    for (let i = 0; i + 8 <= size; i += 8) writer.word(at + i);
    return;
  }
  const [low, high] =
    request !== undefined && random.chance(80) && request.words.length > 0
      ? random.pick(request.words)
      : [random.bits(), random.bits()];
  const length = random.chance(90) ? random.below(2000) : random.below(40000);
  const type = random.pick([
    Type.COPYIN,
    Type.COPYINSTR,
    Type.COPYOUT,
    Type.COPYOUTSTR,
    Type.ANONMMAP,
    Type.RAISE,
  ]);
  const isOut = type === Type.COPYOUT || type === Type.COPYOUTSTR;
  const size = type === Type.RAISE ? 0 : type === Type.ANONMMAP ? 8 : 16 + (isOut ? length : 0);
  const at = writer.frame(number, Class.REQ, type, random.below(70), size);
  if (size > 0) view.setUint32(at, length, true);
  if (size < 16) return;
  view.setUint32(at + 8, low + random.below(random.chance(50) ? 1 : 3000), true);
  view.setUint32(at + 12, high, true);
  if (type === Type.COPYIN) asked.set(number, length);
  if (isOut) writer.noise(at + COPY_HEADER, Math.min(length, 64));
}

const COPY_HEADER = 16;
