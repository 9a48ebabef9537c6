"""Runs a server for whom the kernel is out of something as long as a file is there: scarce.py FILE ERRNO CALL,CALL… PROGRAM ARGUMENT…

The file table and the memory are the whole machine's, and no test may use them up. So those system calls of this one server, and of
all that it forks, are held up by a seccomp filter (seccomp_unotify(2)); a process beside it answers ERRNO while FILE is there, and
has them made once it is gone.
"""
import ctypes
import errno
import fcntl
import os
import platform
import select
import socket
import struct
import sys

X86 = platform.machine() == "x86_64"
# By name: x86-64, and everybody else's (asm-generic). Some are only there on x86-64.
CALLS = {"accept4": (288, 242), "clone": (56, 220), "clone3": (435, 435), "fork": (57, None), "vfork": (58, None)}
SECCOMP = 317 if X86 else 277
SET_FILTER, NEW_LISTENER, NO_NEW_PRIVILEGES = 1, 1 << 3, 38
ASK, ALLOW, GO_ON = 0x7FC00000, 0x7FFF0000, 1
# _IOWR('!', 0, struct seccomp_notif), _IOWR('!', 1, struct seccomp_notif_resp)
RECEIVE, SEND, NOTICE, ANSWER = 0xC0502100, 0xC0182101, 80, struct.Struct("=QqiI")

path, refusal = sys.argv[1], getattr(errno, sys.argv[2])
numbers = [number for name in sys.argv[3].split(",") if (number := CALLS[name][0 if X86 else 1]) is not None]


def install():
    """Filters this process from now on; the descriptor at which its calls are answered."""
    # Load the call's number; is it one of those? Then ask, else go on.
    rules = [(0x20, 0, 0, 0)]
    rules += [(0x15, len(numbers) - place, 0, number) for place, number in enumerate(numbers)]
    rules += [(0x06, 0, 0, ALLOW), (0x06, 0, 0, ASK)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *rule) for rule in rules))
    program = struct.pack("@HP", len(rules), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    listener = libc.syscall(SECCOMP, SET_FILTER, NEW_LISTENER, program)
    if listener < 0:
        sys.exit(f"seccomp: {os.strerror(ctypes.get_errno())}")
    return listener


def answer(listener):
    """Answers calls until nobody is left who could make one."""
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while not poll.poll()[0][1] & select.POLLHUP:
        notice = bytearray(NOTICE)
        try:
            fcntl.ioctl(listener, RECEIVE, notice)
            number, = struct.unpack_from("=Q", notice)
            scarce = os.path.exists(path)
            fcntl.ioctl(listener, SEND, ANSWER.pack(number, 0, -refusal if scarce else 0, 0 if scarce else GO_ON))
        except OSError as error:
            # A signal has ended the call, or its process.
            if error.errno not in (errno.ENOENT, errno.EINTR):
                raise


ours, theirs = socket.socketpair()
if os.fork() == 0:
    # Nobody's child, so that the server has none but its own.
    if os.fork() == 0:
        ours.close()
        _, listeners, _, _ = socket.recv_fds(theirs, 1, 1)
        if listeners:
            answer(listeners[0])
    os._exit(0)
os.wait()
theirs.close()
socket.send_fds(ours, [b"!"], [install()])
os.execvp(sys.argv[4], sys.argv[4:])
