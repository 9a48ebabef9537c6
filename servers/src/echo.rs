//! The service: what every server does alike, whatever its model.
//!
//! All blocking models call this one function, so the difference between two model files is the lesson.
//! A connection pays one page of stack for its buffer; no request allocates, counts or reads a clock.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use crate::work::Service;

/// Bytes taken from a connection at a time, by every model.
pub const BUFFER: usize = 4096;

/// Sends each byte back, in order, until the client is done; an error ends this connection and no other.
pub fn echo(mut connection: &TcpStream, service: &Service) {
    let mut requests = service.begin();
    let mut buffer = [0; BUFFER];
    loop {
        let received = match connection.read(&mut buffer) {
            Ok(0) => return,
            Ok(received) => received,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        if let Some(requests) = &mut requests
            && requests.received(received).is_err()
        {
            return;
        }
        if connection.write_all(&buffer[..received]).is_err() {
            return;
        }
    }
}
