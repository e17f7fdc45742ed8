//! The listening: connections taken, bounded, and ended in good order.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use atelier_llm::Relay;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{Keys, Runs, door::Door};

/// Milliseconds to wait before the next connection is taken where the system has no more.
const ACCEPT_PAUSE_MS: u64 = 50;

/// How far anything may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Connections at one time; more wait to be taken.
    pub connections_max: usize,
    /// Bytes of a request's body.
    pub body_bytes_max: usize,
    /// Milliseconds until the head of a request is there.
    pub head_ms_max: u64,
    /// Milliseconds until the body of a request is there.
    pub body_ms_max: u64,
    /// Milliseconds that answers under way have to end after the server was told to stop.
    pub stop_ms_max: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections_max: 512,
            body_bytes_max: 64 << 20,
            head_ms_max: 30_000,
            body_ms_max: 120_000,
            stop_ms_max: 10_000,
        }
    }
}

/// Why nobody can be answered.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The port cannot be had.
    #[error("listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Everyone on the network could ask, at somebody's cost.
    #[error("listen on {0}, which other machines reach, without a key")]
    Open(SocketAddr),
}

/// A port that is listened on.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    door: Door,
}

impl Server {
    /// Takes a port. An address that other machines reach needs keys.
    pub async fn bind(
        address: SocketAddr,
        relay: Relay,
        keys: Keys,
        cache: bool,
        bounds: Bounds,
    ) -> Result<Self, ServerError> {
        if keys.are_none() && !address.ip().is_loopback() {
            return Err(ServerError::Open(address));
        }
        let failed = |source| ServerError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        Ok(Self {
            address: listener.local_addr().map_err(failed)?,
            listener,
            door: Door {
                relay,
                keys,
                bounds,
                cache,
                runs: None,
            },
        })
    }

    /// The same, which also tells of the runs of a project and lets them be steered.
    #[must_use]
    pub fn with_runs(mut self, runs: Runs) -> Self {
        self.door.runs = Some(runs);
        self
    }

    /// Where it listens; the port is the one that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until it is told to stop; then takes nobody new and lets answers end.
    pub async fn run(self, stop: CancellationToken) {
        let Self { listener, door, .. } = self;
        let door = Arc::new(door);
        let places = Arc::new(Semaphore::new(door.bounds.connections_max));
        let stop_ms_max = door.bounds.stop_ms_max;
        let mut connections = JoinSet::new();
        loop {
            let taken = tokio::select! {
                taken = take(&listener, &places) => taken,
                () = stop.cancelled() => break,
            };
            // What has ended is forgotten, so that the set holds those that are open.
            while connections.try_join_next().is_some() {}
            match taken {
                Ok((stream, place)) => {
                    connections.spawn(serve(stream, Arc::clone(&door), stop.clone(), place));
                }
                Err(_) => sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await,
            }
        }
        drop(listener);
        let ending = async { while connections.join_next().await.is_some() {} };
        let _ = timeout(Duration::from_millis(stop_ms_max), ending).await;
        connections.shutdown().await;
    }
}

/// Takes the next connection, once there is a place for it.
async fn take(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // Without this, small events wait for the other side's delayed acknowledgement.
    stream.set_nodelay(true)?;
    Ok((stream, place))
}

/// Answers on one connection until either side closes it.
async fn serve(
    stream: TcpStream,
    door: Arc<Door>,
    stop: CancellationToken,
    place: OwnedSemaphorePermit,
) {
    let head_ms_max = door.bounds.head_ms_max;
    let service = service_fn(move |request| {
        let door = Arc::clone(&door);
        async move { Ok::<_, Infallible>(door.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(head_ms_max))
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    // How a connection ends is its client's business.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
    drop(place);
}
