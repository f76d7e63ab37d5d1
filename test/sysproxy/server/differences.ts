/**
 * Where our server answers otherwise than NetBSD's, on purpose. docs/rump_sp.md has the same list. Each entry takes out of both
 * answers (compare.ts's text) what it is about; a test fails for a difference that no entry explains, and for an entry that explains none.
 */
export interface Difference {
  readonly title: string;
  readonly why: string;
  /** The answer to one request of a transcript, without what differs. */
  erase(text: string, transcript: string): string;
}

/** `only` names the transcripts that it is about, by how their names begin. */
function replacing(
  title: string,
  why: string,
  pattern: RegExp,
  by: string,
  only: readonly string[] = [''],
): Difference {
  return {
    title,
    why,
    erase: (text, transcript) =>
      only.some(start => transcript.startsWith(start)) ? text.replace(pattern, by) : text,
  };
}

export const DIFFERENCES: readonly Difference[] = [
  replacing(
    'No network stack',
    'socket(2) is EAFNOSUPPORT for every family and type, and calls on sockets are EBADF.',
    /call (394|98|29): .*/,
    'call $1: -',
  ),
  replacing(
    'What was no socket cannot be closed',
    'the descriptor that socket(2) did not give is EBADF.',
    /call 6: errno [09];/,
    'call 6: -',
    ['nb-ls'],
  ),
  replacing(
    'Sizes of directories',
    'st_size counts as on Linux (20 bytes for each entry), st_blocks is 0.',
    /(mode 4\d{4} nlink \d+ \d+:\d+) size \d+ blocks \d+ blksize \d+/,
    '$1',
  ),
  replacing(
    'The root directory',
    'it is a tmpfs, which counts subdirectories in st_nlink, open to all like /tmp.',
    /mode 4(0755 nlink 2|1777 nlink \d) /,
    'mode 4- ',
    ['nb-ls'],
  ),
  replacing(
    'Symbolic links',
    'they have mode 0777 whatever the umask, and short ones take no blocks, as on Linux.',
    /mode 120(755|777) (.*) blocks \d+/,
    'mode 120- $2',
  ),
  replacing(
    'Devices',
    'they have mode 0666, size 0 and a block size of 4096, as on Linux; the console has that block size too.',
    /mode 20\d{3} (nlink \d \d+:\d+) size \d+ blocks \d+ blksize \d+/,
    'mode 20- $1',
  ),
  replacing(
    'Type of the root file system',
    'f_fstypename of / is tmpfs with what follows from it, where NetBSD has its rumpfs.',
    /rumpfs on \/ .*? owner 0/,
    'rumpfs on /',
  ),
  replacing(
    'MNT_RELATIME',
    'file systems update access times lazily, and say so in f_flag.',
    /flag 21000/g,
    'flag 1000',
  ),
  replacing(
    'Positions in directories',
    'lseek(2) shows cookies that stay the same while the directory changes; NetBSD counts the entries so far.',
    /call 199: errno 0; \d+/,
    'call 199: errno 0; -',
    ['nb-ls', 'nb-rm'],
  ),
  replacing(
    'Contents of /dev and of the root',
    'there are full, random and urandom, and no bpf or vnd; both directories have entries for . and .. as well.',
    /call (390|441): .*/,
    'call $1: -',
    ['nb-ls'],
  ),
  replacing(
    'The sysctl tree',
    'it has kern, hw and vfs, with what this kernel has; kern.ostype is its own, and so are the name of the machine and the number of processors.',
    /call 202: .*/,
    'call 202: -',
    ['sysctl', 'nb-sysctl', 'nb-ls'],
  ),
  replacing(
    'ioctl(2) of another kind of device',
    'a request that the device does not know is ENOTTY, never ENODEV.',
    /call 54: errno (19|25);/,
    'call 54: -',
    ['nb-dd'],
  ),
  replacing(
    'Hard limit of descriptors',
    'a process may raise its limit to 65536, not to 1772.',
    /call 194: .*/,
    'call 194: -',
  ),
  replacing(
    'COPYIN that the client refuses',
    'ERROR in answer to COPYIN or COPYINSTR ends the call with EFAULT, where NetBSD never answers it.',
    /.*call 5: errno 14; 0, 0/,
    '',
    ['raw-copyinstr-answered-ERROR-class'],
  ),
];
