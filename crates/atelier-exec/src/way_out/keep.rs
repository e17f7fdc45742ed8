//! Keeps the door: lets in whoever knocks, as many at once as there is room for.

use std::{convert::Infallible, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};

use super::{Ledger, WayOut, answer::Guest};

/// Connections at once.
const CONNECTIONS_MAX: usize = 256;
/// Time for the head of a request.
const HEAD: Duration = Duration::from_secs(30);
/// Bytes of the head of a request.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Pause where nobody can be let in for want of descriptors.
const PAUSE: Duration = Duration::from_millis(20);

/// Answers at the door until it is dropped.
pub(crate) async fn keep(door: TcpListener, way_out: WayOut, ledger: Arc<Ledger>) {
    let way_out = Arc::new(way_out);
    let mut guests = JoinSet::new();
    loop {
        if guests.len() >= CONNECTIONS_MAX {
            guests.join_next().await;
            continue;
        }
        tokio::select! {
            came = door.accept() => match came {
                Ok((stream, _)) => {
                    guests.spawn(serve(stream, Guest::new(way_out.clone(), ledger.clone())));
                }
                Err(_) => sleep(PAUSE).await,
            },
            Some(_) = guests.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, guest: Guest) {
    let service = service_fn(|request| async { Ok::<_, Infallible>(guest.answer(request).await) });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    // A guest that goes away ends its own connection.
    if served.is_ok() {
        guest.join().await;
    }
}
