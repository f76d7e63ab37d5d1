/** Ways of doing the same thing, measured in turns (A B A B), so that a slow moment of the machine meets all of them; medians are compared. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const built = (name: string): string => join(root, 'dist/bench', name);
export const rumphijack = [join(root, 'bin/rumphijack'), 'run', '--'];
export const rounds = Number(process.argv[2] ?? 5);
/** A directory on a host tmpfs. */
export const host = mkdtempSync('/dev/shm/rumphijack-bench-');
process.on('exit', () => rmSync(host, { recursive: true, force: true }));

export type Way = { name: string; command: readonly string[] };
type Unit = 'ns' | 'µs' | 'ms' | 'MB/s' | 'calls/s' | 'MB';
type Row = { what: string; way: string; value: string; ratio: string; goal: string };
export const rows: Row[] = [];

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** Runs a command and returns the number that ends its output, or NaN, with its message, when it fails. */
function measure(command: readonly string[], pinned: boolean): number {
  const [first = 'true', ...rest] = pinned ? ['taskset', '-c', '0', ...command] : command;
  const { status, stdout, stderr } = spawnSync(first, rest, { encoding: 'utf8', timeout: 300_000 });
  const number = Number(stdout.trim().split(/\s+/).at(-1));
  if (status === 0 && Number.isFinite(number)) return number;
  console.error(`bench: ${command.join(' ')}: status ${status}\n${stderr.trim()}`);
  return Number.NaN;
}

type Options = {
  pinned?: boolean;
  unit: Unit;
  base: string;
  goal?: { way: string; text: string };
  digits?: number;
};

/** The ways take turns; each becomes a row, with its ratio to the one named base. */
export function compare(what: string, ways: readonly Way[], options: Options): void {
  const { pinned = false, unit, base, goal, digits = 1 } = options;
  const samples = new Map<string, number[]>(ways.map(way => [way.name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const way of ways) samples.get(way.name)?.push(measure(way.command, pinned));
  }
  const reference = median(samples.get(base) ?? []);
  for (const { name } of ways) {
    const value = median(samples.get(name) ?? []);
    const row = {
      what: `${what}${pinned ? ', pinned' : ''}`,
      way: name,
      value: Number.isNaN(value) ? 'failed' : `${value.toFixed(digits)} ${unit}`,
      ratio: name === base || Number.isNaN(value) ? '' : (value / reference).toFixed(2),
      goal: goal?.way === name ? goal.text : '',
    };
    rows.push(row);
    console.log(line(row));
  }
}

export const line = ({ what, way, value, ratio, goal }: Row): string =>
  [what.padEnd(38), way.padEnd(14), value.padStart(13), ratio.padStart(8), goal].join('  ').trimEnd();

export const bare = (...command: string[]): Way => ({ name: 'bare', command });
export const ours = (...command: string[]): Way => ({
  name: 'rumphijack',
  command: [...rumphijack, ...command],
});
export const shell = (script: string): string[] => ['sh', '-c', script];
