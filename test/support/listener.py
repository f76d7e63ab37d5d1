"""Runs a command below a seccomp filter that allows all calls and has a listener: there can be only one (seccomp(2))."""
import ctypes
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS = 38
SYS_SECCOMP = 317
SECCOMP_SET_MODE_FILTER = 1
SECCOMP_FILTER_FLAG_NEW_LISTENER = 8
BPF_RET_K, SECCOMP_RET_ALLOW = 0x06, 0x7FFF0000


class Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


libc = ctypes.CDLL(None, use_errno=True)
instruction = ctypes.create_string_buffer(struct.pack("HBBI", BPF_RET_K, 0, 0, SECCOMP_RET_ALLOW))
program = Program(1, ctypes.cast(instruction, ctypes.c_void_p))
libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
listener = libc.syscall(
    SYS_SECCOMP, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, ctypes.byref(program)
)
if listener < 0:
    sys.exit(f"seccomp: {os.strerror(ctypes.get_errno())}")
os.set_inheritable(listener, True)
os.execvp(sys.argv[1], sys.argv[1:])
