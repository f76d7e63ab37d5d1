/** A rump_sp client made by hand, for what no proper client would send. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Class, Type } from '../../src/sysproxy/frame.js';

export interface RawFrame {
  readonly reqno: number;
  readonly cls: number;
  readonly type: number;
  readonly info: number;
  readonly body: Buffer;
}

export function frame(
  reqno: number,
  cls: number,
  type: number,
  info: number,
  body: Uint8Array = Buffer.alloc(0),
): Buffer {
  const header = Buffer.alloc(24);
  header.writeBigUInt64LE(BigInt(24 + body.length), 0);
  header.writeBigUInt64LE(BigInt(reqno), 8);
  header.writeUInt16LE(cls, 16);
  header.writeUInt16LE(type, 18);
  header.writeUInt32LE(info >>> 0, 20);
  return Buffer.concat([header, body]);
}

export const guest = (name = 'raw\0', reqno = 1): Buffer =>
  frame(reqno, Class.REQ, Type.HANDSHAKE, 0, Buffer.from(name, 'latin1'));

/** A call with 64-bit arguments. */
export const call = (reqno: number, nr: number, ...args: (number | bigint)[]): Buffer => {
  const body = Buffer.alloc(args.length * 8);
  args.forEach((arg, i) => {
    body.writeBigUInt64LE(BigInt.asUintN(64, BigInt(arg)), i * 8);
  });
  return frame(reqno, Class.REQ, Type.SYSCALL, nr, body);
};

export class RawClient {
  readonly socket: Socket;
  #bytes = Buffer.alloc(0);
  #closed = false;
  #changed: (() => void)[] = [];

  constructor(path: string) {
    this.socket = connect(path);
    this.socket.on('data', data => {
      this.#bytes = Buffer.concat([this.#bytes, data]);
      this.#tell();
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.#closed = true;
      this.#tell();
    });
  }

  #tell(): void {
    for (const go of this.#changed.splice(0)) go();
  }

  /** Waits for `length` bytes; false when the connection ended before. */
  async #need(length: number): Promise<boolean> {
    while (this.#bytes.length < length) {
      if (this.#closed) return false;
      await new Promise<void>(resolve => this.#changed.push(resolve));
    }
    return true;
  }

  /** The line that a server begins with; undefined when it only closes. */
  async banner(): Promise<string | undefined> {
    if (!(await this.#need(32))) return undefined;
    const line = this.#bytes.subarray(0, 32).toString();
    this.#bytes = this.#bytes.subarray(32);
    return line;
  }

  send(...frames: Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** The next frame; undefined when the server has closed the connection. */
  async next(): Promise<RawFrame | undefined> {
    if (!(await this.#need(24))) return undefined;
    const length = Number(this.#bytes.readBigUInt64LE(0));
    if (!(await this.#need(length))) return undefined;
    const bytes = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return {
      reqno: Number(bytes.readBigUInt64LE(8)),
      cls: bytes.readUInt16LE(16),
      type: bytes.readUInt16LE(18),
      info: bytes.readUInt32LE(20),
      body: bytes.subarray(24),
    };
  }

  /** Connected, and a process of its own. */
  static async guest(path: string): Promise<RawClient> {
    const client = new RawClient(path);
    await client.banner();
    client.send(guest());
    await client.next();
    return client;
  }

  /** A call's answer: errno and both registers; COPYINs are served by `memory`. */
  async call(
    bytes: Buffer,
    memory: (address: number, length: number) => Uint8Array = () => Buffer.alloc(0),
  ): Promise<number[]> {
    this.send(bytes);
    for (;;) {
      const answer = await this.next();
      if (answer === undefined) throw new Error('the server has closed the connection');
      if (answer.cls === Class.ERROR) return [-answer.info];
      if (answer.cls === Class.RESP && answer.type === Type.SYSCALL)
        return [
          answer.body.readInt32LE(0),
          Number(answer.body.readBigInt64LE(8)),
          Number(answer.body.readBigInt64LE(16)),
        ];
      if (answer.type !== Type.COPYIN && answer.type !== Type.COPYINSTR) continue;
      const [length, address] = [
        Number(answer.body.readBigUInt64LE(0)),
        Number(answer.body.readBigUInt64LE(8)),
      ];
      this.send(frame(answer.reqno, Class.RESP, Type.COPYIN, 0, memory(address, length)));
    }
  }

  async end(): Promise<void> {
    if (this.#closed) return;
    this.socket.destroy();
    await once(this.socket, 'close');
  }
}
