//! The attacks, one each: what is tried, with which limits, and which limit must then be named.
//!
//! A script prints `OPEN` where only it can tell that it came through; everything else is seen
//! from outside.

/// One attack.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// Options of the program.
    pub(crate) options: &'static [&'static str],
    /// What is tried, by `bash`.
    pub(crate) script: &'static str,
    /// The limit that the report must name.
    pub(crate) limit: Option<&'static str>,
    /// Whether the light level withstands it too.
    pub(crate) light: bool,
}

const fn plain(name: &'static str, script: &'static str) -> Attack {
    Attack {
        name,
        options: &[],
        script,
        limit: None,
        light: true,
    }
}

/// What the light level does not claim to withstand.
const fn gap(name: &'static str, script: &'static str) -> Attack {
    Attack {
        light: false,
        ..plain(name, script)
    }
}

const fn capped(
    name: &'static str,
    options: &'static [&'static str],
    limit: Option<&'static str>,
    script: &'static str,
) -> Attack {
    Attack {
        options,
        limit,
        ..plain(name, script)
    }
}

const fn capped_gap(
    name: &'static str,
    options: &'static [&'static str],
    limit: Option<&'static str>,
    script: &'static str,
) -> Attack {
    Attack {
        light: false,
        ..capped(name, options, limit, script)
    }
}

/// A script in Python that can make any system call.
macro_rules! py {
    ($code:literal) => {
        concat!(
            "python3 - <<'P'\n",
            "import ctypes, mmap, os, socket, struct, sys, time, fcntl, array\n",
            "libc = ctypes.CDLL(None, use_errno=True)\n",
            "E = os.environ\n",
            "def call(*a):\n    r = libc.syscall(*a)\n    return r, ctypes.get_errno()\n",
            "def opened(x):\n    if x: print('OPEN', flush=True)\n",
            // Whatever else the kernel answers, it has looked at the request.
            "def reached(*a):\n    r, e = call(*a)\n    opened(r != -1 or e not in (1, 13, 38))\n",
            "def tried(f):\n    try:\n        f(); opened(True)\n    except OSError: pass\n",
            $code,
            "\nP"
        )
    };
}

