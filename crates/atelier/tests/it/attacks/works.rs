//! What ordinary builds and tests do, and must be able to do.

/// Something that must work.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    /// The program it is about.
    pub(crate) program: &'static str,
    /// What is done, by `bash`, and stops at the first failure.
    pub(crate) script: &'static str,
}

const fn work(name: &'static str, program: &'static str, script: &'static str) -> Work {
    Work {
        name,
        program,
        script,
    }
}

pub(crate) const WORKS: &[Work] = &[
    work(
        "a file is read and changed",
        "bash",
        "grep -q text file; echo more >> file; grep -q more file",
    ),
    work(
        "files and folders come and go",
        "bash",
        "mkdir -p a/b; echo x > a/b/c; mv a/b/c a/d; ln -s d a/e; cat a/e; ln a/d a/f; rm -r a/b; [ ! -e a/b ]",
    ),
    work(
        "a folder is renamed and made anew",
        "bash",
        "mv sub other; mkdir sub; echo y > sub/new; cat other/file sub/new; rm -r sub other",
    ),
    work(
        "temporary files",
        "mktemp",
        "f=$(mktemp); echo x > $f; cat $f; d=$(mktemp -d); touch $d/y; rm -r $d $f",
    ),
    work(
        "the home may be written",
        "bash",
        "mkdir -p ~/.cache/tool; echo x > ~/.cache/tool/f; cat ~/.cache/tool/f",
    ),
    work(
        "everyday devices",
        "bash",
        "echo x > /dev/null; head -c 3 /dev/zero | wc -c; head -c 8 /dev/urandom | wc -c; echo e > /dev/stderr; echo o > /dev/stdout; cat < /dev/fd/0 </dev/null",
    ),
    work(
        "a server and its client on loopback",
        "python3",
        "python3 - <<'P'\nimport socket, threading\ns = socket.create_server(('127.0.0.1', 0))\nthreading.Thread(target=lambda: s.accept()[0].sendall(b'hello')).start()\nassert socket.create_connection(s.getsockname()).recv(5) == b'hello'\nP",
    ),
    work(
        "a web server answers",
        "python3",
        "python3 -m http.server 8137 --bind 127.0.0.1 >/dev/null 2>&1 & sleep 1; python3 -c \"import urllib.request as u; print(u.urlopen('http://127.0.0.1:8137/file').read())\"; kill %1",
    ),
    work(
        "the newer loopback address",
        "python3",
        "python3 -c \"import socket; s = socket.create_server(('::1', 0), family=socket.AF_INET6); socket.create_connection(s.getsockname()[:2])\"",
    ),
    work(
        "the name of the machine itself",
        "python3",
        "python3 -c \"import socket; assert socket.gethostbyname('localhost') == '127.0.0.1'\"",
    ),
    work(
        "a socket in a folder",
        "python3",
        "python3 - <<'P'\nimport os, socket\np = os.environ['TMPDIR'] + '/s'\ns = socket.socket(socket.AF_UNIX); s.bind(p); s.listen()\nc = socket.socket(socket.AF_UNIX); c.connect(p)\nP",
    ),
    work(
        "a terminal of one's own",
        "python3",
        "python3 - <<'P'\nimport os, pty\npid, fd = pty.fork()\nif pid == 0: os.execvp('tty', ['tty'])\nassert b'/dev/pts/' in os.read(fd, 100)\nP",
    ),
    work(
        "shared memory as files",
        "python3",
        "python3 -c \"from multiprocessing import shared_memory as s; m = s.SharedMemory(create=True, size=4096); m.buf[0] = 7; n = s.SharedMemory(m.name); assert n.buf[0] == 7; n.close(); m.close(); m.unlink()\"",
    ),
    work(
        "many processes of one language",
        "python3",
        "python3 -c \"import multiprocessing as m; p = m.Pool(3); print(p.map(len, ['a', 'bb', 'ccc']))\"",
    ),
    work(
        "threads",
        "python3",
        "python3 -c \"import threading as t; a = [t.Thread(target=print) for _ in range(20)]; [x.start() for x in a]; [x.join() for x in a]\"",
    ),
    work(
        "files in memory",
        "python3",
        "python3 -c \"import os; f = os.memfd_create('x'); os.write(f, b'x')\"",
    ),
    work(
        "a signal to a child",
        "bash",
        "sleep 60 & kill $!; wait $! || [ $? = 143 ]",
    ),
    work(
        "a signal to oneself",
        "bash",
        "bash -c 'trap \"exit 7\" TERM; kill -TERM $$; sleep 5' || [ $? = 7 ]",
    ),
    work(
        "the kernel's record of oneself",
        "bash",
        "grep -q bash /proc/self/comm /proc/$$/comm; cat /proc/cpuinfo /proc/meminfo >/dev/null; nproc; cat /proc/sys/kernel/osrelease",
    ),
    work(
        "who one is",
        "id",
        "id -u; case $HOME in /home/atelier) id -un; whoami; getent passwd $(id -u) ;; esac",
    ),
    work(
        "the time of day",
        "date",
        "date; TZ=Europe/Paris date; locale",
    ),
    work(
        "C is compiled and run",
        "gcc",
        "printf '#include <stdio.h>\\nint main(void){puts(\"hi\");return 0;}' > a.c; gcc -O1 -o a a.c; ./a",
    ),
    work(
        "make and its jobs",
        "make",
        "printf 'all: a b\\n%%: ; @echo $@ > $@\\na b:\\n\\techo $@ > $@\\n' > Makefile; make -j2; [ -e a ]",
    ),
    work(
        "a script is run",
        "bash",
        "printf '#!/usr/bin/env bash\\necho ok' > s; chmod +x s; ./s",
    ),
    work(
        "archives",
        "tar",
        "tar cf a.tar file sub; mkdir x; tar xf a.tar -C x; cat x/sub/file; gzip a.tar; gunzip a.tar.gz",
    ),
    work(
        "git in a repository of its own",
        "git",
        "cd /tmp; d=$(mktemp -d); cd $d; git init -q; git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x; git log --oneline; rm -rf $d",
    ),
    work(
        "python's tests",
        "python3",
        "mkdir t; printf 'import unittest\\nclass T(unittest.TestCase):\\n    def test_x(self): self.assertEqual(1, 1)\\n' > t/test_x.py; python3 -m unittest discover t",
    ),
    work(
        "python's folder of packages",
        "python3",
        "python3 -m venv --without-pip v; v/bin/python -c 'print(1)'",
    ),
    work(
        "pytest",
        "pytest-3",
        "mkdir t; printf 'def test_x():\n    assert 1\n' > t/test_x.py; pytest-3 -q -p no:cacheprovider t",
    ),
    work(
        "node",
        "node",
        "node -e 'require(\"fs\").writeFileSync(\"n\", \"x\"); console.log(require(\"os\").cpus().length)'",
    ),
    work(
        "npm test",
        "npm",
        "printf '{\"name\":\"a\",\"version\":\"1.0.0\",\"scripts\":{\"test\":\"node -e \\\\\"process.exit(0)\\\\\"\"}}' > package.json; npm test",
    ),
    work(
        "cargo without a network",
        "cargo",
        "cargo init -q --vcs none --name a p; cd p; cargo test -q --offline",
    ),
    work(
        "javac and java",
        "javac",
        "printf 'class A { public static void main(String[] a) { System.out.println(1); } }' > A.java; javac A.java; java A",
    ),
    work(
        "perl",
        "perl",
        "perl -e 'use POSIX; print strftime(\"%Y\", localtime), \"\\n\"'",
    ),
    work(
        "a large file",
        "bash",
        "head -c 50000000 /dev/zero > big; [ $(stat -c %s big) = 50000000 ]; rm big",
    ),
    work(
        "what is executable stays so",
        "bash",
        "printf '#!/bin/sh\\necho x' > tool; chmod 755 tool; [ $(stat -c %a tool) = 755 ]; touch -d '2020-01-01' tool; [ $(stat -c %Y tool) -lt 1600000000 ]",
    ),
];
