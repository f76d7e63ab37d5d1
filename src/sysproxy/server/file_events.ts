/** What kqueues are told of open files: one watcher for each file, however many knotes come and go. */
import type { OpenFile } from '../../kernel/open_files.js';
import type { Watcher } from '../../kernel/socket_calls.js';
import type { Inode } from '../../kernel/vfs/vnode.js';

/** Who wants to know. None of this may call the kernel. */
export interface Listener {
  /** Something may be ready now: bits of poll(2). */
  touched(revents: number): void;
  /** The open file is gone. */
  gone(): void;
}

/** As many bits as there are: for files whose readiness nobody tells. */
const ANYTHING = -1;

class Events implements Watcher {
  readonly listeners = new Set<Listener>();

  changed(revents: number): void {
    for (const listener of this.listeners) listener.touched(revents);
  }

  closed(): void {
    const listeners = [...this.listeners];
    this.listeners.clear();
    for (const listener of listeners) listener.gone();
  }
}

export class FileEvents {
  /** The kernel's watchers stay as long as the file is open: there must be no more than one of them. */
  readonly #byFile = new WeakMap<OpenFile, Events>();
  /** Files that are always ready, where there may be more after a write. */
  readonly #byInode = new WeakMap<Inode, Events>();

  listen(file: OpenFile, listener: Listener): void {
    this.#eventsOf(file).listeners.add(listener);
  }

  ignore(file: OpenFile, listener: Listener): void {
    this.#byFile.get(file)?.listeners.delete(listener);
    this.#byInode.get(file.inode)?.listeners.delete(listener);
  }

  /** A client has changed the file. */
  wrote(inode: Inode): void {
    this.#byInode.get(inode)?.changed(ANYTHING);
  }

  #eventsOf(file: OpenFile): Events {
    const known = this.#byFile.get(file) ?? this.#byInode.get(file.inode);
    if (known !== undefined) return known;
    const events = new Events();
    if (file.watch(events) === 0) this.#byFile.set(file, events);
    else this.#byInode.set(file.inode, events);
    return events;
  }
}
