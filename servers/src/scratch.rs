//! A file without a name: whatever ends the server, nothing is left behind.

use std::fs::File;
use std::io;

/// One where TMPDIR says, for reading and writing, with what `fill` writes.
///
/// # Errors
/// When there is no room for it; it then says `purpose` (the lock, an option) and the folder.
pub fn file(purpose: &str, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<File> {
    let folder = std::env::temp_dir();
    let made = tempfile::tempfile_in(&folder).and_then(|mut file| fill(&mut file).map(|()| file));
    made.map_err(|error| {
        let folder = folder.display();
        let cause = format!("no file for {purpose} in {folder}: {error}; set TMPDIR");
        io::Error::new(error.kind(), cause)
    })
}
