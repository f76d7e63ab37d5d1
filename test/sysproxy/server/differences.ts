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

/** A list of nodes and its length; NetBSD's of the root is longer than the room that sysctl(8) has at first: ENOMEM. */
const NODES = /errno (?:0|12(?=.* 1=kern)); 0, 0; (\w+): (\d+=\w+\(\d\).*); (\w+): \w{16}/g;
/** Nodes of both kernels: their numbers and types are the same. */
const COMMON = new Set(
  'kern vfs hw ostype osrelease osrevision version hostname domainname machine model ncpu byteorder physmem pagesize machine_arch alignbytes physmem64 ncpuonline'.split(
    ' ',
  ),
);

function onlyCommon(_: string, at: string, nodes: string, lengthAt: string): string {
  const common = nodes.split(' ').filter(node => COMMON.has(/=(\w+)\(/.exec(node)?.[1] ?? ''));
  return `${at}: ${common.join(' ')}; ${lengthAt}`;
}

/** Where the transcripts ask for the machine's name. */
const HOSTNAMES = new Map(
  [
    ['nb-ls', 33],
    ['nb-ls-dev', 48],
    ['nb-sysctl', 11],
    ['nb-sysctl-w', 6],
  ].map(([transcript, reqno]) => [
    String(transcript),
    new RegExp(`^(0/${reqno} call 202: errno 0; 0, 0; \\w+: )(?:[0-9a-f]{2})+00; \\w+: \\w{16}$`),
  ]),
);

export const DIFFERENCES: readonly Difference[] = [
  replacing(
    'Connecting without a route',
    'connect(2) is ENETUNREACH, as on Linux, where NetBSD has no address to come from: EADDRNOTAVAIL.',
    /call 98: errno (49|51);/,
    'call 98: -',
    ['errors'],
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
  {
    title: 'Contents of /dev and of the root',
    why: 'there are full, random and urandom, and no bpf or vnd; both directories have entries for . and .. as well.',
    erase: (text, transcript) => {
      if (!transcript.startsWith('nb-ls')) return text;
      // Entries of one of them only, the bytes of all, and what lstat(2) says of those that are not there.
      return text
        .replace(/(call 390: errno 0; )\d+(, 0; .*)/, '$1-$2')
        .replace(/ (\.{1,2}|full|u?random|bpf|r?vnd0[a-g])\(\d, \d+\)/g, '')
        .replace(
          /^(0\/(1[7-9]|2\d|3[01]) call 441: )errno (0; 0, 0; \w+: mode (20-|60644) .*|2; 0, 0)$/,
          '$1-',
        );
    },
  },
  {
    title: 'The sysctl tree',
    why: 'it has kern, hw and vfs, with what this kernel has; kern.ostype is its own, and so are the name of the machine and the number of processors.',
    erase: (text, transcript) => {
      if (!/^(nb-)?(sysctl|ls)/.test(transcript)) return text;
      return text
        .replace(NODES, onlyCommon)
        .replace(/: (4e657442534400; \w+: 07|72756d7000; \w+: 05)0+$/, ': ostype')
        .replace(/: 0[12]000000(; \w+: 04)/, ': ncpu$1')
        .replace(HOSTNAMES.get(transcript) ?? /NONE/, '$1-');
    },
  },
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
    /(call 194: errno 0; 0, 0; \w+: 80(?:00){7})(ec06(?:00){6}|000001(?:00){5})$/,
    '$1-',
  ),
  replacing(
    'COPYIN that the client refuses',
    'ERROR in answer to COPYIN or COPYINSTR ends the call with EFAULT, where NetBSD never answers it.',
    /.*call 5: errno 14; 0, 0/,
    '',
    ['raw-copyinstr-answered-ERROR-class'],
  ),
];
