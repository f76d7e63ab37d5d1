import test from 'ava';
import {
  decodeNetbsdKevent,
  encodeNetbsdKevent,
  NB_EV_ADD,
  NB_EV_CLEAR,
  NB_EV_DELETE,
  NB_EV_DISABLE,
  NB_EV_ENABLE,
  NB_EV_EOF,
  NB_EV_ERROR,
  NB_EV_ONESHOT,
  NB_EVFILT_PROC,
  NB_EVFILT_READ,
  NB_EVFILT_TIMER,
  NB_EVFILT_WRITE,
  NB_KEVENT_SIZE,
  type NetbsdKevent,
} from '../../../src/abi/netbsd/event.js';
import { NB } from '../../../src/abi/netbsd/nr.js';
import { frame, REQ, RESP, SyncClient, type TestFrame, TestServer } from './sync_client.js';

const [COPYIN, COPYINSTR, COPYOUT] = [2, 3, 4];
const [NB_EBADF, NB_EINVAL, NB_ENOENT] = [9, 22, 2];
const [AF_UNIX, SOCK_STREAM] = [1, 1];
const [O_RDWR, NB_O_CREAT] = [2, 0x200];
/** Addresses of the client's memory. */
const [CHANGES, EVENTS, TIMEOUT, DATA] = [0x1000, 0x2000, 0x3000, 0x4000];

type Change = [ident: number, filter: number, flags: number, data?: number];

interface Answer {
  errno: number;
  value: number;
  second: number;
  events: NetbsdKevent[];
}

/** A client with memory, which makes one call at a time or leaves one waiting. */
class Program {
  readonly client: SyncClient;
  #memory = new Map<number, Buffer>();
  #copied = Buffer.alloc(0);

  constructor(server: TestServer) {
    this.client = new SyncClient(server).guest();
  }

  put(address: number, bytes: Uint8Array): void {
    this.#memory.set(address, Buffer.from(bytes));
  }

  start(nr: number, ...args: number[]): void {
    this.#copied = Buffer.alloc(0);
    this.client.call(7, nr, ...args);
  }

  /** Serves the server until it has answered. */
  end(): Answer {
    for (;;) {
      const got = this.client.next();
      if (got.cls !== REQ) return this.#answer(got);
      this.#serve(got);
    }
  }

  /** Serves what the server asks now: true when the call waits. */
  waits(): boolean {
    this.client.turn(0);
    for (let quiet = 0; quiet < 3; quiet++) {
      for (let got = this.client.frames.shift(); got !== undefined; got = this.client.frames.shift()) {
        if (got.cls !== REQ) return false;
        this.#serve(got);
        quiet = 0;
      }
      this.client.turn(0);
    }
    return true;
  }

  #serve(got: TestFrame): void {
    if (got.type === COPYOUT) {
      this.#copied = Buffer.concat([this.#copied, got.body.subarray(16)]);
      return;
    }
    const [length, address] = [Number(got.body.readBigUInt64LE(0)), Number(got.body.readBigUInt64LE(8))];
    const bytes = this.#memory.get(address) ?? Buffer.alloc(length);
    const given = got.type === COPYINSTR ? bytes : bytes.subarray(0, length);
    this.client.send(frame(got.reqno, RESP, COPYIN, 0, given));
  }

  #answer(got: TestFrame): Answer {
    const view = new DataView(this.#copied.buffer, this.#copied.byteOffset, this.#copied.length);
    const events: NetbsdKevent[] = [];
    for (let at = 0; at + NB_KEVENT_SIZE <= view.byteLength; at += NB_KEVENT_SIZE)
      events.push(decodeNetbsdKevent(view, at));
    const long = (at: number): number => Number(got.body.readBigInt64LE(at));
    return { errno: got.body.readInt32LE(0), value: long(8), second: long(16), events };
  }

  call(nr: number, ...args: number[]): Answer {
    this.start(nr, ...args);
    return this.end();
  }

  /** kevent(2): changes, and at most `room` events within `milliseconds` (-1: no limit). */
  startKevent(kq: number, changes: readonly Change[], room: number, milliseconds: number): void {
    const bytes = new Uint8Array(changes.length * NB_KEVENT_SIZE);
    for (const [i, [ident, filter, flags, data = 0]] of changes.entries())
      encodeNetbsdKevent(new DataView(bytes.buffer), i * NB_KEVENT_SIZE, {
        ident,
        filter,
        flags,
        fflags: 0,
        data,
        udata: 100 + ident,
      });
    this.put(CHANGES, bytes);
    const times = [BigInt(Math.floor(milliseconds / 1000)), BigInt((milliseconds % 1000) * 1e6)];
    this.put(TIMEOUT, new Uint8Array(BigInt64Array.from(times).buffer));
    const timeout = milliseconds < 0 ? 0 : TIMEOUT;
    this.start(NB.__kevent50, kq, CHANGES, changes.length, EVENTS, room, timeout);
  }

  kevent(kq: number, changes: readonly Change[], room = 0, milliseconds = 0): Answer {
    this.startKevent(kq, changes, room, milliseconds);
    return this.end();
  }

  write(fd: number, text: string): void {
    this.put(DATA, Buffer.from(text));
    this.call(NB.write, fd, DATA, text.length);
  }

  /** What there is now, as [ident, filter, flags, data]. */
  ready(kq: number, room = 8): number[][] {
    return this.kevent(kq, [], room).events.map(e => [e.ident, e.filter, e.flags, e.data]);
  }
}

