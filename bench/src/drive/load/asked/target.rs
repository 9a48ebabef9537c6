//! Where the load goes, and from where: a server on this machine, unless somebody has agreed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};

use super::{Mode, usage};
use crate::drive::failure::Failure;

/// HOST:PORT, resolved; IPv4 where there are both, because that is what most servers listen on.
///
/// # Errors
/// When that is no address, or not one of this machine.
pub fn target(text: &str, allow_remote: bool) -> Result<SocketAddr, Failure> {
    let form = || {
        usage(
            format!("`{text}` is not HOST:PORT"),
            "the server is named by host and port, and speaks echo over TCP",
            "fiveways load 127.0.0.1:8080",
        )
    };
    let (host, port) = text.rsplit_once(':').ok_or_else(form)?;
    if host.is_empty() || !port.parse::<u16>().is_ok_and(|port| port > 0) {
        return Err(form());
    }
    let addresses: Vec<SocketAddr> = text
        .to_socket_addrs()
        .map_err(|error| {
            usage(
                format!("{host} is not found"),
                error.to_string(),
                "fiveways load 127.0.0.1:8080",
            )
        })?
        .collect();
    let mut address = addresses
        .iter()
        .find(|address| address.is_ipv4())
        .or(addresses.first())
        .copied()
        .ok_or_else(form)?;
    // What a server prints that listens everywhere; connecting there reaches this machine.
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    if address.ip().is_loopback() || allow_remote {
        return Ok(address);
    }
    Err(usage(
        format!("{address} is not on this machine"),
        "load upon somebody else's server is an attack, unless they agreed",
        format!("fiveways load {text} --allow-remote, if the server is yours"),
    ))
}

/// Each source has its own 28,000 ports: without them crr runs out of ports in a second.
pub(super) fn sources(mode: Mode, target: SocketAddr) -> Vec<Ipv4Addr> {
    match (mode, target.ip()) {
        (Mode::Crr, IpAddr::V4(address)) if address.is_loopback() => measure::load::sources(),
        _ => Vec::new(),
    }
}
