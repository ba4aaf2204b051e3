//! Sockets: accepting connections, bounding those that have not proven themselves, and the server's end.
//!
//! A client that connects and says nothing holds a place among at most [`PENDING_MAX`] half-open connections. When they are all
//! taken the oldest is dropped, so that a flood of silent sockets never shuts out a client that speaks.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use nq_engine::Database;
use nq_qsql::error::SqlError;
use nq_qsql::sql_err;
use nq_storage::env::Env;
use parking_lot::Mutex;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::auth::hba::Hba;
use crate::auth::throttle::Throttle;
use crate::pg::cancel::CancelKeys;
use crate::pg::startup::{Handshake, Peer};
use crate::pg::stream::Stream;
use crate::tls::Tls;

/// Half-open connections that are kept at once.
pub const PENDING_MAX: usize = 256;
/// Wait after an accept that failed for lack of descriptors or memory.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// What all connections share.
pub struct Shared {
    /// The database cluster.
    pub database: Arc<Database>,
    /// Time and randomness.
    pub env: Arc<dyn Env>,
    /// Who may connect; replaced on reload.
    pub hba: ArcSwap<Hba>,
    /// TLS, when switched on.
    pub tls: Option<Tls>,
    /// Cancel keys of the sessions.
    pub cancel_keys: CancelKeys,
    /// The brake on password guessing.
    pub throttle: Throttle,
    /// Secret from which the answers for unknown users are derived.
    pub mock_secret: [u8; 32],
    /// Names of this machine's users by id, for peer authentication.
    pub os_users: HashMap<u32, String>,
    /// Longest time from the first byte to a session.
    pub authentication_timeout: Duration,
    /// Turns true when the server ends.
    pub shutdown: watch::Sender<bool>,
    /// Half-open connections, oldest first.
    pub pending: Pending,
}

impl Shared {
    /// Why sessions that wait for their client end when the server does.
    pub fn end_reason(&self) -> SqlError {
        match self.database.stopped() {
            Some(why) => sql_err!(CRASH_SHUTDOWN, "terminating connection because the database has stopped")
                .detail(why.message().to_owned()),
            None => sql_err!(ADMIN_SHUTDOWN, "terminating connection due to administrator command"),
        }
    }
}

/// The connections that have not yet become sessions.
#[derive(Default)]
pub struct Pending {
    next: AtomicU64,
    oldest_first: Mutex<VecDeque<(u64, AbortHandle)>>,
}

impl Pending {
    fn ticket(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    fn enter(&self, ticket: u64, handle: AbortHandle) {
        let mut waiting = self.oldest_first.lock();
        if waiting.len() >= PENDING_MAX
            && let Some((_, oldest)) = waiting.pop_front()
        {
            oldest.abort();
        }
        waiting.push_back((ticket, handle));
    }

    fn leave(&self, ticket: u64) {
        let mut waiting = self.oldest_first.lock();
        if let Ok(at) = waiting.binary_search_by_key(&ticket, |(t, _)| *t) {
            waiting.remove(at);
        }
    }
}

/// The open sockets.
pub struct Listeners {
    tcp: Vec<TcpListener>,
    unix: Vec<(UnixListener, PathBuf)>,
}

/// Name of the Unix socket for a port, as libpq expects it.
pub fn socket_name(port: u16) -> String {
    format!(".s.PGSQL.{port}")
}

impl Listeners {
    /// Opens TCP sockets on the addresses and Unix sockets in the directories.
    ///
    /// # Errors
    /// The first address or path that cannot be used, named.
    pub fn open(addresses: &[SocketAddr], socket_dirs: &[PathBuf], port: u16) -> Result<Listeners, String> {
        let mut listeners = Listeners { tcp: Vec::new(), unix: Vec::new() };
        for address in addresses {
            let listener = bind_tcp(*address).map_err(|e| format!("could not listen on {address}: {e}"))?;
            listeners.tcp.push(listener);
        }
        for dir in socket_dirs {
            let path = dir.join(socket_name(port));
            let listener =
                bind_unix(&path).map_err(|e| format!("could not listen on \"{}\": {e}", path.display()))?;
            listeners.unix.push((listener, path));
        }
        if listeners.tcp.is_empty() && listeners.unix.is_empty() {
            return Err("no address to listen on".to_owned());
        }
        Ok(listeners)
    }

    /// Accepts connections until the server shuts down.
    pub fn serve(self, shared: &Arc<Shared>) {
        for listener in self.tcp {
            tokio::spawn(accept_tcp(listener, shared.clone()));
        }
        for (listener, path) in self.unix {
            tokio::spawn(accept_unix(listener, path, shared.clone()));
        }
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket =
        if address.is_ipv4() { tokio::net::TcpSocket::new_v4()? } else { tokio::net::TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(e) if e.kind() == io::ErrorKind::AddrInUse => {
            // A socket whose server is gone refuses connections; only that one is replaced.
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(e);
            }
            rustix::fs::unlink(path)?;
            UnixListener::bind(path)
        }
        other => other,
    }
}

async fn accept_tcp(listener: TcpListener, shared: Arc<Shared>) {
    let mut shutdown = shared.shutdown.subscribe();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = shutdown.wait_for(|down| *down) => return,
        };
        match accepted {
            Ok((socket, address)) => {
                let _ = socket.set_nodelay(true);
                welcome(&shared, Stream::Tcp(socket), Peer::Tcp(address.ip(), address.port()));
            }
            Err(error) => {
                tracing::warn!("could not accept a connection: {error}");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

async fn accept_unix(listener: UnixListener, path: PathBuf, shared: Arc<Shared>) {
    let mut shutdown = shared.shutdown.subscribe();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = shutdown.wait_for(|down| *down) => break,
        };
        match accepted.and_then(|(socket, _)| Ok((socket.peer_cred()?.uid(), socket))) {
            Ok((uid, socket)) => welcome(&shared, Stream::Unix(socket), Peer::Unix(uid)),
            Err(error) => {
                tracing::warn!("could not accept a connection: {error}");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
    let _ = rustix::fs::unlink(&path);
}

/// Starts a connection's task: handshake under the time limit, then the session.
fn welcome(shared: &Arc<Shared>, stream: Stream, peer: Peer) {
    let ticket = shared.pending.ticket();
    let owner = shared.clone();
    let task = tokio::spawn(async move {
        let handshake = Handshake::new(owner.clone(), stream, peer).run();
        let connection = tokio::time::timeout(owner.authentication_timeout, handshake).await;
        owner.pending.leave(ticket);
        if let Ok(Some(connection)) = connection {
            // A task of its own: aborting a half-open connection can no longer reach it.
            tokio::spawn(connection.run());
        }
    });
    shared.pending.enter(ticket, task.abort_handle());
    if task.is_finished() {
        shared.pending.leave(ticket);
    }
}
