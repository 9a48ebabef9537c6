//! Tokio: event loops on N threads, written as if each connection had a thread of its own.
//!
//! ```text
//! accept ──► spawn ──► task: read.await → write_all.await ─┐        runtime: N worker threads, one epoll,
//!    ▲         │                    ▲                      │        a queue of ready tasks each; idle
//!    └─────────┘                    └──────────────────────┘        workers steal from busy ones
//! ```
//!
//! It pays an allocated task (its buffer lives in it) for a connection, and for each request the
//! bookkeeping of readiness and wake-ups. Back-pressure needs no code: `write_all` waits, and while it
//! does, nothing is read. It ends like every event loop: work is done inline, so a request that blocks
//! stops its whole worker thread, and N of them stop everybody.
//!
//! `tokio-current-thread` runs the same tasks on the one thread that calls `block_on`: no stealing, no wake-ups
//! between threads, one core. System calls, in both: a request is `recvfrom`, `sendto`, a share of an `epoll_wait`.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::mpsc;

use super::Server;
use crate::echo::BUFFER;
use crate::listen::{Refusal, refusal};
use crate::patience;
use crate::signals::Open;
use crate::work::Service;

/// Serves each connection in a task, on `workers` threads.
pub fn serve(server: &'static Server) -> io::Result<()> {
    serve_on(
        Builder::new_multi_thread().worker_threads(server.workers),
        server.workers,
        server,
    )
}

/// Serves each connection in a task, all on this thread.
pub fn serve_current_thread(server: &'static Server) -> io::Result<()> {
    serve_on(&mut Builder::new_current_thread(), 0, server)
}

fn serve_on(runtime: &mut Builder, threads: usize, server: &'static Server) -> io::Result<()> {
    let listener = server.listen()?.into_nonblocking()?;
    patience::until_threads_can_start(threads);
    let runtime = runtime.enable_all().build()?;
    // Spawned, so that accepting is the workers' business, too: this thread only waits for the end.
    let accepting = async { tokio::spawn(accept_all(listener, &server.service)).await };
    runtime.block_on(accepting)?
}

async fn accept_all(listener: std::net::TcpListener, service: &'static Service) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let (open, mut all_closed) = mpsc::channel::<()>(1);
    loop {
        let error = match listener.accept().await {
            Ok((stream, _)) => {
                let (counted, open) = (Open::count(), open.clone());
                tokio::spawn(async move {
                    // An error ends this connection and no other.
                    let _ = echo(stream, service).await;
                    drop((counted, open));
                });
                continue;
            }
            Err(error) => error,
        };
        match refusal(&error) {
            Refusal::Retry => {}
            Refusal::Ended => break,
            Refusal::Exhausted => tokio::time::sleep(patience::PAUSE).await,
        }
    }
    // Nothing is ever sent: this returns when the last task has dropped its end of the channel.
    drop(open);
    all_closed.recv().await;
    Ok(())
}

async fn echo(mut stream: TcpStream, service: &Service) -> io::Result<()> {
    let mut requests = service.begin();
    let mut buffer = [0; BUFFER];
    loop {
        let received = stream.read(&mut buffer).await?;
        if received == 0 {
            return Ok(());
        }
        if let Some(requests) = &mut requests {
            requests.received(received)?;
        }
        stream.write_all(&buffer[..received]).await?;
    }
}
