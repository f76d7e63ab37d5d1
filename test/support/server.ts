/** Rump kernel servers of ours for tests: a process of its own for each. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rumphijack } from './run.js';

export interface TestServer {
  readonly url: string;
  readonly pid: number;
  /** Ends it and removes what it had. */
  stop(): void;
}

/** Starts `rumphijack server` in the background and waits until it serves. */
export function startServer(kind: 'unix' | 'tcp'): TestServer {
  const directory = mkdtempSync(join(tmpdir(), 'server-'));
  const pidFile = join(directory, 'pid');
  const asked = kind === 'unix' ? `unix://${join(directory, 'socket')}` : 'tcp://127.0.0.1:0/';
  const started = spawnSync(rumphijack, ['server', '--pid-file', pidFile, asked], { encoding: 'utf8' });
  if (started.status !== 0) throw new Error(`the server does not start: ${started.stderr}`);
  const pid = Number(readFileSync(pidFile, 'utf8'));
  return {
    url: kind === 'unix' ? asked : started.stdout.trim(),
    pid,
    stop: () => {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It was ended by the test.
      }
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
