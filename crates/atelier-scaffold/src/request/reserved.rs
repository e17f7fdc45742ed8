//! Names that mean something else already to a toolchain, an import system or an operating system.

/// Keywords, standard crates and folder names of Cargo.
const RUST: &str = "abstract alloc as async await become bench benches box break build const continue core crate \
    debug deps do doc dyn else enum example examples extern false final fn for gen if impl in \
    incremental let loop macro match mod move mut override priv proc_macro pub ref release \
    return self src static std struct super target test tests trait true try type typeof union \
    unsafe unsized use virtual where while yield";

/// Keywords and modules of the standard library, which a package of that name would hide.
const PYTHON: &str = "abc aifc and antigravity argparse array as assert ast async asynchat asyncio asyncore atexit \
    audioop await base64 bdb binascii bisect break builtins bz2 calendar cgi cgitb chunk class \
    cmath cmd code codecs codeop collections colorsys compileall concurrent configparser \
    contextlib contextvars continue copy copyreg crypt csv ctypes curses dataclasses datetime \
    dbm decimal def del difflib dis distutils doctest elif else email encodings ensurepip enum \
    errno except false faulthandler fcntl filecmp fileinput finally fnmatch for fractions from \
    ftplib functools gc genericpath getopt getpass gettext glob global graphlib grp gzip hashlib \
    heapq hmac html http idlelib if imaplib imghdr imp import importlib in inspect io ipaddress \
    is itertools json keyword lambda lib2to3 linecache locale logging lzma mailbox mailcap \
    marshal math mimetypes mmap modulefinder msilib msvcrt multiprocessing netrc nis nntplib \
    none nonlocal not nt ntpath nturl2path numbers opcode operator optparse or os ossaudiodev \
    pass pathlib pdb pickle pickletools pipes pkgutil platform plistlib poplib posix posixpath \
    pprint profile pstats pty pwd py_compile pyclbr pydoc pydoc_data pyexpat queue quopri raise \
    random re readline reprlib resource return rlcompleter runpy sched secrets select selectors \
    shelve shlex shutil signal site smtpd smtplib sndhdr socket socketserver spwd sqlite3 \
    sre_compile sre_constants sre_parse ssl stat statistics string stringprep struct subprocess \
    sunau symtable sys sysconfig syslog tabnanny tarfile telnetlib tempfile termios textwrap \
    this threading time timeit tkinter token tokenize tomllib trace traceback tracemalloc true \
    try tty turtle turtledemo types typing unicodedata unittest urllib uu uuid venv warnings \
    wave weakref webbrowser while winreg winsound with wsgiref xdrlib xml xmlrpc yield zipapp \
    zipfile zipimport zlib zoneinfo";

/// Keywords and modules of Node.
const JAVASCRIPT: &str = "arguments assert async_hooks buffer child_process class cluster console constants crypto \
    debugger delete dgram diagnostics_channel dns domain enum eval events export extends \
    favicon.ico finally fs function http http2 https implements import inspector instanceof \
    interface let module net new node_modules null os package path perf_hooks private process \
    protected public punycode querystring readline repl static stream string_decoder super \
    switch sys this throw timers tls trace_events tty typeof undefined url util v8 var vm void \
    wasi with worker_threads yield zlib";

/// Keywords, built-in names and packages of the standard library.
const GO: &str = "any append bool break bufio byte bytes cap case chan clear close cmp complex const context \
    continue copy default defer delete error errors expvar fallthrough false flag float32 \
    float64 fmt for func go goto hash if imag image import init int interface internal iter len \
    log main make map maps math max mime min new nil package panic plugin print println range \
    real recover reflect regexp return rune runtime select slices sort strconv string strings \
    struct switch sync syscall testing true type uint unicode unique unsafe var vendor weak";

/// Devices, targets of CMake, and programs and folders that every machine has.
const SYSTEM: &str = "all atelier aux awk bash bin cargo cat cd clean cmake com1 com2 com3 com4 com5 com6 com7 \
    com8 com9 con cp ctest depend dist doc docs echo edit_cache etc find git go gofmt grep help \
    install kill lib license list_install_components lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 \
    lpt9 ls make mv node npm npx nul package package_source pip preinstall prn python python3 \
    readme rebuild_cache rm rustc rustup sed sh sudo usr";

/// Whether a name in kebab-case is taken.
pub(crate) fn is_reserved(name: &str) -> bool {
    let joined = name.replace('-', "_");
    let compact = name.replace('-', "");
    [RUST, PYTHON, JAVASCRIPT, GO, SYSTEM]
        .iter()
        .flat_map(|list| list.split_ascii_whitespace())
        .any(|taken| taken == name || taken == joined || taken == compact)
}
