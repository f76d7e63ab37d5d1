import test from 'ava';
import { inRump, same } from '../support/run.js';

// -S and -B: no site packages, and no .pyc files written beside the modules.
const python = (title: string, code: string): void => {
  test(`python3: ${title}`, async t => {
    const script = `cat > "$HOST/t.py" <<'END'\n${code}\nEND\n/usr/bin/python3 -SB "$HOST/t.py"`;
    const result = await same(t, script);
    t.is(result.status, 0, result.stderr);
  });
};

python(
  'os',
  `
import os, stat, errno
os.makedirs("a/b/c"); os.mkdir("d", 0o700)
fd = os.open("f", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640)
print(os.write(fd, b"0123456789"), os.lseek(fd, 2, os.SEEK_SET), os.read(fd, 3), os.pread(fd, 4, 5), os.pwrite(fd, b"XY", 1))
print(os.preadv(fd, [bytearray(3), bytearray(4)], 0), os.writev(fd, [b"ab", b"cd"]), os.fstat(fd).st_size)
os.ftruncate(fd, 5); os.fsync(fd); os.fchmod(fd, 0o600); print(oct(os.fstat(fd).st_mode)); os.posix_fallocate(fd, 0, 100); print(os.fstat(fd).st_size)
os.close(fd)
for code in (errno.EEXIST, errno.ENOENT, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR):
    try:
        {errno.EEXIST: lambda: os.mkdir("a"), errno.ENOENT: lambda: os.stat("none"), errno.ENOTEMPTY: lambda: os.rmdir("a"),
         errno.ENOTDIR: lambda: os.listdir("f"), errno.EISDIR: lambda: os.open("a", os.O_WRONLY)}[code]()
    except OSError as e:
        print(e.errno == code, e.strerror)
os.symlink("f", "l"); print(os.readlink("l"), os.path.islink("l"), os.path.realpath("l") == os.path.join(os.getcwd(), "f"))
os.link("f", "h"); print(os.stat("f").st_nlink, os.path.samefile("f", "h")); os.replace("h", "h2"); os.unlink("h2")
os.utime("f", ns=(123456789, 987654321)); s = os.stat("f"); print(s.st_atime_ns, s.st_mtime_ns)
with os.scandir(".") as it: print(sorted((e.name, e.is_dir(), e.is_symlink(), e.is_file(follow_symlinks=False)) for e in it))
print(sorted((r, sorted(d), sorted(f)) for r, d, f in os.walk(".")))
d = os.open(".", os.O_RDONLY); print(sorted(os.listdir(d)), os.stat("f", dir_fd=d).st_size); os.mkdir("via", dir_fd=d); os.rename("via", "via2", src_dir_fd=d, dst_dir_fd=d)
os.fchdir(d); os.chdir("a"); print(os.path.relpath(os.getcwd(), "..")); os.fchdir(d); os.close(d); print(os.access("f", os.R_OK), os.access("none", os.F_OK))
os.truncate("f", 1); print(os.path.getsize("f")); os.chmod("f", 0o4755); print(oct(stat.S_IMODE(os.stat("f").st_mode))); os.mkfifo("p"); print(stat.S_ISFIFO(os.stat("p").st_mode))
old = os.umask(0o077); open("u", "w").close(); print(oct(os.stat("u").st_mode)); os.umask(old); print(os.pathconf(".", "PC_NAME_MAX"), os.statvfs(".").f_namemax)
`,
);

python(
  'shutil and tempfile',
  `
import os, shutil, tempfile
os.makedirs("t/sub"); open("t/a", "w").write("a" * 100000); open("t/sub/b", "w").write("b"); os.symlink("a", "t/l")
shutil.copytree("t", "c", symlinks=True); shutil.copytree("t", os.environ["HOST"] + "/c"); shutil.copy2("t/a", "x"); shutil.move("x", os.environ["HOST"] + "/x"); shutil.move(os.environ["HOST"] + "/x", "y")
print(os.path.getsize("y"), sorted(os.listdir("c")), sorted(os.listdir(os.environ["HOST"])))
shutil.make_archive("arc", "gztar", "t"); shutil.unpack_archive("arc.tar.gz", "u"); print(open("u/sub/b").read()); shutil.rmtree("c"); print(os.path.exists("c"))
with tempfile.TemporaryDirectory(dir=".") as d:
    with tempfile.NamedTemporaryFile(dir=d) as f: f.write(b"x"); f.flush(); print(os.path.getsize(f.name))
    with tempfile.TemporaryFile(dir=d) as f: f.write(b"hello"); f.seek(0); print(f.read(), os.fstat(f.fileno()).st_nlink)
print(os.listdir(".").__len__())
`,
);

