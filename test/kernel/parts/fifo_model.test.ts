import test from 'ava';
import fc from 'fast-check';
import { EAGAIN, EPIPE } from '../../../src/abi/linux/errno.js';
import { Fifo } from '../../../src/kernel/parts/fifo.js';
import { MemoryUio } from './memory_uio.js';
import { cancel, follow, type Waited } from './waited.js';

type Step =
  | { readonly kind: 'read' | 'write'; readonly length: number; readonly nonblock: boolean }
  | { readonly kind: 'cancelRead' | 'cancelWrite'; readonly which: number }
  | { readonly kind: 'closeReader' | 'closeWriter' };

interface ModelCall {
  readonly length: number;
  moved: number;
  begun: boolean;
  data: number[];
  result: number | undefined;
}

interface ModelPage {
  /** Where the next byte would go. */
  end: number;
  readonly bytes: number[];
}

/** A pipe written as plainly as can be: arrays of bytes, at most 16, and two arrays of waiting calls. */
class NaivePipe {
  pages: ModelPage[] = [];
  hasReader = true;
  hasWriter = true;
  reads: ModelCall[] = [];
  writes: ModelCall[] = [];

  read(length: number, nonblock: boolean): ModelCall {
    const call: ModelCall = { length, moved: 0, begun: false, data: [], result: undefined };
    if (length === 0) call.result = 0;
    else if (this.pages.length === 0 && this.hasWriter && nonblock) call.result = -EAGAIN;
    else this.reads.push(call);
    this.settle();
    return call;
  }

  write(data: number[], nonblock: boolean): ModelCall {
    const call: ModelCall = { length: data.length, moved: 0, begun: false, data, result: undefined };
    if (data.length === 0) {
      call.result = 0;
    } else {
      // Whoever comes tries at once, and only then takes its place behind those that wait.
      this.writes.unshift(call);
      this.settle();
      const at = this.writes.indexOf(call);
      if (at >= 0) this.writes.splice(at, 1);
      if (call.result === undefined && nonblock) call.result = call.moved > 0 ? call.moved : -EAGAIN;
      if (call.result === undefined) this.writes.push(call);
    }
    this.settle();
    return call;
  }

  get size(): number {
    return this.pages.reduce((sum, page) => sum + page.bytes.length, 0);
  }

  /** Moves bytes one by one. */
  take(length: number): number[] {
    const taken: number[] = [];
    for (let page = this.pages[0]; page !== undefined && taken.length < length; page = this.pages[0]) {
      taken.push(...page.bytes.splice(0, length - taken.length));
      if (page.bytes.length === 0) this.pages.shift();
    }
    return taken;
  }

  put(call: ModelCall): void {
    const last = this.pages.at(-1);
    const odd = call.length % 4096;
    if (!call.begun && last !== undefined && last.end + odd <= 4096) {
      last.bytes.push(...call.data.slice(0, odd));
      last.end += odd;
      call.moved += odd;
    }
    call.begun = true;
    while (call.moved < call.length && this.pages.length < 16) {
      const bytes = call.data.slice(call.moved, call.moved + 4096);
      this.pages.push({ end: bytes.length, bytes });
      call.moved += bytes.length;
    }
  }

  settle(): void {
    while (this.stepRead() || this.stepWrite());
  }

  stepRead(): boolean {
    const call = this.reads[0];
    if (call === undefined || (this.pages.length === 0 && this.hasWriter)) return false;
    call.data = this.take(call.length);
    call.result = call.data.length;
    this.reads.shift();
    return true;
  }

  stepWrite(): boolean {
    const call = this.writes[0];
    if (call === undefined) return false;
    if (!this.hasReader) {
      call.result = call.moved > 0 ? call.moved : -EPIPE;
    } else {
      const before = call.moved;
      this.put(call);
      if (call.moved < call.length) return call.moved > before;
      call.result = call.moved;
    }
    this.writes.shift();
    return true;
  }
}

const length = fc.oneof(
  fc.constantFrom(0, 1, 4095, 4096, 4097, 65535, 65536, 65537, 150_000),
  fc.integer({ min: 0, max: 70_000 }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('read' as const), length, nonblock: fc.boolean() }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('write' as const), length, nonblock: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('cancelRead' as const, 'cancelWrite' as const),
      which: fc.nat(5),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('closeReader' as const, 'closeWriter' as const) }),
  },
);

interface Followed {
  readonly model: ModelCall;
  readonly real: Waited;
  readonly uio: MemoryUio;
}

/** Runs steps on both and compares every result, all data and what is left. */
function compare(steps: readonly Step[]): void {
  const fifo = new Fifo();
  const reader = fifo.end({ read: true, write: false });
  const writer = fifo.end({ read: false, write: true });
  reader.open(true);
  writer.open(true);
  const pipe = new NaivePipe();
  const reads: Followed[] = [];
  const writes: Followed[] = [];
  let counter = 0;
  for (const now of steps) {
    if (now.kind === 'read' && pipe.hasReader) {
      const uio = MemoryUio.into(now.length);
      const real = follow(reader.read(uio, now.nonblock));
      reads.push({ model: pipe.read(now.length, now.nonblock), real, uio });
    } else if (now.kind === 'write' && pipe.hasWriter) {
      const data = Array.from({ length: now.length }, () => counter++ % 253);
      const uio = MemoryUio.from(Uint8Array.from(data));
      const real = follow(writer.write(uio, now.nonblock));
      writes.push({ model: pipe.write(data, now.nonblock), real, uio });
    } else if (now.kind === 'cancelRead' || now.kind === 'cancelWrite') {
      cancelOne(pipe, now.kind === 'cancelRead' ? reads : writes, now.which);
    } else if (now.kind === 'closeReader' && pipe.reads.length === 0) {
      reader.close();
      pipe.hasReader = false;
    } else if (now.kind === 'closeWriter' && pipe.writes.length === 0) {
      writer.close();
      pipe.hasWriter = false;
    }
    if (!pipe.hasReader && !pipe.hasWriter) pipe.pages = [];
    pipe.settle();
    check(fifo, pipe, reads, writes);
  }
}

function cancelOne(pipe: NaivePipe, calls: readonly Followed[], which: number): void {
  const waiting = calls.filter(call => call.model.result === undefined);
  const chosen = waiting[which % Math.max(1, waiting.length)];
  if (chosen === undefined) return;
  const queue = pipe.reads.includes(chosen.model) ? pipe.reads : pipe.writes;
  queue.splice(queue.indexOf(chosen.model), 1);
  chosen.model.result = Number.NaN;
  const moved = cancel(chosen.real);
  if (moved !== chosen.model.moved) throw new Error(`cancel: ${moved}, not ${chosen.model.moved}`);
  chosen.real.result = Number.NaN;
}

function check(fifo: Fifo, pipe: NaivePipe, reads: readonly Followed[], writes: readonly Followed[]): void {
  if (fifo.readable() !== pipe.size) throw new Error('another number of bytes is left');
  for (const { model, real } of [...reads, ...writes]) {
    if (!Object.is(model.result, real.result)) throw new Error(`${real.result}, not ${model.result}`);
  }
  for (const { model, uio } of reads) {
    if (Buffer.compare(Buffer.from(uio.got), Buffer.from(model.data)) !== 0) throw new Error('other bytes');
  }
}

test('a fifo does what a naive queue does', t => {
  fc.assert(fc.property(fc.array(step, { maxLength: 25 }), compare), { numRuns: 150 });
  t.pass();
});
