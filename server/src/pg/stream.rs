//! The byte stream of a connection: TCP, TLS over TCP, or a Unix socket.

use std::io;

use bytes::BytesMut;
use nq_engine::session::Encryption;
use rustls::{CipherSuite, ProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

/// A connection's socket.
pub enum Stream {
    /// TCP in the clear.
    Tcp(TcpStream),
    /// TLS.
    Tls(Box<TlsStream<TcpStream>>),
    /// Unix socket.
    Unix(UnixStream),
    /// Nothing any more.
    Closed,
}

/// What OpenSSL calls a cipher suite, and the bits of its key.
fn openssl_name(suite: CipherSuite) -> (String, i32) {
    let name = format!("{suite:?}");
    let bits = if name.contains("AES_128") { 128 } else { 256 };
    // TLS13_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
    let shown = match name.strip_prefix("TLS13_") {
        Some(rest) => format!("TLS_{rest}"),
        None => name
            .trim_start_matches("TLS_")
            .replace("_WITH_", "_")
            .replace("AES_", "AES")
            .replace("CHACHA20_POLY1305_SHA256", "CHACHA20_POLY1305")
            .replace('_', "-"),
    };
    (shown, bits)
}

/// Least room in the input buffer before a read, bytes.
const READ_BYTES: usize = 8 << 10;

impl Stream {
    /// Reads what is there into `input`; 0 at the end.
    pub async fn read(&mut self, input: &mut BytesMut) -> io::Result<usize> {
        input.reserve(READ_BYTES);
        match self {
            Stream::Tcp(s) => s.read_buf(input).await,
            Stream::Tls(s) => s.read_buf(input).await,
            Stream::Unix(s) => s.read_buf(input).await,
            Stream::Closed => Ok(0),
        }
    }

    /// Writes everything.
    pub async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Stream::Tcp(s) => s.write_all(bytes).await,
            Stream::Tls(s) => {
                s.write_all(bytes).await?;
                s.flush().await
            }
            Stream::Unix(s) => s.write_all(bytes).await,
            Stream::Closed => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// The address at which the client has reached the server; none for a socket of the file system.
    pub fn local_address(&self) -> Option<std::net::IpAddr> {
        let local = match self {
            Stream::Tcp(s) => s.local_addr(),
            Stream::Tls(s) => s.get_ref().0.local_addr(),
            Stream::Unix(_) | Stream::Closed => return None,
        };
        local.ok().map(|address| address.ip())
    }

    /// How it is encrypted.
    pub fn encryption(&self) -> Option<Encryption> {
        let Stream::Tls(s) = self else { return None };
        let connection = s.get_ref().1;
        let version = match connection.protocol_version()? {
            ProtocolVersion::TLSv1_2 => "TLSv1.2",
            ProtocolVersion::TLSv1_3 => "TLSv1.3",
            _ => "unknown",
        };
        let (cipher, bits) = openssl_name(connection.negotiated_cipher_suite()?.suite());
        Some(Encryption { version, cipher, bits })
    }

    /// Tells the peer that nothing more comes.
    pub async fn shutdown(&mut self) {
        let _ = match self {
            Stream::Tcp(s) => s.shutdown().await,
            Stream::Tls(s) => s.shutdown().await,
            Stream::Unix(s) => s.shutdown().await,
            Stream::Closed => Ok(()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cipher_suites_have_openssls_names() {
        for (suite, name, bits) in [
            (CipherSuite::TLS13_AES_256_GCM_SHA384, "TLS_AES_256_GCM_SHA384", 256),
            (CipherSuite::TLS13_CHACHA20_POLY1305_SHA256, "TLS_CHACHA20_POLY1305_SHA256", 256),
            (CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "ECDHE-RSA-AES128-GCM-SHA256", 128),
            (
                CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                "ECDHE-ECDSA-CHACHA20-POLY1305",
                256,
            ),
        ] {
            assert_eq!(openssl_name(suite), (name.to_owned(), bits));
        }
    }
}
