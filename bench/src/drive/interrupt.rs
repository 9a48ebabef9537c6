//! Ctrl-C, TERM and HUP: seen at once by whoever waits, and acted on between two steps.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};

/// A descriptor that becomes readable, and stays so, when the program is told to end. A second signal
/// ends it at once: whoever insists is obeyed, and the agents clean up.
///
/// # Errors
/// When no descriptor or handler can be had.
pub fn watch() -> std::io::Result<Arc<OwnedFd>> {
    let (seen, told) = UnixStream::pair()?;
    let again = Arc::new(std::sync::atomic::AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // In this order: the first signal finds `again` false, and sets it.
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&again))?;
        signal_hook::flag::register(signal, Arc::clone(&again))?;
        signal_hook::low_level::pipe::register(signal, told.try_clone()?)?;
    }
    // A file that may grow no further (ulimit -f) is an error where it is written, and no death.
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    Ok(Arc::new(seen.into()))
}
