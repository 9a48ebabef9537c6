//! Starting something that shares its parent's memory: a thread, a job, a task. Its end is known when the
//! parent has joined it.

use std::sync::mpsc::sync_channel;

use super::call::stamped;
use super::parent::Parent;
use super::{Start, Started};
use crate::Nothing;
use crate::sys::spawn::{self as sys, Stamp, now_ns};

fn stamp() -> Result<Stamp, Nothing> {
    Stamp::new().map_err(|errno| Nothing::failed("mmap", errno))
}

fn failed(what: &str, error: &dyn std::fmt::Display, errno: Option<i32>) -> Nothing {
    Nothing {
        outcome: record::Outcome::Partial,
        text: format!("{what}: {error}"),
        errno,
    }
}

fn io_failed(what: &'static str) -> impl Fn(std::io::Error) -> Nothing {
    move |error| failed(what, &error, error.raw_os_error())
}

/// pthread_create(3).
pub fn pthread(_: &Parent) -> Result<Start, Nothing> {
    let stamp = stamp()?;
    Ok(Box::new(move || {
        sys::thread(&stamp).map_err(|errno| Nothing::failed("pthread_create", errno))?;
        stamped(&stamp, now_ns())
    }))
}

/// std::thread, whose children allocate a name, a result and a handle.
pub fn std_thread(_: &Parent) -> Result<Start, Nothing> {
    Ok(Box::new(|| {
        let thread = std::thread::Builder::new().spawn(now_ns);
        let began = thread.map_err(io_failed("thread::spawn"))?.join();
        let reaped = now_ns();
        let began = began.map_err(|_| failed("thread::spawn", &"it panicked", None))?;
        Ok(Started { began, reaped })
    }))
}

/// A job for a thread that waits for one: rayon's pool, with one worker.
pub fn pool_job(_: &Parent) -> Result<Start, Nothing> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let pool = pool.map_err(|error| failed("a pool of threads", &error, None))?;
    Ok(Box::new(move || {
        let (sender, receiver) = sync_channel(1);
        pool.spawn(move || {
            // Nobody listens any more only when the measurement is over.
            let _ = sender.send(now_ns());
        });
        let began = receiver.recv();
        let reaped = now_ns();
        let began = began.map_err(|error| failed("a job", &error, None))?;
        Ok(Started { began, reaped })
    }))
}

/// A task of tokio's runtime, with one worker; spawned and awaited from outside of it.
pub fn tokio_task(_: &Parent) -> Result<Start, Nothing> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build();
    let runtime = runtime.map_err(io_failed("a runtime"))?;
    Ok(Box::new(move || {
        let task = runtime.spawn(async { now_ns() });
        let began = runtime.block_on(task);
        let reaped = now_ns();
        let began = began.map_err(|error| failed("a task", &error, None))?;
        Ok(Started { began, reaped })
    }))
}
