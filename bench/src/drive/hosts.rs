//! Hosts: a file of the user's read, an agent started on each, and whether each load host reaches the server's.

use std::net::{IpAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use clap::Args;
use measure::{AgentError, Bench};
use record::hosts::ServerHost;
use record::{Hosts, read_hosts};

use super::failure::Failure;
use super::session;

/// Where it is measured, if not on this host alone.
#[derive(Args, Clone, Default)]
pub struct HostsArgs {
    /// Servers on one host, load from others: their names, and how fiveways is started there
    #[arg(long, value_name = "FILE")]
    pub hosts: Option<PathBuf>,
}

impl HostsArgs {
    /// Agents on them, if there are any.
    ///
    /// # Errors
    /// Those of [`start`].
    pub fn bench(&self) -> Result<Option<Bench>, Failure> {
        self.hosts.as_deref().map(start).transpose()
    }
}

/// Agents on all hosts of this file.
///
/// # Errors
/// When the file has a mistake, an agent cannot be started or is of another version, or a load host does not reach the
/// server's: which, and why.
fn start(path: &Path) -> Result<Bench, Failure> {
    let hosts = read(path)?;
    let address = address(&hosts.server)?;
    measure::adopt_orphans();
    let started = start_all(&hosts, address);
    if started.is_err() {
        measure::end_orphans();
    }
    started
}

fn start_all(hosts: &Hosts, address: IpAddr) -> Result<Bench, Failure> {
    let interrupt = session::watch()?;
    let mut bench = Bench::start_on(hosts, address, Some(interrupt)).map_err(no_agent)?;
    bench.look_at_ways().map_err(no_agent)?;
    match bench.without_way().first() {
        None => Ok(bench),
        Some(reason) => Err(Failure::tool(
            "hosts",
            "a load host does not reach the server's",
            reason.clone(),
        )
        .hint("another address = under [server], or a firewall that lets it in below ip_local_port_range")),
    }
}

fn read(path: &Path) -> Result<Hosts, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(
            format!("the hosts of {} cannot be read", path.display()),
            error.to_string(),
        )
        .hint("--hosts FILE with a file that you may read")
    })?;
    read_hosts(&text, path).map_err(|error| {
        Failure::usage("the file of hosts has a mistake", error.to_string())
            .hint("the same once that line is mended; nothing was begun")
    })
}

/// Where load hosts find the server.
fn address(server: &ServerHost) -> Result<IpAddr, Failure> {
    let of_host = server.host.rsplit('@').next().unwrap_or(&server.host);
    let name = server.address.as_deref().unwrap_or(of_host);
    let usage = |cause: String| {
        Failure::usage(
            format!("`{name}` is no address of the server's host"),
            cause,
        )
        .hint("address = \"10.0.0.1\" under [server]: where load hosts find it")
    };
    let mut found = (name, 0)
        .to_socket_addrs()
        .map_err(|error| usage(error.to_string()))?;
    let found = found
        .next()
        .ok_or_else(|| usage("nobody knows it".to_owned()))?;
    Ok(found.ip())
}

fn no_agent(error: AgentError) -> Failure {
    let text = error.to_string();
    let hint = match &error {
        AgentError::Refused(_) => "the same build of fiveways on every host",
        _ if text.contains("exit status: 127") || text.contains("not found") => {
            "fiveways by its whole path in the launcher: it is not on the PATH of that host"
        }
        _ => {
            "the launcher's command by hand, with the host in its place: it waits for messages, and ends at Ctrl-D"
        }
    };
    Failure::agent("hosts", "an agent cannot be started", &error, hint)
}
