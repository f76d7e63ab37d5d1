/** ping: echo requests by the server's stack, in the form of NetBSD's ping(8). */
import { randomBytes } from 'node:crypto';
import { EAGAIN } from '../../abi/linux/errno.js';
import { SIGINT } from '../../abi/linux/signal.js';
import { NB_MSG_DONTWAIT } from '../../abi/netbsd/msg.js';
import {
  NB_AF_INET,
  NB_IPPROTO_ICMP,
  NB_IPPROTO_ICMPV6,
  NB_IPPROTO_IPV6,
  NB_IPV6_HOPLIMIT,
  NB_IPV6_RECVHOPLIMIT,
  NB_SOCK_RAW,
} from '../../abi/netbsd/socket.js';
import { net } from '../../native/net.js';
import { formatSockaddr, type Given, type Interfaces, parseAddress, sockaddrOf } from './addresses.js';
import { CallError, Refusal } from './errors.js';
import { decodeIcmp4, decodeIcmp6, type EchoAnswer, encodeEcho } from './icmp.js';
import { interfaces } from './interfaces.js';
import { type Datagram, RumpSocket } from './sockets.js';
import type { Flags, Tool } from './tool.js';

/** The exit status when nobody has answered. */
const NO_ANSWER = 2;
/** Largest datagram without its headers. */
const MOST_DATA = 65_507;
const PACKET_ROOM = 65_536;
/** How often we look whether the user has had enough, milliseconds: a call on the server cannot be interrupted. */
const SLICE_MS = 250;
/** Sequence numbers whose times are remembered. */
const REMEMBERED = 1024;

interface Options {
  readonly count: number;
  readonly intervalMs: number;
  readonly size: number;
  /** How long answers are waited for after the last request. */
  readonly lingerMs: number;
  readonly isQuiet: boolean;
}

export function ping(tool: Tool, args: readonly string[], flags: Flags): void {
  const options = optionsOf(flags);
  const all = interfaces(tool.session);
  const target = parseAddress(args[0], () => all);
  if (target.prefix !== undefined) throw new Refusal(`'${target.text}' is no host's address`);
  const isIpv4 = target.family === NB_AF_INET;
  const protocol = isIpv4 ? NB_IPPROTO_ICMP : NB_IPPROTO_ICMPV6;
  RumpSocket.use(tool.session, target.family, NB_SOCK_RAW, protocol, socket => {
    if (!isIpv4) socket.setOption(NB_IPPROTO_IPV6, NB_IPV6_RECVHOPLIMIT, 1);
    net.catchSignal(SIGINT);
    const run = new Run(tool, socket, target, options, all);
    run.go();
    tool.status = run.received > 0 ? 0 : NO_ANSWER;
  });
}

/** Throws Refusal. */
function optionsOf(flags: Flags): Options {
  const number = (name: string, otherwise: number, pattern: RegExp, least: number, most: number): number => {
    const text = flags[name];
    if (text === undefined) return otherwise;
    const value = Number(text);
    if (!pattern.test(String(text)) || value < least || value > most)
      throw new Refusal(`-${name} '${text}': a number from ${least} to ${most} is needed`);
    return value;
  };
  const whole = /^\d+$/;
  const seconds = /^(\d+(\.\d*)?|\.\d+)$/;
  return {
    count: number('c', Number.POSITIVE_INFINITY, whole, 1, 2 ** 31 - 1),
    intervalMs: number('i', 1, seconds, 0.001, 86_400) * 1000,
    size: number('s', 56, whole, 0, MOST_DATA),
    lingerMs: number('W', 10, seconds, 0, 86_400) * 1000,
    isQuiet: flags.q === true,
  };
}

class Run {
  received = 0;
  #sent = 0;
  #repeats = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;
  #sum = 0;
  #squares = 0;
  readonly #id = randomBytes(2).readUInt16BE();
  readonly #isIpv4: boolean;
  readonly #address: Uint8Array;
  readonly #data: Uint8Array;
  readonly #room = new Uint8Array(PACKET_ROOM);
  /** By the low bits of a sequence number: when it was sent (milliseconds), and whether it was answered. */
  readonly #sentAt = new Float64Array(REMEMBERED);
  readonly #answered = new Uint8Array(REMEMBERED);

  constructor(
    readonly tool: Tool,
    readonly socket: RumpSocket,
    readonly target: Given,
    readonly options: Options,
    readonly all: Interfaces,
  ) {
    this.#isIpv4 = target.family === NB_AF_INET;
    this.#address = sockaddrOf(target);
    this.#data = Uint8Array.from({ length: options.size }, (_, i) => i & 0xff);
  }