function started(t: { teardown(end: () => void): void }): Program {
  const server = new TestServer();
  const program = new Program(server);
  t.teardown(() => {
    program.client.close();
    server.stop();
  });
  return program;
}

/** [reading end, writing end] */
function pipe(program: Program): [number, number] {
  const { value, second } = program.call(NB.pipe);
  return [value, second];
}

const READ = NB_EVFILT_READ;
const ADD = NB_EV_ADD;

test.serial('level: told as long as there is something, with the program’s own bytes', t => {
  const program = started(t);
  const [r, w] = pipe(program);
  const kq = program.call(NB.kqueue).value;
  t.is(program.kevent(kq, [[r, READ, ADD]]).errno, 0);
  t.deepEqual(program.ready(kq), []);
  program.write(w, 'abc');
  t.deepEqual(program.ready(kq), [[r, READ, ADD, 3]]);
  const [event] = program.kevent(kq, [], 1).events;
  t.is(event?.udata, 100 + r);
  program.call(NB.read, r, DATA, 10);
  t.deepEqual(program.ready(kq), []);
});

test.serial('EV_CLEAR: told once for each write', t => {
  const program = started(t);
  const [r, w] = pipe(program);
  const kq = program.call(NB.kqueue).value;
  program.kevent(kq, [[r, READ, ADD | NB_EV_CLEAR]]);
  program.write(w, 'a');
  t.is(program.ready(kq).length, 1);
  t.is(program.ready(kq).length, 0);
  program.write(w, 'b');
  t.deepEqual(program.ready(kq), [[r, READ, ADD | NB_EV_CLEAR, 2]]);
});

test.serial('EV_ONESHOT, EV_DISABLE, EV_ENABLE, EV_DELETE', t => {
  const program = started(t);
  const [r, w] = pipe(program);
  const kq = program.call(NB.kqueue).value;
  program.write(w, 'a');
  program.kevent(kq, [[r, READ, ADD | NB_EV_ONESHOT]]);
  t.is(program.ready(kq).length, 1);
  t.is(program.kevent(kq, [[r, READ, NB_EV_DELETE]]).errno, NB_ENOENT);
  program.kevent(kq, [[r, READ, ADD | NB_EV_DISABLE]]);
  t.is(program.ready(kq).length, 0);
  program.kevent(kq, [[r, READ, NB_EV_ENABLE]]);
  t.is(program.ready(kq).length, 1);
  program.kevent(kq, [[r, READ, NB_EV_DELETE]]);
  t.is(program.ready(kq).length, 0);
});

test.serial('errors are events where there is room, and the result where there is none', t => {
  const program = started(t);
  const kq = program.call(NB.kqueue).value;
  t.is(program.kevent(99, []).errno, NB_EBADF);
  t.is(program.kevent(0, []).errno, NB_EBADF);
  const bad: Change[] = [
    [99, READ, ADD],
    [1, NB_EVFILT_PROC, ADD],
  ];
  t.is(program.kevent(kq, bad).errno, NB_EBADF);
  const { value, events } = program.kevent(kq, bad, 2);
  t.is(value, 2);
  t.deepEqual(
    events.map(e => [e.ident, e.flags, e.data]),
    [
      [99, NB_EV_ERROR, NB_EBADF],
      [1, NB_EV_ERROR, NB_EINVAL],
    ],
  );
});

