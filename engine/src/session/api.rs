//! What a server says to a session and hears from it: the vocabulary of [`Session`](super::Session)'s methods.
//!
//! The shapes follow the protocol's (PostgreSQL manual, chapter 54), so that a server only translates messages:
//!
//! ```text
//!   Parse    -> Session::prepare          Sync      -> Session::sync, then ReadyForQuery(transaction_status)
//!   Describe -> describe_statement/portal Query     -> parse_simple, run_simple per statement, sync
//!   Bind     -> bind                      CopyData  -> copy_data / copy_done / copy_fail
//!   Execute  -> execute                   (CopyOut and rows come through the ResultSink)
//! ```

use std::net::IpAddr;
use std::sync::Arc;

use crate::exec::Batch;
use crate::exec::point::PointRow;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::plan::physical::OutputColumn;
use nq_qsql::types::{Datum, IoContext, Oid};

/// Who connects, to what, and with which settings.
#[derive(Clone, Debug, Default)]
pub struct ConnectInfo {
    /// The authenticated user.
    pub user: String,
    /// The database; the user's name when empty.
    pub database: String,
    /// Settings of the start-up packet, `application_name` among them, in order.
    pub settings: Vec<(String, String)>,
    /// The client's address; `None` for a Unix socket or an embedded session.
    pub client_addr: Option<IpAddr>,
    /// The client's port; -1 for a Unix socket.
    pub client_port: i32,
    /// The address at which the client has reached the server; `None` as for the client's.
    pub server_addr: Option<IpAddr>,
    /// How the connection is encrypted, if it is.
    pub encryption: Option<Encryption>,
}

/// The encryption of a connection, in OpenSSL's words (`pg_stat_ssl`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encryption {
    /// `TLSv1.3`
    pub version: &'static str,
    /// `TLS_AES_256_GCM_SHA384`
    pub cipher: String,
    /// Bits of the cipher's key.
    pub bits: i32,
}

/// The format of a value on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the protocol's own words")]
pub enum Format {
    #[default]
    Text,
    Binary,
}

impl Format {
    /// The format for the protocol's code.
    ///
    /// # Errors
    /// 22023 `unsupported format code: n`.
    pub fn from_code(code: i16) -> Result<Format> {
        match code {
            0 => Ok(Format::Text),
            1 => Ok(Format::Binary),
            n => Err(nq_qsql::sql_err!(INVALID_PARAMETER_VALUE, "unsupported format code: {n}")),
        }
    }

    /// The protocol's code.
    pub fn code(self) -> i16 {
        match self {
            Format::Text => 0,
            Format::Binary => 1,
        }
    }
}

/// What a prepared statement takes and gives.
#[derive(Clone, Debug)]
pub struct StatementDescription {
    /// Type OIDs of the parameters.
    pub params: Vec<Oid>,
    /// Result columns; `None` for a statement that returns no rows (NoData).
    pub columns: Option<Arc<[OutputColumn]>>,
}

/// How an execution stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Finished: the command tag (`SELECT 3`, `INSERT 0 1`).
    Complete(String),
    /// The portal has more rows: the row limit was reached, or the sink is full. `execute` again to go on.
    Suspended,
    /// A row is locked by another transaction: wait as [`Session::take_deferred`](super::Session::take_deferred) says, then `execute`
    /// (or `resume_simple`) again. Only for callers who said [`Session::defer_waits`](super::Session::defer_waits).
    Blocked,
    /// An empty statement.
    Empty,
    /// The client is to send data by `copy_data` and end by `copy_done` or `copy_fail`.
    CopyIn(CopySpec),
}

/// The columns of a COPY, for CopyInResponse and CopyOutResponse.
#[derive(Clone, Debug, PartialEq)]
pub struct CopySpec {
    /// The overall format.
    pub format: Format,
    /// Number of columns.
    pub columns: u16,
}

/// Whether a sink takes more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// More may come at once.
    More,
    /// Stop after this: `execute` answers [`Outcome::Suspended`].
    Full,
}

/// Where results go. All methods are called between the start and the end of one `execute`.
pub trait ResultSink {
    /// Announces the columns of a result (RowDescription of the simple protocol; never called for `execute`d portals).
    fn describe(&mut self, columns: &[OutputColumn], formats: &[Format]);
    /// Takes rows.
    fn rows(&mut self, rows: &Rows<'_>) -> Result<Flow>;
    /// Announces a COPY to the client.
    fn copy_out(&mut self, spec: &CopySpec);
    /// Takes one CopyData message's contents.
    fn copy_data(&mut self, data: &[u8]) -> Result<Flow>;
    /// The COPY has ended (CopyDone).
    fn copy_end(&mut self);
}

/// A notice on its way to the client.
#[derive(Clone, Debug)]
pub struct Notice {
    /// `NOTICE`, `WARNING`, `INFO`, ...
    pub severity: &'static str,
    /// Its fields.
    pub error: SqlError,
}

/// Some rows of a result, in whatever form the executor has them, with all that encoding them takes.
pub struct Rows<'a> {
    pub(crate) source: RowSource<'a>,
    pub(crate) columns: &'a [OutputColumn],
    pub(crate) formats: &'a [Format],
    pub(crate) io: &'a IoContext<'a>,
}

/// The forms rows come in.
pub(crate) enum RowSource<'a> {
    /// Row-major values; the slice's length is a multiple of the number of columns.
    Values { values: &'a [Datum], count: usize },
    /// Rows of a batch from the `from`-th counting one on.
    Batch { batch: &'a Batch, from: usize, count: usize },
    /// One row as it is stored.
    Stored(PointRow<'a>),
}

impl Rows<'_> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match &self.source {
            RowSource::Values { count, .. } | RowSource::Batch { count, .. } => *count,
            RowSource::Stored(_) => 1,
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The columns.
    pub fn columns(&self) -> &[OutputColumn] {
        self.columns
    }
}