  go(): void {
    const { text } = this.target;
    const size = this.options.size;
    this.tool.out.line(`PING ${text} (${text}): ${size} data bytes`);
    let due = performance.now();
    while (this.#sent < this.options.count && !this.#isOver()) {
      this.#send();
      due = Math.max(due + this.options.intervalMs, performance.now());
      if (this.#sent < this.options.count) this.#receiveUntil(due, false);
    }
    this.#receiveUntil(performance.now() + this.options.lingerMs, true);
    this.#summary();
  }

  #isOver(): boolean {
    return net.caught(SIGINT) !== 0;
  }

  #send(): void {
    const seq = this.#sent & 0xffff;
    const slot = seq % REMEMBERED;
    this.#answered[slot] = 0;
    this.#sentAt[slot] = performance.now();
    this.#sent++;
    const packet = encodeEcho(!this.#isIpv4, this.#id, seq, this.#data);
    try {
      this.socket.sendTo(packet, this.#address);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      this.tool.complain(`sendto: ${error.message}`);
    }
  }

  /** Deals with what comes until `due`; with `untilAll` no longer than until everything was answered. */
  #receiveUntil(due: number, untilAll: boolean): void {
    while (!this.#isOver() && !(untilAll && this.received >= this.#sent)) {
      this.tool.out.flush();
      const left = Math.ceil(due - performance.now());
      if (left <= 0) break;
      if (!this.socket.canRead(Math.min(left, SLICE_MS))) continue;
      const now = performance.now();
      const datagram = this.#take();
      if (datagram !== undefined) this.#deal(datagram, now);
    }
  }

  #take(): Datagram | undefined {
    try {
      return this.socket.receive(this.#room, NB_MSG_DONTWAIT);
    } catch (error) {
      if (error instanceof CallError && error.errno === EAGAIN) return undefined;
      throw error;
    }
  }

  #deal({ data, from, control }: Datagram, now: number): void {
    const answer = this.#isIpv4 ? decodeIcmp4(data) : decodeIcmp6(data, hopLimit(control));
    // Others ping, too.
    if (answer === undefined || answer.id !== this.#id) return;
    const who = `${answer.bytes} bytes from ${formatSockaddr(from, this.all)}:`;
    if (answer.kind === 'error') {
      if (!this.options.isQuiet) this.tool.out.line(`${who} ${answer.error} for icmp_seq=${answer.seq}`);
    } else this.#reply(answer, who, now);
  }

  #reply(answer: EchoAnswer, who: string, now: number): void {
    const slot = answer.seq % REMEMBERED;
    const time = now - this.#sentAt[slot];
    const isRepeat = this.#answered[slot] !== 0;
    if (isRepeat) this.#repeats++;
    else this.received++;
    this.#answered[slot] = 1;
    this.#sum += time;
    this.#squares += time * time;
    this.#min = Math.min(this.#min, time);
    this.#max = Math.max(this.#max, time);
    if (this.options.isQuiet) return;
    const ttl = answer.ttl === undefined ? '' : ` ${this.#isIpv4 ? 'ttl' : 'hlim'}=${answer.ttl}`;
    const wrong = this.#wrongByte(answer.data);
    this.tool.out.line(
      `${who} icmp_seq=${answer.seq}${ttl} time=${time.toFixed(6)} ms${isRepeat ? ' DUP!' : ''}${wrong}`,
    );
  }

  #wrongByte(data: Uint8Array): string {
    const at = this.#data.findIndex((byte, i) => data[i] !== byte);
    if (at < 0) return '';
    if (at >= data.length) return ' truncated';
    return ` wrong data byte #${at} should have been ${this.#data[at]} but was ${data[at]}`;
  }

  #summary(): void {
    const { out } = this.tool;
    const loss = (((this.#sent - this.received) * 100) / Math.max(1, this.#sent)).toFixed(1);
    const repeats = this.#repeats === 0 ? '' : `+${this.#repeats} duplicates, `;
    out.line(`\n----${this.target.text} PING Statistics----`);
    out.line(
      `${this.#sent} packets transmitted, ${this.received} packets received, ${repeats}${loss}% packet loss`,
    );
    const count = this.received + this.#repeats;
    if (count === 0) return;
    const average = this.#sum / count;
    const variance = count > 1 ? Math.max(0, (this.#squares - count * average * average) / (count - 1)) : 0;
    const times = [this.#min, average, this.#max, Math.sqrt(variance)].map(time => time.toFixed(6));
    out.line(`round-trip min/avg/max/stddev = ${times.join('/')} ms`);
  }
}

function hopLimit(control: Datagram['control']): number | undefined {
  const message = control.find(({ level, type }) => level === NB_IPPROTO_IPV6 && type === NB_IPV6_HOPLIMIT);
  return message === undefined || message.data.length < 4
    ? undefined
    : new DataView(message.data.buffer, message.data.byteOffset).getInt32(0, true);
}
