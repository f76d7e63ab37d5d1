/** Conversations with a NetBSD rump kernel, as test/vectors/rump_sp has them: a line per frame. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../support/run.js';
import { parseFrame, type TestFrame } from './sync_client.js';

export interface Line {
  /** The connection, counted from 0 in the order in which they were made. */
  conn: number;
  fromClient: boolean;
  /** Undefined: the side has closed. */
  bytes: Buffer | undefined;
  /** Undefined for the banner and for what is no frame. */
  frame: TestFrame | undefined;
}

/** `<connection><direction> <hex>`; (00*12) is a byte that comes twelve times; EOF. */
export function readTranscript(name: string): Line[] {
  const text = readFileSync(join(root, 'test/vectors/rump_sp', `${name}.txt`), 'latin1');
  return text.trimEnd().split('\n').map(parseLine);
}

function parseLine(line: string): Line {
  const conn = Number(line[0]);
  const fromClient = line[1] === '>';
  const data = line.slice(3);
  if (data === 'EOF') return { conn, fromClient, bytes: undefined, frame: undefined };
  const hex = data.replace(/\((..)\*(\d+)\)/g, (_, byte: string, times: string) =>
    byte.repeat(Number(times)),
  );
  const bytes = Buffer.from(hex, 'hex');
  const isFrame = bytes.length >= 24 && bytes.readBigUInt64LE(0) === BigInt(bytes.length);
  return { conn, fromClient, bytes, frame: isFrame ? parseFrame(bytes) : undefined };
}
