/** What the host's kernel allows, found out by trying it on a child of our own (native/doctor.c). */
import { library } from './library.js';

const attempt = library.func('int rh_try(int what)') as (what: number) => number;

/** enum rh_feature of native/rumphijack.h. */
const FEATURES = { ptrace: 0, memory: 1, filter: 2, listener: 3 } as const;

/** PTRACE_SEIZE; process_vm_readv(2); a seccomp filter; one with a listener (seccomp_unotify(2)). */
export type Feature = keyof typeof FEATURES;

/** 0 when it works, or -errno. */
export function tryFeature(feature: Feature): number {
  return attempt(FEATURES[feature]);
}