python(
  'mmap of a file',
  `
import mmap, os
with open("f", "wb") as f: f.write(b"line one\\n" + b"x" * 10000 + b"\\nlast\\n")
with open("f", "rb") as f:
    m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ); print(m[:8], len(m), m.find(b"last"), m.rfind(b"x")); m.seek(9); print(m.readline()[:3]); m.close()
    m = mmap.mmap(f.fileno(), 100, offset=4096, access=mmap.ACCESS_READ); print(m[:2]); m.close()
    m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_COPY); m[0:4] = b"LINE"; print(m[:8]); m.close(); print(f.read(4))
`,
);

python(
  'subprocess with close_fds',
  `
import os, subprocess
f = open("f", "w"); f.write("x"); f.flush()
print(subprocess.run(["cat", "f"], capture_output=True, close_fds=True).stdout)
print(subprocess.run(["sh", "-c", "echo out; echo err >&2; exit 3"], stdout=open("o", "w"), stderr=subprocess.STDOUT).returncode, open("o").read())
print(subprocess.run(["cat"], stdin=open("o"), capture_output=True, text=True).stdout)
r = os.open("f", os.O_RDONLY)
print(subprocess.run(["sh", "-c", "test -e /proc/self/fd/%d && echo open || echo closed" % r], capture_output=True, text=True).stdout)
os.set_inheritable(r, True)
print(subprocess.run(["sh", "-c", "cat /proc/self/fd/%d >/dev/null 2>&1; test -e /proc/self/fd/%d && echo open || echo closed" % (r, r)], capture_output=True, text=True, close_fds=False).stdout)
print(subprocess.run(["sh", "-c", "test -e /proc/self/fd/%d && echo open || echo closed" % r], capture_output=True, text=True, pass_fds=[r]).stdout)
print(subprocess.run("pwd; ls", shell=True, capture_output=True, text=True, cwd=".").stdout.count("\\n"))
p = subprocess.Popen(["sort"], stdin=subprocess.PIPE, stdout=open("s", "w"), text=True); p.communicate("b\\na\\n"); print(open("s").read())
open("tool", "w").write("#!/bin/sh\\necho tool $1\\n"); os.chmod("tool", 0o755); print(subprocess.check_output(["./tool", "arg"]), subprocess.check_output([os.getcwd() + "/tool", "b"]))
try: subprocess.run(["./missing"])
except OSError as e: print(e.errno)
`,
);

python(
  'locks: fcntl and flock',
  `
import fcntl, os
a = open("l", "w"); b = open("l", "w"); fcntl.flock(a, fcntl.LOCK_EX)
try: fcntl.flock(b, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError as e: print(e.errno)
fcntl.flock(a, fcntl.LOCK_UN); fcntl.flock(b, fcntl.LOCK_SH | fcntl.LOCK_NB); fcntl.lockf(a, fcntl.LOCK_EX, 10, 5)
pid = os.fork()
if pid == 0:
    try: fcntl.lockf(b, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 7); os._exit(0)
    except OSError as e: os._exit(e.errno)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])); a.close()
print(fcntl.fcntl(b, fcntl.F_GETFD), fcntl.fcntl(b, fcntl.F_GETFL) & os.O_ACCMODE)
`,
);

python(
  'threads and a pool',
  `
import concurrent.futures as c, os
def work(n):
    with open("t%d" % n, "wb") as f:
        for i in range(50): f.write(bytes([n]) * 997)
    with open("t%d" % n, "rb") as f: return sum(f.read())
with c.ThreadPoolExecutor(8) as pool: print(list(pool.map(work, range(32))), len(os.listdir(".")))
`,
);

test('python3: runs from a script that lives in /rump, with its modules', async t => {
  const result = await inRump(
    `mkdir /rump/p && cd /rump/p && echo 'x = 42' > mod.py && printf '#!/usr/bin/python3 -S\\nimport sys, mod\\nprint(mod.x, sys.argv)\\n' > main && chmod +x main && ./main a && /rump/p/main b && ls`,
  );
  t.is(
    result.stdout,
    "42 ['./main', 'a']\n42 ['/rump/p/main', 'b']\n__pycache__\nmain\nmod.py\n",
    result.stderr,
  );
});
