/** The host's files, by paths that may be any bytes. */
import * as fs from 'node:fs';
import { O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } from '../../abi/linux/fcntl.js';
import type { BytePath } from '../../kernel/rump_kernel.js';
import { onHost } from './errors.js';
import { byBytes, type Files, isRegular, replacing } from './files.js';

const bytes = (path: BytePath): Buffer => Buffer.from(path, 'latin1');

export class HostFiles implements Files {
  mode(path: BytePath, follow: boolean): number {
    return onHost(() => (follow ? fs.statSync(bytes(path)) : fs.lstatSync(bytes(path))).mode);
  }

  list(path: BytePath): BytePath[] {
    const names = onHost(() => fs.readdirSync(bytes(path), { encoding: 'buffer' }));
    return names.map(name => name.toString('latin1')).sort(byBytes);
  }

  mkdir(path: BytePath, mode: number): void {
    onHost(() => fs.mkdirSync(bytes(path), mode));
  }

  chmod(path: BytePath, mode: number): void {
    onHost(() => fs.chmodSync(bytes(path), mode));
  }

  readlink(path: BytePath): BytePath {
    return onHost(() => fs.readlinkSync(bytes(path), { encoding: 'buffer' })).toString('latin1');
  }

  symlink(target: BytePath, path: BytePath): void {
    replacing(
      () => onHost(() => fs.symlinkSync(bytes(target), bytes(path))),
      () => onHost(() => fs.unlinkSync(bytes(path))),
    );
  }

  openRead(path: BytePath): number {
    return onHost(() => fs.openSync(bytes(path), 'r'));
  }

  openWrite(path: BytePath, mode: number, follow: boolean): number {
    const flags = O_WRONLY | O_CREAT | O_TRUNC | (follow ? 0 : O_NOFOLLOW);
    return onHost(() => fs.openSync(bytes(path), flags, mode));
  }

  read(fd: number, buffer: Uint8Array): number {
    return onHost(() => fs.readSync(fd, buffer, 0, buffer.length, null));
  }

  write(fd: number, all: Uint8Array): void {
    for (let at = 0; at < all.length; ) at += onHost(() => fs.writeSync(fd, all, at, all.length - at));
  }

  setMode(fd: number, mode: number): void {
    onHost(() => {
      if (isRegular(fs.fstatSync(fd).mode)) fs.fchmodSync(fd, mode);
    });
  }

  close(fd: number): void {
    onHost(() => fs.closeSync(fd));
  }
}
