import test from 'ava';
import fc from 'fast-check';
import { EAGAIN, EDEADLK } from '../../../src/abi/linux/errno.js';
import { F_RDLCK, F_UNLCK, F_WRLCK } from '../../../src/abi/linux/fcntl.js';
import { type LockRequest, LockTable, LockWaits } from '../../../src/kernel/parts/locks.js';
import { cancel, follow, type Waited } from './waited.js';

const BYTES = 24;
const OWNERS = 5;

interface Step {
  readonly action: 'set' | 'wait' | 'release' | 'cancel';
  readonly owner: number;
  readonly type: number;
  readonly start: number;
  readonly length: number;
}

interface Call {
  readonly step: Step;
  result: number | undefined;
}

/** Which bytes a step is about; the last one stands for all that follow. */
function bytesOf({ start, length }: Step): number[] {
  const end = length === 0 ? BYTES : Math.min(BYTES, start + length);
  return Array.from({ length: end - start }, (_, at) => start + at);
}

/** Lock types byte by byte, and waiting calls in order. Even owners are processes, odd ones open file descriptions. */
class NaiveLocks {
  readonly held = Array.from({ length: OWNERS }, () => new Array<number>(BYTES).fill(F_UNLCK));
  waiting: Call[] = [];

  blockers(step: Step): number[] {
    return [...this.held.keys()].filter(
      owner =>
        owner !== step.owner &&
        bytesOf(step).some(byte => {
          const type = this.held[owner]?.[byte] ?? F_UNLCK;
          return type !== F_UNLCK && step.type !== F_UNLCK && (type === F_WRLCK || step.type === F_WRLCK);
        }),
    );
  }

  reaches(from: Step, goal: number, seen: Set<number>): boolean {
    return this.blockers(from).some(owner => {
      if (owner % 2 === 1) return false;
      if (owner === goal) return true;
      if (seen.has(owner)) return false;
      seen.add(owner);
      return this.waiting.some(({ step }) => step.owner === owner && this.reaches(step, goal, seen));
    });
  }

  set(step: Step, wait: boolean): Call {
    const call: Call = { step, result: undefined };
    if (this.blockers(step).length === 0) this.place(call);
    else if (!wait) call.result = -EAGAIN;
    else if (step.owner % 2 === 0 && this.reaches(step, step.owner, new Set())) call.result = -EDEADLK;
    else this.waiting.push(call);
    this.grant();
    return call;
  }

  place(call: Call): void {
    for (const byte of bytesOf(call.step)) (this.held[call.step.owner] ?? [])[byte] = call.step.type;
    call.result = 0;
  }

  grant(): void {
    for (;;) {
      const next = this.waiting.find(({ step }) => this.blockers(step).length === 0);
      if (next === undefined) return;
      this.waiting.splice(this.waiting.indexOf(next), 1);
      this.place(next);
    }
  }
}

function requestOf(step: Step, owners: readonly object[]): LockRequest {
  return {
    kind: step.owner % 2 === 0 ? 'posix' : 'ofd',
    owner: owners[step.owner] ?? {},
    pid: step.owner,
    type: step.type,
    start: step.start,
    end: step.length === 0 || step.start + step.length >= BYTES ? Infinity : step.start + step.length - 1,
  };
}

function compare(steps: readonly Step[]): void {
  const waits = new LockWaits();
  const locks = new LockTable(waits);
  const model = new NaiveLocks();
  const owners = Array.from({ length: OWNERS }, () => ({}));
  const calls: { model: Call; real: Waited }[] = [];
  for (const step of steps) {
    const owner = owners[step.owner] ?? {};
    if (step.action === 'set' || step.action === 'wait') {
      const wait = step.action === 'wait';
      const real = follow(locks.set(requestOf(step, owners), wait));
      calls.push({ model: model.set(step, wait), real });
    } else if (step.action === 'release') {
      if (step.owner % 2 === 0) locks.releasePosix(owner);
      else locks.releaseDescription(owner);
      model.held[step.owner]?.fill(F_UNLCK);
      model.grant();
    } else {
      const call = calls.find(
        ({ model: { result, step: asked } }) => result === undefined && asked.owner === step.owner,
      );
      if (call === undefined) continue;
      cancel(call.real);
      model.waiting.splice(model.waiting.indexOf(call.model), 1);
      call.model.result = call.real.result = Number.NaN;
    }
    for (const call of calls) {
      if (!Object.is(call.model.result, call.real.result)) {
        throw new Error(`${JSON.stringify(call.model.step)}: ${call.real.result}, not ${call.model.result}`);
      }
    }
    compareHeld(locks, model, owners);
  }
}

/** Asks about every byte on behalf of every owner. */
function compareHeld(locks: LockTable, model: NaiveLocks, owners: readonly object[]): void {
  for (let owner = 0; owner < OWNERS; owner++) {
    for (let byte = 0; byte < BYTES; byte++) {
      for (const type of [F_RDLCK, F_WRLCK]) {
        const step: Step = { action: 'set', owner, type, start: byte, length: 1 };
        const found = locks.get(requestOf(step, owners));
        const blockers = model.blockers(step);
        if ((found === undefined) !== (blockers.length === 0)) throw new Error(`byte ${byte} for ${owner}`);
        if (found === undefined) continue;
        const holds = blockers.some(holder => model.held[holder]?.[byte] === found.type);
        if (!holds || found.start > byte || found.end < byte) throw new Error(`byte ${byte}: ${found.type}`);
      }
    }
  }
}

const step: fc.Arbitrary<Step> = fc.record({
  action: fc.constantFrom('set', 'set', 'set', 'wait', 'wait', 'release', 'cancel'),
  owner: fc.nat(OWNERS - 1),
  type: fc.constantFrom(F_RDLCK, F_WRLCK, F_UNLCK),
  start: fc.nat(BYTES - 1),
  length: fc.nat(12),
});

test('byte-range locks do what a byte by byte model does', t => {
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), compare), { numRuns: 300 });
  t.pass();
});
