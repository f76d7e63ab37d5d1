/** librumphijack.so, loaded once for all that call into it. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';

function libraryPath(): string {
  // Compiled code lives in dist/src/native, sources in src/native: the library is native/ of the same package.
  for (const up of ['../../../native/', '../../native/']) {
    const path = fileURLToPath(new URL(`${up}librumphijack.so`, import.meta.url));
    if (existsSync(path)) return path;
  }
  throw new Error('native/librumphijack.so is missing: run "npm run build"');
}

export const library = koffi.load(libraryPath());
