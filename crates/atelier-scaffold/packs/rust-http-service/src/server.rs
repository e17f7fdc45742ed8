//! The socket: accepts connections, a thread for each, until it is stopped.

use std::io::{self, BufReader, Read};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::http::{Status, read_request, write_response};
use crate::router::{problem, respond};

/// Connections served at once; the next one is told to come back later.
const CONNECTIONS_MAX: usize = 256;

/// How long a client may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Bytes read and thrown away after the answer to a request that was not read to its end.
const DRAIN_BYTES_MAX: u64 = 1024 * 1024;

/// A listening server.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
}

/// Stops a server from another thread.
#[derive(Debug, Clone)]
pub struct Stop {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
}

impl Stop {
    /// Asks the server to stop; requests under way are still answered.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        // A connection of our own wakes the server from waiting for one; if it fails, the
        // server is gone already.
        drop(TcpStream::connect(self.address));
    }
}

impl Server {
    /// Listens on an address; port 0 takes any free one.
    ///
    /// # Errors
    ///
    /// The address is taken or not this machine's.
    pub fn bind(host: &str, port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((host, port))?;
        let address = listener.local_addr()?;
        let stopping = Arc::default();
        Ok(Self {
            listener,
            address,
            stopping,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What stops it.
    #[must_use]
    pub fn stop(&self) -> Stop {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        Stop {
            address,
            stopping: Arc::clone(&self.stopping),
        }
    }

    /// Serves until it is stopped and every request under way is answered.
    pub fn serve(self) {
        let mut threads: Vec<JoinHandle<()>> = Vec::new();
        for connection in self.listener.incoming() {
            if self.stopping.load(Ordering::SeqCst) {
                break;
            }
            threads.retain(|thread| !thread.is_finished());
            // A connection that broke before it was accepted is none of ours.
            let Ok(stream) = connection else { continue };
            if threads.len() < CONNECTIONS_MAX {
                threads.push(thread::spawn(move || serve_connection(&stream)));
            } else {
                refuse(&stream);
            }
        }
        drop(self.listener);
        for thread in threads {
            // A thread that panicked has reported it; the others are still waited for.
            drop(thread.join());
        }
    }
}

/// Serves the one request of a connection. A connection that fails is simply closed.
fn serve_connection(stream: &TcpStream) {
    let limited = stream
        .set_read_timeout(Some(SILENCE_MAX))
        .and_then(|()| stream.set_write_timeout(Some(SILENCE_MAX)));
    if limited.is_err() {
        return;
    }
    let mut writer = stream;
    let result = match read_request(&mut BufReader::new(stream)) {
        Ok(request) => {
            let with_body = request.method != "HEAD";
            write_response(&mut writer, &respond(&request), with_body)
        }
        Err(error) => match error.status() {
            Some(status) => {
                let answer = problem(status, &error.to_string());
                let result = write_response(&mut writer, &answer, true);
                drain(stream);
                result
            }
            None => return,
        },
    };
    if result.is_ok() {
        drop(stream.shutdown(Shutdown::Write));
    }
}

/// Reads what the client still sends: closing before would discard the answer on its way.
fn drain(mut stream: &TcpStream) {
    if stream.shutdown(Shutdown::Write).is_ok() {
        drop(io::copy(
            &mut stream.by_ref().take(DRAIN_BYTES_MAX),
            &mut io::sink(),
        ));
    }
}

fn refuse(mut stream: &TcpStream) {
    let answer = problem(Status::Unavailable, "too many connections");
    drop(write_response(&mut stream, &answer, true));
}
