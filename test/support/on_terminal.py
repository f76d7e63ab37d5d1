"""Runs a command on a new terminal and talks to it: on_terminal.py STEPS COMMAND...

STEPS is a JSON list of {"expect": regex}, {"send": text} and {"resize": [rows, columns]}. Prints {"output", "status"};
status is the exit status, or 128 + n after signal n. Exits 1, with what was seen, when an expected text does not come.
"""
import fcntl, json, os, pty, re, select, signal, struct, sys, termios

steps, command = json.loads(sys.argv[1]), sys.argv[2:]
PATIENCE = int(os.environ.get("PTY_PATIENCE", "60"))  # seconds of silence

pid, master = pty.fork()
if pid == 0:
    # Python ignores these; the program must find them as a shell would leave them.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execvp(command[0], command)

output = b""
seen = 0


def more():
    """Reads once; False at the end of the output."""
    global output
    if not select.select([master], [], [], PATIENCE)[0]:
        fail("silence")
    try:
        data = os.read(master, 65536)
    except OSError:  # EIO: nobody has the terminal open any more
        return False
    output += data
    return data != b""


def fail(why):
    os.kill(pid, signal.SIGKILL)
    sys.exit("%s; the output so far:\n%s" % (why, output.decode(errors="replace")))


for step in steps:
    if "send" in step:
        os.write(master, step["send"].encode())
    elif "resize" in step:
        rows, columns = step["resize"]
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    else:
        wanted = re.compile(step["expect"].encode(), re.DOTALL)
        while True:
            found = wanted.search(output, seen)
            if found:
                seen = found.end()
                break
            if not more():
                fail("never came: %s" % step["expect"])

while more():
    pass
status = os.waitpid(pid, 0)[1]
code = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
json.dump({"output": output.decode(errors="replace"), "status": code}, sys.stdout)
