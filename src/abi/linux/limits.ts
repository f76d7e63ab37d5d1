/** Limits of x86-64 Linux; lengths in bytes. */

// linux/limits.h. PATH_MAX counts the final NUL, NAME_MAX does not.
export const PATH_MAX = 4096;
export const NAME_MAX = 255;
export const PIPE_BUF = 4096;
export const ARG_MAX = 131072;
export const NGROUPS_MAX = 65536;
export const XATTR_NAME_MAX = 255;
export const XATTR_SIZE_MAX = 65536;
export const XATTR_LIST_MAX = 65536;

// linux/uio.h: segments in a vector
export const IOV_MAX = 1024;

// linux/fs.h: what one read or write moves at most (INT_MAX in whole pages)
export const MAX_RW_COUNT = 0x7ffff000;

// linux/namei.h: symbolic links followed in one look-up
export const MAXSYMLINKS = 40;

// asm/page_types.h
export const PAGE_SIZE = 4096;
