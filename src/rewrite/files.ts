import type { Mirror } from '../tracer/mirror.js';

/**
 * The dual descriptor map of one descriptor table: which of the program's numbers are rump descriptors. The host's table
 * is the host kernel's business; a placeholder there holds each number that is in this map.
 */
export class FileMap {
  /** Program's number -> rump descriptor, -1 for none. */
  #rump = new Int32Array(0);
  /** Program's number -> the placeholder's mirror, where there is one: of sockets, and what else can be waited for. */
  #mirrors: (Mirror | undefined)[] = [];
  #count = 0;
  #users = 1;

  get size(): number {
    return this.#count;
  }

  /** The rump descriptor behind the program's number, or -1. */
  get(fd: number): number {
    return fd >= 0 && fd < this.#rump.length ? this.#rump[fd] : -1;
  }

  /** What keeps the placeholder of the program's number as ready as the rump descriptor. */
  mirrorOf(fd: number): Mirror | undefined {
    return this.#mirrors[fd];
  }

  set(fd: number, rump: number, mirror?: Mirror): void {
    if (fd >= this.#rump.length) {
      const larger = new Int32Array(Math.max(256, 2 ** Math.ceil(Math.log2(fd + 1)))).fill(-1);
      larger.set(this.#rump);
      this.#rump = larger;
    }
    if (this.#rump[fd] < 0) this.#count++;
    this.#rump[fd] = rump;
    if (mirror !== undefined || this.#mirrors.length > fd) this.#mirrors[fd] = mirror;
  }

  delete(fd: number): void {
    if (this.get(fd) < 0) return;
    this.#rump[fd] = -1;
    if (this.#mirrors.length > fd) this.#mirrors[fd] = undefined;
    this.#count--;
  }

  /** The program's numbers in [first, last] that are rump descriptors, in order. */
  *numbers(first = 0, last = Number.POSITIVE_INFINITY): Generator<number> {
    if (this.#count === 0) return;
    const end = Math.min(last, this.#rump.length - 1);
    for (let fd = first; fd <= end; fd++) if (this.#rump[fd] >= 0) yield fd;
  }

  /** CLONE_FILES: one more process uses this very map. */
  share(): this {
    this.#users++;
    return this;
  }

  /** One user less. */
  release(): void {
    this.#users--;
  }

  /** A map of one's own: this one, when nobody else uses it. */
  unshare(): FileMap {
    if (this.#users === 1) return this;
    this.#users--;
    return this.copy();
  }

  copy(): FileMap {
    const copy = new FileMap();
    copy.#rump = this.#rump.slice();
    copy.#mirrors = this.#mirrors.slice();
    copy.#count = this.#count;
    return copy;
  }
}
