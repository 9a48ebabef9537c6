//! Names in the file system, for as long as it takes both parties to open what stands behind them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

const PREFIX: &str = "fiveways-ipc-";
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A name that no other process uses; what stands behind it is removed when this is dropped.
pub struct Named(PathBuf);

impl Named {
    /// The next one, in the folder for temporary files.
    pub fn new() -> Self {
        Named(std::env::temp_dir().join(next()))
    }

    /// Where.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        // Nothing was made when the call that should have made it failed.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A name by which POSIX objects are opened, once.
pub fn next() -> String {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{PREFIX}{}-{number}", std::process::id())
}

/// Removes what processes have left that were killed between making a name and removing it.
pub fn sweep() {
    let temporary = std::env::temp_dir();
    for folder in [
        temporary.as_path(),
        Path::new("/dev/shm"),
        Path::new("/dev/mqueue"),
    ] {
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if name.to_str().and_then(owner).is_some_and(is_gone) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

fn owner(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok()
}

fn is_gone(pid: u32) -> bool {
    !Path::new(&format!("/proc/{pid}")).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_dead_left_is_swept_and_what_the_living_use_stays() {
        let mine = Named::new();
        std::fs::write(mine.path(), "").unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let gone = child.id();
        child.wait().unwrap();
        let stale = std::env::temp_dir().join(format!("{PREFIX}{gone}-0"));
        std::fs::write(&stale, "").unwrap();
        sweep();
        assert!(mine.path().exists() && !stale.exists());
    }
}
