//! The byte stream of a connection: TCP, TLS over TCP, or a Unix socket.

use std::io;

use bytes::BytesMut;
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
