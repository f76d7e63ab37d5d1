"""A lock that waits: a signal ends the wait, another is handled and the wait goes on, and then the lock is granted."""
import fcntl, os, signal
class Stop(Exception): pass
def handler(*a): raise Stop
f = open('/rump/l', 'w+'); fcntl.lockf(f, fcntl.LOCK_EX)
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    g = open('/rump/l', 'w+')
    try: fcntl.lockf(g, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError: os.write(1, b'would block\n')
    signal.signal(signal.SIGALRM, handler)
    try: signal.setitimer(signal.ITIMER_REAL, 0.02); fcntl.lockf(g, fcntl.LOCK_EX)
    except Stop: os.write(1, b'interrupted\n')
    # The C handler writes there at once; Python's own would wait for the call that is restarted.
    os.set_blocking(w, False); signal.set_wakeup_fd(w)
    signal.signal(signal.SIGALRM, lambda *a: None); signal.siginterrupt(signal.SIGALRM, False)
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    fcntl.lockf(g, fcntl.LOCK_EX)
    os.write(1, b'granted\n'); os._exit(0)
os.read(r, 1)
fcntl.lockf(f, fcntl.LOCK_UN)
print(os.waitpid(pid, 0)[1])
