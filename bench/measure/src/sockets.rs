//! The kernel's table of TCP sockets, asked for by sock_diag(7): it then walks those of the wanted states only.
//!
//! It pays by the sockets that it is asked for, not by those that there are. It ends where sock_diag is refused.

use std::io;

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP};
use netlink_packet_sock_diag::inet::{
    ExtensionFlags, InetRequest, InetResponseHeader, SocketId, StateFlags,
};
use netlink_sys::protocols::NETLINK_SOCK_DIAG;
use netlink_sys::{Socket, SocketAddr};

/// Shows `take` every TCP socket of this network namespace that is in one of these states.
///
/// # Errors
/// Where sock_diag(7) is not allowed.
pub fn each(states: StateFlags, mut take: impl FnMut(&InetResponseHeader)) -> io::Result<()> {
    for family in [AF_INET, AF_INET6] {
        let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        socket.send(&request(family, &states), 0)?;
        while take_from(&socket.recv_from_full()?.0, &mut take)? {}
    }
    Ok(())
}

fn request(family: u8, states: &StateFlags) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let request = InetRequest {
        family,
        protocol: IPPROTO_TCP,
        extensions: ExtensionFlags::empty(),
        states: states.clone(),
        socket_id: SocketId::new_v4(),
    };
    let mut packet = NetlinkMessage::new(header, SockDiagMessage::InetRequest(request).into());
    packet.finalize();
    let mut bytes = vec![0; packet.buffer_len()];
    packet.serialize(&mut bytes);
    bytes
}

/// The sockets of one datagram of answers; false after the last one.
fn take_from(mut datagram: &[u8], take: &mut impl FnMut(&InetResponseHeader)) -> io::Result<bool> {
    while !datagram.is_empty() {
        let message = NetlinkMessage::<SockDiagMessage>::deserialize(datagram)
            .map_err(|error| io::Error::other(error.to_string()))?;
        match message.payload {
            NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(socket)) => {
                take(&socket.header);
            }
            NetlinkPayload::Done(_) => return Ok(false),
            NetlinkPayload::Error(error) => return Err(error.to_io()),
            _ => {}
        }
        // Messages are padded to four bytes.
        let length = (message.header.length as usize).next_multiple_of(4);
        datagram = datagram.get(length.max(4)..).unwrap_or_default();
    }
    Ok(true)
}
