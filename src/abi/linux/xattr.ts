/** Flags and name spaces of extended attributes (xattr(7)); linux/xattr.h. The limits on them are in limits.ts. */

// setxattr(2)
export const XATTR_CREATE = 1;
export const XATTR_REPLACE = 2;

// Name spaces
export const XATTR_USER_PREFIX = 'user.';
export const XATTR_TRUSTED_PREFIX = 'trusted.';
export const XATTR_SECURITY_PREFIX = 'security.';
export const XATTR_SYSTEM_PREFIX = 'system.';
export const XATTR_NAME_POSIX_ACL_ACCESS = 'system.posix_acl_access';
export const XATTR_NAME_POSIX_ACL_DEFAULT = 'system.posix_acl_default';
export const XATTR_NAME_CAPS = 'security.capability';
export const XATTR_NAME_SELINUX = 'security.selinux';