test.serial('a wait ends when there is something, and with its time', t => {
  const program = started(t);
  const other = program.call(NB.kqueue).value;
  const [r, w] = pipe(program);
  const kq = program.call(NB.kqueue).value;
  program.startKevent(kq, [[r, READ, ADD]], 1, -1);
  t.true(program.waits());
  program.client.call(8, NB.write, w, DATA, 1);
  const answers = [program.end(), program.end()];
  t.true(answers.every(({ errno, value }) => errno === 0 && value === 1));
  t.is(program.kevent(other, [], 1, 30).value, 0);
});

test.serial('the writer is gone: EV_EOF; a closed descriptor has no knotes, though there is a copy', t => {
  const program = started(t);
  const [r, w] = pipe(program);
  const kq = program.call(NB.kqueue).value;
  program.kevent(kq, [[r, READ, ADD]]);
  program.write(w, 'xy');
  program.call(NB.close, w);
  t.deepEqual(program.ready(kq), [[r, READ, ADD | NB_EV_EOF, 2]]);
  const copy = program.call(NB.dup, r).value;
  program.call(NB.close, r);
  t.deepEqual(program.ready(kq), []);
  t.is(program.call(NB.dup2, copy, r).value, r);
  t.deepEqual(program.ready(kq), []);
});

test.serial('sockets: readable, writable, half closed', t => {
  const program = started(t);
  program.start(NB.socketpair, AF_UNIX, SOCK_STREAM, 0, DATA);
  program.end();
  const [a, b] = [3, 4];
  const kq = program.call(NB.kqueue).value;
  program.kevent(kq, [
    [a, READ, ADD],
    [a, NB_EVFILT_WRITE, ADD],
  ]);
  t.deepEqual(
    program.ready(kq).map(([, filter]) => filter),
    [NB_EVFILT_WRITE],
  );
  program.write(b, 'hello');
  t.deepEqual(
    program.ready(kq).find(([, filter]) => filter === READ),
    [a, READ, ADD, 5],
  );
  program.call(NB.shutdown, b, 1);
  t.deepEqual(
    program.ready(kq).find(([, filter]) => filter === READ),
    [a, READ, ADD | NB_EV_EOF, 5],
  );
});

test.serial('a file: bytes to its end, again when it grows', t => {
  const program = started(t);
  program.put(DATA, Buffer.from('/f\0'));
  const fd = program.call(NB.open, DATA, O_RDWR | NB_O_CREAT, 0o644).value;
  program.put(DATA, Buffer.from('/f\0'));
  const reader = program.call(NB.open, DATA, 0, 0).value;
  const kq = program.call(NB.kqueue).value;
  program.kevent(kq, [[reader, READ, ADD]]);
  t.deepEqual(program.ready(kq), []);
  program.write(fd, '12345');
  t.deepEqual(program.ready(kq), [[reader, READ, ADD, 5]]);
});

test.serial('timers, a kqueue in a kqueue, and one that poll waits for', t => {
  const program = started(t);
  const [inner, outer] = [program.call(NB.kqueue).value, program.call(NB.kqueue).value];
  program.kevent(outer, [[inner, READ, ADD]]);
  program.kevent(inner, [[77, NB_EVFILT_TIMER, ADD | NB_EV_ONESHOT, 20]]);
  const pollfd = new Uint8Array(8);
  new DataView(pollfd.buffer).setInt32(0, outer, true);
  pollfd[4] = 1;
  program.put(DATA, pollfd);
  t.is(program.call(NB.poll, DATA, 1, -1).value, 1);
  t.deepEqual(program.ready(outer), [[inner, READ, ADD, 1]]);
  const [[ident, filter, , data] = []] = program.ready(inner);
  t.deepEqual([ident, filter, data], [77, NB_EVFILT_TIMER, 1]);
  t.deepEqual(program.ready(inner), []);
});

test.serial('a kqueue that watches itself, and one that is closed while a call waits', t => {
  const program = started(t);
  const kq = program.call(NB.kqueue).value;
  t.is(program.kevent(kq, [[kq, READ, ADD]]).errno, 0);
  t.deepEqual(program.ready(kq), []);
  program.startKevent(kq, [], 1, -1);
  t.true(program.waits());
  program.client.call(8, NB.close, kq);
  const answers = [program.end(), program.end()].map(({ errno }) => errno);
  t.deepEqual(answers.sort(), [0, NB_EBADF]);
});
