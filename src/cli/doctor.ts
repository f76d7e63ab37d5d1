/** rumphijack doctor: what this machine allows, what that costs, and how to get it. */
import { print } from './ctl/help.js';
import { type Check, examine } from './doctor/checks.js';

/** `run` cannot work here. */
const UNFIT = 1;

function lines(checks: readonly Check[]): string[] {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks.flatMap(({ name, ok, needed, found, costs, remedy }) => {
    const word = ok ? 'ok' : needed ? 'FAILS' : 'missing';
    const head = `${word.padEnd(7)}  ${name.padEnd(width)}  ${found}`;
    return ok ? [head] : [head, `${' '.repeat(9)}${costs}`, `${' '.repeat(9)}to get it: ${remedy}`];
  });
}

/** Returns the exit status: 0 when all that `run` needs is there, 1 when it is not. */
export async function doctor({
  server,
  json,
}: {
  server: string | undefined;
  json: boolean;
}): Promise<number> {
  const checks = await examine(server ?? process.env.RUMP_SERVER ?? '');
  if (json) print(`${JSON.stringify(checks)}\n`);
  else print(`${lines(checks).join('\n')}\n`);
  return checks.every(({ ok, needed }) => ok || !needed) ? 0 : UNFIT;
}
