//! The operating system's wish that the process ends, as a flag.

/// Installs the handlers for SIGINT and SIGTERM; elsewhere than on Unix there are none, and the
/// process ends at once.
pub fn listen() {
    #[cfg(unix)]
    unix::listen();
}

/// Whether one of the signals has come.
#[must_use]
pub fn asked_to_stop() -> bool {
    #[cfg(unix)]
    return unix::asked_to_stop();
    #[cfg(not(unix))]
    return false;
}

#[cfg(unix)]
mod unix {
    use std::ffi::c_int;
    use std::sync::atomic::{AtomicBool, Ordering};

    const SIGINT: c_int = 2;
    const SIGTERM: c_int = 15;

    static ASKED: AtomicBool = AtomicBool::new(false);

    #[expect(unsafe_code, reason = "the standard library has no signals")]
    unsafe extern "C" {
        /// The C library's `signal`.
        fn signal(number: c_int, handler: extern "C" fn(c_int)) -> usize;
    }

    extern "C" fn note(_: c_int) {
        ASKED.store(true, Ordering::SeqCst);
    }

    pub(super) fn listen() {
        for number in [SIGINT, SIGTERM] {
            // SAFETY: the numbers are valid on every Unix, and the handler only stores to an
            // atomic, which is allowed at any moment.
            #[expect(unsafe_code, reason = "the standard library has no signals")]
            unsafe {
                signal(number, note);
            }
        }
    }

    pub(super) fn asked_to_stop() -> bool {
        ASKED.load(Ordering::SeqCst)
    }
}
