//! Links the unwinder into `echo-server` itself, where `cc` has its archive (libm's needs all of a static libc).
//!
//! As a shared library it is five more mappings of every process, and `fork` copies all mappings: the model that forks for
//! each connection would pay for what it never uses.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

const ARCHIVE: &str = "libgcc_eh.a";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let (Some(out), Some(archive)) = (env::var_os("OUT_DIR"), found()) {
        let out = Path::new(&out);
        // A linker that is led here by -L takes this for the library, and does what it says.
        let script = format!("INPUT({archive})\n");
        fs::write(out.join("libgcc_s.so"), script).expect("OUT_DIR is for writing");
        println!("cargo::rustc-link-search=native={}", out.display());
    }
}

/// Where `cc` has it: of what it does not have, it says the name alone.
fn found() -> Option<String> {
    let asked = Command::new("cc")
        .arg(format!("-print-file-name={ARCHIVE}"))
        .output();
    let path = String::from_utf8(asked.ok()?.stdout).ok()?;
    let path = path.trim();
    Path::new(path).is_absolute().then(|| path.to_owned())
}
