/** modctl(2) of NetBSD (sys/module.h). */

export const NB_MODCTL_LOAD = 0;
export const NB_MODCTL_UNLOAD = 1;
/** Its argument is a struct iovec: a buffer for modstat_t's, and its length, which becomes that of the whole list. */
export const NB_MODCTL_STAT = 2;
export const NB_MODCTL_EXISTS = 3;

/** sizeof(modstat_t) */
export const NB_MODSTAT_SIZE = 392;
/** MAXMODNAME */
const NAME_ROOM = 32;
const MS_SIZE = 368;
const MS_REFCNT = 372;

export interface ModuleStat {
  name: string;
  /** Bytes; 0 for what is built in. */
  size: number;
  /** -1 for what is built in. */
  references: number;
}

export function encodeModstat(bytes: Uint8Array, at: number, module: ModuleStat): void {
  bytes.fill(0, at, at + NB_MODSTAT_SIZE);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let i = 0; i < Math.min(module.name.length, NAME_ROOM - 1); i++)
    bytes[at + i] = module.name.charCodeAt(i);
  view.setUint32(at + MS_SIZE, module.size, true);
  view.setInt32(at + MS_REFCNT, module.references, true);
}

export function decodeModstat(bytes: Uint8Array, at: number): ModuleStat {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = bytes.indexOf(0, at);
  const stop = end < 0 || end > at + NAME_ROOM ? at + NAME_ROOM : end;
  return {
    name: Buffer.from(bytes.buffer, bytes.byteOffset + at, stop - at).toString('latin1'),
    size: view.getUint32(at + MS_SIZE, true),
    references: view.getInt32(at + MS_REFCNT, true),
  };
}
