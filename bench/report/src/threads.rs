//! Threads that end with the work they were started for. The pool that rayon starts otherwise lives as long as the program,
//! and a program with threads cannot fork a server to trace: what others locked would stay locked in it.

/// Does `work` on as many threads as there are cores (`RAYON_NUM_THREADS` of them, where that is set), all of which have
/// ended when it returns; on this one alone where none is to be had.
pub fn on_threads_of_its_own<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let mut work = Some(work);
    let done = rayon::ThreadPoolBuilder::new().build_scoped(
        |thread| thread.run(),
        |pool| work.take().map(|work| pool.install(work)),
    );
    match done.ok().flatten() {
        Some(done) => done,
        None => work.take().expect("a pool that was not made did no work")(),
    }
}
