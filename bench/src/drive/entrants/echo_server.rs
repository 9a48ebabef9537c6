//! Where `echo-server` is, and that it is what the sources say: cargo builds it where its workspace is.
//!
//! It ends at the path of a program; whom that program can serve as, it says itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::{Failure, Site, workspace};

/// `echo-server` where contenders will run; on another host beside fiveways there, or on its PATH. Here cargo is asked
/// once, however many suites bring contenders along.
///
/// # Errors
/// When there is none, or it cannot be built.
pub(super) fn program(site: &mut Site<'_>) -> Result<PathBuf, Failure> {
    static HERE: OnceLock<PathBuf> = OnceLock::new();
    if !site.is_there() {
        if let Some(known) = HERE.get() {
            return Ok(known.clone());
        }
        let found = here()?;
        return Ok(HERE.get_or_init(|| found).clone());
    }
    let found = site.find("echo-server")?;
    found.map(|program| program.path).ok_or_else(|| {
        Failure::tool(
            "prepare",
            "echo-server is not on the server's host",
            "it is neither beside fiveways there nor on its PATH",
        )
        .hint("both programs of one build, in one folder of that host")
    })
}

/// `echo-server`: built by cargo when this binary stands where cargo has put it and its workspace is still
/// there (so that what is measured is what the sources say), else the one that stands beside this binary.
fn here() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe().map_err(|error| {
        Failure::tool(
            "prepare",
            "this program cannot find itself",
            error.to_string(),
        )
        .hint("fiveways by its whole path, with /proc mounted")
    })?;
    let beside = own.with_file_name("echo-server");
    let root = workspace();
    let folder = own.parent().unwrap_or(Path::new("."));
    let profile = folder.file_name().and_then(|name| name.to_str());
    if let (Some(profile @ ("debug" | "release")), true) =
        (profile, root.join("Cargo.toml").is_file())
    {
        build(&root, folder, profile)?;
    }
    if beside.is_file() {
        return Ok(beside);
    }
    Err(Failure::tool(
        "prepare",
        "echo-server is not found",
        format!("it is not beside {}", own.display()),
    )
    .hint("cargo build --release in the workspace, and keep both programs in one folder"))
}

fn build(root: &Path, folder: &Path, profile: &str) -> Result<(), Failure> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--package", "servers", "--target-dir"]);
    cargo.arg(folder.parent().unwrap_or(folder));
    if profile == "release" {
        cargo.arg("--release");
    }
    let failed = |cause: String| {
        Failure::tool("prepare", "echo-server cannot be built", cause)
            .hint("cargo build --release --package servers, and read what it says")
    };
    let output = cargo
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let first = stderr
        .lines()
        .find(|line| line.starts_with("error"))
        .unwrap_or("cargo does not say why");
    Err(failed(first.to_owned()))
}
