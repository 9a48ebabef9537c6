//! Two processes that hand something to and fro: on one core, and across two, asleep or spinning.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use nix::sys::eventfd::EventFd;

use super::samples::Samples;
use super::{Cores, beside, end};

/// Bytes of a message: as in the suites.
const MESSAGE: usize = 64;

/// On one core one must leave it before the other can run: a round trip is two switches, and with each the two
/// system calls by which the one is told and the other waits.
pub fn switch(cores: &Cores, samples: &mut Samples) -> io::Result<()> {
    hand_over(cores.server, samples)
}

/// Across two cores a round trip is two wake-ups, each of a core that had nothing to do.
pub fn wake_up(cores: &Cores, samples: &mut Samples) -> io::Result<()> {
    hand_over(cores.other()?, samples)
}

fn hand_over(cpu: usize, samples: &mut Samples) -> io::Result<()> {
    let (there, back) = (EventFd::new()?, EventFd::new()?);
    let partner = beside(cpu, || {
        loop {
            there.read()?;
            back.write(1)?;
        }
    })?;
    let done = samples.time_all(|| {
        there.write(1)?;
        back.read()?;
        Ok(())
    });
    end(partner);
    done
}

/// A message and its echo between two cores of which neither ever sleeps: what the way itself takes.
pub fn tcp_spinning(cores: &Cores, samples: &mut Samples) -> io::Result<()> {
    tcp(cores.other()?, samples, true)
}

/// The same when each side sleeps until it is spoken to.
pub fn tcp_blocking(cores: &Cores, samples: &mut Samples) -> io::Result<()> {
    tcp(cores.other()?, samples, false)
}

fn tcp(cpu: usize, samples: &mut Samples, spinning: bool) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let (mut server, _) = listener.accept()?;
    for end in [&client, &server] {
        end.set_nodelay(true)?;
        end.set_nonblocking(spinning)?;
    }
    let partner = beside(cpu, || {
        let mut message = [0; MESSAGE];
        loop {
            receive(&mut server, &mut message)?;
            server.write_all(&message)?;
        }
    })?;
    let mut message = [0; MESSAGE];
    let done = samples.time_all(|| {
        client.write_all(&message)?;
        receive(&mut client, &mut message)
    });
    end(partner);
    done
}

/// The whole message; where the socket does not block, asked for again and again.
fn receive(from: &mut TcpStream, message: &mut [u8]) -> io::Result<()> {
    let mut got = 0;
    while got < message.len() {
        match from.read(&mut message[got..]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(bytes) => got += bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::hint::spin_loop(),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