pub(crate) const ATTACKS: &[Attack] = &[
    // Reading.
    plain("read: a key in a home", "cat ${HOST_ROOT}home/.ssh/id"),
    plain(
        "read: a secret through a link of the workspace",
        "ln -s ${HOST_ROOT}secret l; cat l; rm -f l",
    ),
    plain(
        "read: a secret through a hard link",
        "ln ${HOST_ROOT}secret l && cat l; rm -f l",
    ),
    plain(
        "read: a secret above the workspace",
        "cat ../secret ../home/.ssh/id; ls .. | grep secret && cat ../s*",
    ),
    plain(
        "read: passwords of the machine",
        "cat /etc/shadow /etc/gshadow /etc/sudoers && echo OPEN",
    ),
    plain(
        "read: keys of the machine",
        "cat /etc/ssh/ssh_host_*_key /etc/ssl/private/* && echo OPEN",
    ),
    plain(
        "read: through the roots of processes",
        "for p in /proc/[0-9]*/root; do cat $p${HOST_ROOT}secret; done; cat /proc/self/root${HOST_ROOT}secret",
    ),
    plain(
        "read: through the folders of processes",
        "for p in /proc/[0-9]*/cwd; do cat $p/secret $p/../secret; done",
    ),
    plain(
        "read: environments of processes",
        "cat /proc/[0-9]*/environ | tr '\\0' '\\n'",
    ),
    plain(
        "read: descriptors of processes",
        "for f in /proc/[0-9]*/fd/*; do [ -p $f ] || timeout 0.1 head -c 64 $f; done; true",
    ),
    plain(
        "read: a descriptor that was left open",
        "cat <&9; cat /proc/self/fd/9; for n in 3 4 5 6 7 8 9 10 11; do timeout 0.1 cat <&$n; done",
    ),
    plain("read: the environment of the program", "env; set"),
    plain(
        "read: memory of processes",
        "for p in 1 $PPID $VICTIM; do head -c 1 /proc/$p/mem >/dev/null && echo OPEN; head -c 1 /proc/$p/maps | grep -q . && echo OPEN; done; true",
    ),
    plain(
        "read: memory of the machine",
        "for f in /dev/mem /dev/kmem /dev/port /proc/kcore; do head -c 1 $f | grep -q . && echo OPEN; done",
    ),
    plain(
        "read: disks of the machine",
        "for f in /dev/[svx][dv]* /dev/nvme* /dev/loop* /dev/dm-*; do head -c 1 $f >/dev/null && echo OPEN; done 2>/dev/null",
    ),
    plain(
        "read: the log of the kernel",
        "dmesg >/dev/null && echo OPEN; head -c 1 /dev/kmsg && echo OPEN; true",
    ),
    gap(
        "read: command lines of processes",
        "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -q 'sleep [6]00' && echo OPEN; true",
    ),
    plain(
        "read: the state of the program in the workspace",
        "cat .atelier/state; cat .atelier/*; find . -name state -exec cat {} +",
    ),
    plain(
        "read: temporary files of others",
        "ls /tmp /var/tmp | grep -q neighbour && echo OPEN; cat /tmp/*.neighbour; true",
    ),
    plain(
        "read: other homes",
        "cat /home/*/.bashrc /root/.bashrc /root/.profile && echo OPEN",
    ),
    plain("read: a file by its handle", py!("reached(304, 3, 0, 0)")),
    plain(
        "read: the name of a file's handle",
        py!(
            "b = ctypes.create_string_buffer(struct.pack('Ii', 128, 0), 200)\nreached(303, -100, b'/', b, ctypes.byref(ctypes.c_int()), 0)"
        ),
    ),
    plain(
        "read: files of the boot loader",
        "cat /boot/grub/grub.cfg /boot/vmlinuz* >/dev/null && echo OPEN",
    ),
    plain(
        "read: state of services",
        "ls /var/lib/docker /var/lib/dpkg /var/log /run/systemd 2>/dev/null | grep -q . && echo OPEN",
    ),
    // Writing.
    plain(
        "write: the state of the program in the workspace",
        "echo x > .atelier/state; echo x > .atelier/new; rm -rf .atelier; mv .atelier gone; ln -sfn sub .atelier; umount .atelier; mount -t tmpfs x .atelier; true",
    ),
    plain(
        "write: a file outside",
        "echo x > ${HOST_ROOT}outside/file; echo x >> ${HOST_ROOT}outside/file",
    ),
    plain(
        "write: a new file outside",
        "echo x > ${HOST_ROOT}outside/new; mkdir ${HOST_ROOT}outside/d; mkfifo ${HOST_ROOT}outside/p",
    ),
    plain(
        "write: settings of a shell",
        "echo evil >> ${HOST_ROOT}home/.bashrc; echo evil > ${HOST_ROOT}home/.profile",
    ),
    plain(
        "write: through a link that was there",
        "echo x > out/file; echo x > out/new; rm -f out/file",
    ),
    plain(
        "write: through a new link",
        "ln -s ${HOST_ROOT}outside d; echo x > d/new; rm -f d/file; rm -f d",
    ),
    plain(
        "write: a folder in the place of a link",
        "rm out; mkdir out; echo x > out/file; echo x > out/new; true",
    ),
    plain(
        "write: a link in the place of a folder",
        "mv sub gone; ln -s ${HOST_ROOT}outside sub; echo x > sub/new; rm -f sub; mv gone sub",
    ),
    plain(
        "write: through the roots of processes",
        "for p in /proc/[0-9]*/root; do echo x > $p${HOST_ROOT}outside/file; done",
    ),
    plain(
        "write: through the folders of processes",
        "for p in /proc/[0-9]*/cwd; do echo x > $p/../outside/new; done",
    ),
    plain(
        "write: the machine's own folders",
        "touch /etc/cron.d/attack /etc/ld.so.preload /usr/bin/attack /attack",
    ),
    plain(
        "write: common folders outside",
        "touch /tmp/attack /run/attack 2>/dev/null; true",
    ),
    plain(
        "write: where the kernel looks for a helper",
        py!(
            "for f in ('core_pattern', 'modprobe', 'hotplug'):\n    tried(lambda: os.open('/proc/sys/kernel/' + f, os.O_WRONLY))"
        ),
    ),
    plain(
        "write: the kernel's switches",
        py!(
            "for f in ('/proc/sysrq-trigger', '/proc/sys/vm/drop_caches', '/proc/sys/kernel/randomize_va_space', '/proc/sys/net/ipv4/ip_forward', '/sys/kernel/uevent_helper', '/sys/power/state'):\n    tried(lambda: os.open(f, os.O_WRONLY))"
        ),
    ),
    plain(
        "write: a release agent",
        "mkdir c; mount -t cgroup -o memory cgroup c && echo OPEN; for f in /sys/fs/cgroup/*/release_agent /sys/fs/cgroup/release_agent; do [ -w $f ] && (echo /bin/true > $f) 2>/dev/null && echo OPEN; done; rmdir c",
    ),
    plain(
        "write: disks of the machine",
        py!(
            "import glob\nfor f in glob.glob('/dev/[svx][dv]*') + glob.glob('/dev/nvme*') + glob.glob('/dev/dm-*'):\n    tried(lambda: os.open(f, os.O_WRONLY))"
        ),
    ),
    plain(
        "write: the root mounted anew",
        "mount -o remount,rw / && echo OPEN; mount -o remount,bind,rw /usr && echo OPEN; true",
    ),
    plain(
        "write: a mount over the system",
        "mount --bind . /usr && echo OPEN; mount -t tmpfs none /mnt && echo OPEN; umount -l /usr && echo OPEN; true",
    ),
    plain(
        "write: the workspace itself moved",
        "mv ../work ../outside/moved; rmdir ..; mv sub ${HOST_ROOT}outside/",
    ),
    gap(
        "write: rights of a file outside",
        "chmod 777 ${HOST_ROOT}outside/file ${HOST_ROOT}outside ${HOST_ROOT}home; chown 1000 ${HOST_ROOT}outside/file",
    ),
    plain(
        "write: a file outside cut short",
        py!(
            "try: os.truncate(E['HOST_ROOT'] + 'outside/file', 0)\nexcept OSError: pass\ntry: os.close(os.open(E['HOST_ROOT'] + 'outside/file', os.O_RDONLY | os.O_TRUNC))\nexcept OSError: pass"
        ),
    ),
    plain(
        "write: a hard link of a file outside",
        "ln ${HOST_ROOT}outside/file here && echo x > here; rm -f here",
    ),
    gap(
        "write: a repository with a hook",
        "mkdir -p .git/hooks; printf '#!/bin/sh\\ntouch /tmp/attack' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit",
    ),
    gap(
        "write: a repository deep below",
        "mkdir -p sub/.GIT sub/.git/hooks; echo x > sub/.git/config",
    ),
    gap(
        "write: a link that leads out, left behind",
        "ln -s /etc/passwd passwords; ln -s ../../outside up",
    ),
    plain(
        "write: the owner's rights lent",
        py!(
            "open('lent', 'w').write('x')\nfor m in (0o4755, 0o2755, 0o6777):\n    tried(lambda: os.chmod('lent', m))\ntried(lambda: os.open('lent2', os.O_CREAT | os.O_WRONLY, 0o4755))"
        ),
    ),
    plain(
        "write: the owner's rights lent by newer calls",
        py!(
            "open('lent', 'w').write('x')\nreached(452, -100, b'lent', 0o4755, 0)\nreached(437, -100, b'lent3', ctypes.create_string_buffer(struct.pack('QQQ', 0o101, 0o4755, 0)), 24)"
        ),
    ),
    plain(
        "write: a device of one's own",
        "mknod d b 254 0 && echo OPEN; mknod c c 1 1 && echo OPEN; true",
    ),
    // The network.
    plain(
        "net: a service of the machine",
        py!("tried(lambda: socket.create_connection(('127.0.0.1', int(E['TCP'])), 1))"),
    ),
    plain(
        "net: a service of the machine by shell",
        "(exec 3<>/dev/tcp/127.0.0.1/$TCP) && echo OPEN; true",
    ),
    plain(
        "net: a datagram to the machine",
        py!(
            "tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.2', int(E['UDP']))))\ntry: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', int(E['UDP'])))\nexcept OSError: pass"
        ),
    ),
    plain(
        "net: an address elsewhere",
        py!("s = lambda: socket.create_connection(('1.1.1.1', 443), 1)\ntried(s)"),
    ),
    plain(
        "net: a name looked up",
        py!("try:\n    socket.getaddrinfo('example.org', 80); opened(True)\nexcept OSError: pass"),
    ),
    plain(
        "net: the metadata of a cloud",
        py!("tried(lambda: socket.create_connection(('169.254.169.254', 80), 1))"),
    ),
    plain(
        "net: the newer protocol",
        py!(
            "tried(lambda: socket.create_connection(('fd00::1', 80), 1))\ntried(lambda: socket.create_connection(('2606:4700:4700::1111', 443), 1))"
        ),
    ),
    gap(
        "net: a socket in a folder outside",
        py!("s = socket.socket(socket.AF_UNIX)\ntried(lambda: s.connect(E['SOCKET']))"),
    ),
    plain(
        "net: a socket without a name in a folder",
        py!("s = socket.socket(socket.AF_UNIX)\ntried(lambda: s.connect('\\0' + E['MARKER']))"),
    ),
    gap(
        "net: sockets of services",
        py!(
            "for p in ('/run/docker.sock', '/var/run/docker.sock', '/run/dbus/system_bus_socket', '/run/systemd/private', '/var/run/postgresql/.s.PGSQL.5432'):\n    s = socket.socket(socket.AF_UNIX)\n    tried(lambda: s.connect(p))"
        ),
    ),
    plain(
        "net: packets as they are",
        py!(
            "tried(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))\ntried(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))"
        ),
    ),
    plain(
        "net: the machine that runs this one",
        py!("tried(lambda: socket.socket(40, socket.SOCK_STREAM))"),
    ),
    plain(
        "net: talks with the kernel",
        py!(
            "for p in (9, 12, 15, 16, 20):\n    tried(lambda: socket.socket(16, socket.SOCK_RAW, p))"
        ),
    ),
    plain(
        "net: rare kinds of sockets",
        py!(
            "for f in (4, 5, 9, 15, 21, 23, 26, 29, 30, 31, 38, 39, 41, 44):\n    for t in (1, 2, 3, 5):\n        tried(lambda: socket.socket(f, t))"
        ),
    ),
    plain(
        "net: a device of one's own",
        "ip link add d0 type dummy 2>/dev/null && echo OPEN; ip tuntap add t0 mode tun 2>/dev/null && echo OPEN; true",
    ),
    // The kernel.
    plain(
        "kernel: programs in the kernel",
        py!("reached(321, 0, ctypes.create_string_buffer(128), 128)"),
    ),
    plain(
        "kernel: counters",
        py!(
            "reached(298, ctypes.create_string_buffer(struct.pack('II', 1, 112), 112), 0, -1, -1, 0)"
        ),
    ),
    plain(
        "kernel: rings of requests",
        py!("reached(425, 8, ctypes.create_string_buffer(120))"),
    ),
    plain(
        "kernel: faults handled in user space",
        py!("reached(323, 0)"),
    ),
    plain(
        "kernel: keys",
        py!("reached(248, b'user', b'x', b'x', 1, -3)\nreached(250, 0, -3, 0)"),
    ),
    plain(
        "kernel: users of one's own",
        py!("reached(272, 0x10000000)\nreached(272, 0x00020000)"),
    ),
    plain(
        "kernel: users of one's own by clone",
        py!("r, e = call(56, 0x10000000 | 17, 0, 0, 0, 0)\nif r == 0: os._exit(0)\nopened(r > 0)"),
    ),
    plain(
        "kernel: users of one's own by the newer clone",
        py!(
            "r, e = call(435, ctypes.create_string_buffer(struct.pack('QQQQQQQQ', 0x10000000, 0, 0, 0, 17, 0, 0, 0)), 64)\nif r == 0: os._exit(0)\nopened(r > 0)"
        ),
    ),
    plain(
        "kernel: names of others entered",
        py!(
            "for p in (1, os.getppid()):\n    for n in ('user', 'mnt', 'net', 'pid'):\n        try: f = os.open('/proc/%d/ns/%s' % (p, n), os.O_RDONLY)\n        except OSError: continue\n        reached(308, f, 0)\nreached(308, 0, 0)"
        ),
    ),
    plain(
        "kernel: mounts",
        py!(
            "reached(165, b'none', b'/tmp', b'tmpfs', 0, 0)\nreached(430, b'tmpfs', 0)\nreached(428, -100, b'/', 1)\nreached(442, -100, b'/', 0, ctypes.create_string_buffer(32), 32)"
        ),
    ),
    plain(
        "kernel: another root",
        py!("reached(161, b'/tmp')\nreached(155, b'/tmp', b'/tmp')"),
    ),
    plain(
        "kernel: a watched process",
        py!(
            "p = os.fork()\nif p == 0:\n    time.sleep(2); os._exit(0)\nreached(101, 16, p, 0, 0)\nos.kill(p, 9)"
        ),
    ),
    plain(
        "kernel: memory of others",
        py!(
            "b = ctypes.create_string_buffer(8)\nv = ctypes.create_string_buffer(struct.pack('QQ', ctypes.addressof(b), 8))\nreached(310, os.getppid(), v, 1, v, 1, 0)"
        ),
    ),
    plain(
        "kernel: descriptors of others",
        py!(
            "try:\n    f = os.pidfd_open(os.getppid())\n    reached(438, f, 0, 0)\nexcept OSError: pass"
        ),
    ),
    plain(
        "kernel: modules and another kernel",
        py!(
            "reached(175, 0, 0, 0)\nreached(313, -1, b'', 0)\nreached(246, 0, 0, 0, 0)\nreached(320, -1, -1, 0, b'', 0)"
        ),
    ),
    plain(
        "kernel: the clock",
        py!("reached(164, 0, 0)\nreached(227, 0, 0)\nreached(305, 0, 0)"),
    ),
    plain(
        "kernel: swap, accounts, quotas, names",
        py!(
            "reached(167, b'/x', 0)\nreached(163, 0)\nreached(179, 0, 0, 0, 0)\nreached(170, b'x', 1)"
        ),
    ),
    plain(
        "kernel: ports of the processor",
        py!("reached(172, 3)\nreached(173, 0x80, 1, 1)"),
    ),
    plain("kernel: secret memory", py!("reached(447, 0)")),
    plain(
        "kernel: files watched for everybody",
        py!("reached(300, 0, 0)"),
    ),
    plain(
        "kernel: second numbers of calls",
        py!(
            "r, e = call(0x40000000 | 39)\nopened(r > 0)\nr, e = call(0x40000000 | 272, 0x10000000)\nopened(r == 0)"
        ),
    ),
    plain(
        "kernel: calls of the older processor",
        py!(
            "m = mmap.mmap(-1, 4096, prot=7)\nm.write(bytes([0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xc3]))\nf = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))\nopened(f() > 0)"
        ),
    ),
    plain(
        "kernel: typing on a terminal",
        py!(
            "m, s = os.openpty() if os.path.exists('/dev/pts') else (0, 0)\nfor r in (0x5412, 0x5412 | 1 << 32, 0x541c):\n    opened(libc.ioctl(s, ctypes.c_ulong(r), b'x') == 0)"
        ),
    ),
    plain(
        "kernel: rights given",
        py!(
            "opened(os.geteuid() == 0 and 'CapEff:\\t000001ff' in open('/proc/self/status').read())\nfor l in open('/proc/self/status'):\n    if l.startswith('NoNewPrivs'): opened(l.split()[1] != '1')\n    if l.startswith('Seccomp:'): opened(l.split()[1] != '2')"
        ),
    ),
    plain(
        "kernel: programs that lend rights",
        "sudo -n true && echo OPEN; su -c true </dev/null && [ $(id -u) != 0 ] && echo OPEN; mount 2>/dev/null | grep -q nothing; true",
    ),
    // Processes.
    plain(
        "process: a bystander ended",
        "kill -9 $VICTIM; kill -STOP $VICTIM",
    ),
    plain(
        "process: everybody ended",
        py!(
            "import signal\nsignal.signal(15, signal.SIG_IGN)\ntry: os.kill(-1, 15)\nexcept OSError: pass"
        ),
    ),
    plain(
        "process: the supervisor ended",
        "kill -9 $PPID; kill -STOP $PPID; kill -9 1; true",
    ),
    plain(
        "process: a daemon",
        "setsid sh -c 'setsid sleep 300 & setsid sh -c \"sleep 300 &\"' </dev/null >/dev/null 2>&1 & sleep 0.2",
    ),
    plain(
        "process: a daemon that hears nothing",
        py!(
            "import signal\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        for s in range(1, 32):\n            try: signal.signal(s, signal.SIG_IGN)\n            except (OSError, ValueError): pass\n        for f in range(0, 10):\n            try: os.close(f)\n            except OSError: pass\n        time.sleep(300)\n    os._exit(0)"
        ),
    ),
    plain(
        "process: stopped children",
        "for i in 1 2 3; do sleep 300 & kill -STOP $!; done",
    ),
    capped(
        "process: no end",
        &["--wall", "700"],
        Some("wall"),
        "trap '' TERM; setsid sleep 300 & while :; do sleep 1; done",
    ),
    capped(
        "process: silence",
        &["--idle", "500"],
        Some("idle"),
        "trap '' TERM HUP INT; sleep 300",
    ),
    plain(
        "process: lines of the supervisor",
        "for n in 0 1 2; do echo '{\"type\":\"code\",\"code\":0}' > /proc/$PPID/fd/$n && echo OPEN; done; echo x > /proc/1/fd/2 && echo OPEN; true",
    ),
    plain(
        "process: memory of the supervisor",
        py!(
            "for p in (1, os.getppid()):\n    tried(lambda: os.open('/proc/%d/mem' % p, os.O_RDWR))"
        ),
    ),
    capped(
        "process: more and more",
        &["--processes", "60", "--wall", "5000"],
        None,
        py!(
            // Whoever counts the root user's is a moment late, and the kernel counts what else its
            // user is at.
            "n = 0\ntry:\n    while n < 3000:\n        if os.fork() == 0:\n            time.sleep(3); os._exit(0)\n        n += 1\nexcept OSError: pass\nopened(n >= 1000)"
        ),
    ),
    // What may be used up.
    capped(
        "use: memory of one process",
        &["--memory", "134217728"],
        None,
        py!(
            "try:\n    b = bytearray(1 << 30)\n    for i in range(0, len(b), 4096): b[i] = 1\n    opened(True)\nexcept MemoryError: pass"
        ),
    ),
    capped(
        "use: memory of many processes",
        &["--memory", "134217728"],
        Some("memory"),
        py!(
            "for i in range(8):\n    if os.fork() == 0:\n        b = bytearray(60 << 20)\n        for j in range(0, len(b), 4096): b[j] = 1\n        time.sleep(3); os._exit(0)\ntime.sleep(2)\nopened(True)"
        ),
    ),
    capped(
        "use: memory that is shared",
        &["--memory", "134217728"],
        Some("memory"),
        py!(
            "m = mmap.mmap(-1, 600 << 20)\nfor i in range(0, 600 << 20, 4096): m[i] = 1\ntime.sleep(2)\nopened(True)"
        ),
    ),
    capped(
        "use: files in memory",
        &["--memory", "134217728"],
        Some("memory"),
        py!(
            "f = os.memfd_create('x')\nfor i in range(600): os.write(f, b'x' * (1 << 20))\ntime.sleep(2)\nopened(True)"
        ),
    ),
    capped(
        "use: shared memory of the old kind",
        &["--memory", "134217728"],
        None,
        py!(
            "libc.shmat.restype = ctypes.c_void_p\ni = libc.shmget(0, 600 << 20, 0o1600)\nif i >= 0:\n    a = libc.shmat(i, None, 0)\n    for o in range(0, 600 << 20, 4096): ctypes.memset(a + o, 1, 1)\n    time.sleep(1)\n    opened(True)"
        ),
    ),
    capped_gap(
        "use: shared memory as files",
        &["--disk", "33554432"],
        None,
        "head -c 67108864 /dev/zero > /dev/shm/x && echo OPEN; rm -f /dev/shm/x",
    ),
    capped_gap(
        "use: the disk",
        &["--disk", "33554432"],
        Some("disk"),
        "head -c 67108864 /dev/zero > big && echo OPEN",
    ),
    capped_gap(
        "use: the disk in small files",
        &["--disk", "33554432"],
        None,
        py!(
            "try:\n    for i in range(700): open('f%d' % i, 'wb').write(b'x' * 100000)\n    opened(True)\nexcept OSError: pass"
        ),
    ),
    capped_gap(
        "use: names on the disk",
        &["--inodes", "1000"],
        Some("inodes"),
        py!(
            "try:\n    for i in range(3000): open('f%d' % i, 'w').close()\n    opened(True)\nexcept OSError: pass"
        ),
    ),
    capped(
        "use: one large file",
        &["--file-size", "1048576"],
        None,
        "head -c 4194304 /dev/zero > big && echo OPEN; truncate -s 1G sparse && echo OPEN; true",
    ),
    capped(
        "use: the processor",
        &["--cpu", "1", "--wall", "15000"],
        Some("cpu"),
        "for i in 1 2; do (while :; do :; done) & done; wait",
    ),
    capped(
        "use: the processor by many that end",
        &["--cpu", "1", "--wall", "15000"],
        Some("cpu"),
        "while :; do (i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done); done",
    ),
    capped(
        "use: the output",
        &["--output", "1048576"],
        Some("output"),
        "yes | head -c 268435456",
    ),
    capped(
        "use: the output of many",
        &["--output", "1048576"],
        Some("output"),
        "for i in 1 2 3 4; do yes & done; wait",
    ),
    plain(
        "use: open files",
        py!(
            "n = 0\ntry:\n    while n < 100000:\n        os.dup(0); n += 1\nexcept OSError: pass\nopened(n > 70000)"
        ),
    ),
    plain(
        "use: folders nobody can remove",
        "cd /tmp; p=x; for i in 1 2 3 4 5 6 7 8 9 10; do mkdir -p $p; chmod 700 $p; p=$p/x; done; chmod 000 x; cd -; mkdir locked; chmod 000 locked; true",
    ),
    plain(
        "use: folders without an end",
        py!(
            "os.chdir(E.get('TMPDIR', '/tmp'))\nfor i in range(3000):\n    os.mkdir('d'); os.chdir('d')"
        ),
    ),
    plain(
        "use: a core of one gigabyte",
        "ulimit -c unlimited && echo OPEN; bash -c 'kill -SEGV $$'; ls core* && echo OPEN; true",
    ),
];
