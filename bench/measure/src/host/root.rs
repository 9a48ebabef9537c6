//! The files in which the kernel tells about itself, below a folder: `/`, or a tree that a test has made.
//!
//! Whatever cannot be read has a reason in words; nothing is ever 0 or empty for want of a file.

use std::fs;
use std::io;
use std::path::PathBuf;

use nix::errno::Errno;

/// What was read, or why not.
pub type Told<T = String> = Result<T, String>;

/// Where `/proc` and `/sys` are.
#[derive(Clone, Debug)]
pub struct Root(PathBuf);

impl Default for Root {
    /// The host's own.
    fn default() -> Self {
        Root(PathBuf::from("/"))
    }
}

impl Root {
    /// A tree that looks like one.
    #[cfg(test)]
    pub fn at(path: &std::path::Path) -> Self {
        Root(path.to_owned())
    }

    /// Where a file of the host's stands here.
    pub fn path(&self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/'))
    }

    /// A file, without the white space at its ends.
    pub fn text(&self, path: &str) -> Told {
        match fs::read(self.path(path)) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).trim().to_owned()),
            Err(error) => Err(reason(path, &error)),
        }
    }

    /// A file that holds one number.
    pub fn number(&self, path: &str) -> Told<u64> {
        let text = self.text(path)?;
        text.parse()
            .map_err(|_| format!("{path} holds no number but {text:?}"))
    }

    /// Names in a folder, in order.
    pub fn names(&self, path: &str) -> Told<Vec<String>> {
        let entries = fs::read_dir(self.path(path)).map_err(|error| reason(path, &error))?;
        let names = entries.flatten().map(|entry| entry.file_name());
        let mut names: Vec<String> = names
            .filter_map(|name| name.to_str().map(str::to_owned))
            .collect();
        names.sort();
        Ok(names)
    }

    /// Whether something stands there.
    pub fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }
}

/// Why a file cannot be read: that it is not there is the commonest, and no error.
fn reason(path: &str, error: &io::Error) -> String {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOENT | Errno::ENOTDIR) => format!("there is no {path} here"),
        Some(errno) => format!("{path}: {} ({errno:?})", errno.desc()),
        None => format!("{path}: {error}"),
    }
}
