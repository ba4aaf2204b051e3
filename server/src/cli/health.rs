//! `nqdb health`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{Health, say};

const TIMEOUT: Duration = Duration::from_secs(3);
/// SSLRequest: every server that accepts connections answers it with one byte.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Succeeds when the server answers.
pub fn run(arguments: &Health) -> Result<(), String> {
    let place = format!("{}:{}", arguments.host, arguments.port);
    let ask = || -> std::io::Result<u8> {
        let mut socket = TcpStream::connect(&place)?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        socket.write_all(&SSL_REQUEST)?;
        let mut answer = [0];
        socket.read_exact(&mut answer)?;
        Ok(answer[0])
    };
    match ask() {
        Ok(b'N' | b'S') => {
            say(&format!("{place} - accepting connections"));
            Ok(())
        }
        Ok(_) => Err(format!("{place} - not a PostgreSQL server")),
        Err(error) => Err(format!("{place} - no response ({error})")),
    }
}
