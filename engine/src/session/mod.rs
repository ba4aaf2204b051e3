//! A client's conversation with a database: statements, portals, transactions, settings.
//!
//! A [`Session`] is synchronous and owned by one thread at a time. A method that fails leaves the session in the state that
//! PostgreSQL's would have: inside a transaction block the block is failed (25P02 until ROLLBACK), outside it nothing has happened.

mod api;

use std::sync::Arc;

use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ParsedStatement;
use nq_qsql::plan::physical::OutputColumn;
use nq_qsql::types::Oid;

pub(crate) use api::RowSource;
pub use api::{ConnectInfo, CopySpec, Flow, Format, Notice, Outcome, ResultSink, Rows, StatementDescription};

/// A position in the log; commits up to it must be durable before their clients hear of them.
pub type Lsn = nq_storage::Lsn;

/// A client's session.
pub struct Session {
    _private: (),
}

/// A text of the simple protocol, parsed: its statements in order.
pub struct SimpleQuery {
    pub(crate) text: Arc<str>,
    pub(crate) statements: Vec<ParsedStatement>,
}

impl SimpleQuery {
    /// Number of statements; 0 answers EmptyQueryResponse.
    pub fn len(&self) -> usize {
        self.statements.len()
    }

    /// Whether the text has no statement.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }
}

impl Session {
    /// Parses a text of the simple protocol. The statements run by [`Session::run_simple`], in one implicit transaction if there
    /// are several, and [`Session::sync`] ends it.
    ///
    /// # Errors
    /// 42601 and whatever else parsing raises.
    pub fn parse_simple(&mut self, sql: &str) -> Result<SimpleQuery> {
        Ok(SimpleQuery { text: sql.into(), statements: nq_qsql::parse::parse_statements(sql)? })
    }

    /// Runs the `index`-th statement. On [`Outcome::Suspended`] (the sink was full) call [`Session::resume_simple`]; after
    /// [`Outcome::CopyIn`], feed the data.
    pub fn run_simple(
        &mut self,
        query: &SimpleQuery,
        index: usize,
        sink: &mut dyn ResultSink,
    ) -> Result<Outcome> {
        let _ = (&query.text, query.statements.get(index), sink);
        Err(SqlError::unsupported("the session"))
    }

    /// Goes on with a statement of the simple protocol whose sink was full.
    pub fn resume_simple(&mut self, sink: &mut dyn ResultSink) -> Result<Outcome> {
        let _ = sink;
        Err(SqlError::unsupported("the session"))
    }

    /// Parse: prepares one statement under a name (empty: the unnamed one). `param_oids` may be shorter than the parameters; 0 is unknown.
    ///
    /// # Errors
    /// 42P05 for a name in use, and what parsing and binding raise.
    pub fn prepare(&mut self, name: &str, sql: &str, param_oids: &[Oid]) -> Result<()> {
        let _ = (name, sql, param_oids);
        Err(SqlError::unsupported("the session"))
    }

    /// Describe of a statement.
    ///
    /// # Errors
    /// 26000 `prepared statement "x" does not exist`.
    pub fn describe_statement(&mut self, name: &str) -> Result<StatementDescription> {
        let _ = name;
        Err(SqlError::unsupported("the session"))
    }

    /// Bind: `params` are raw values (`None`: NULL); `param_formats` and `result_formats` have none, one or all, as in the message.
    ///
    /// # Errors
    /// 26000, 42P03 for a portal name in use, 08P01 for wrong counts, 22P02/22P03 for values.
    pub fn bind(
        &mut self,
        portal: &str,
        statement: &str,
        params: &[Option<&[u8]>],
        param_formats: &[Format],
        result_formats: &[Format],
    ) -> Result<()> {
        let _ = (portal, statement, params, param_formats, result_formats);
        Err(SqlError::unsupported("the session"))
    }

    /// Describe of a portal: its columns with their formats, `None` for NoData.
    ///
    /// # Errors
    /// 34000 `portal "x" does not exist`.
    pub fn describe_portal(&mut self, portal: &str) -> Result<Option<(Arc<[OutputColumn]>, Vec<Format>)>> {
        let _ = portal;
        Err(SqlError::unsupported("the session"))
    }

    /// Execute: runs the portal, or goes on with it; at most `max_rows` rows (0: all).
    pub fn execute(&mut self, portal: &str, max_rows: u32, sink: &mut dyn ResultSink) -> Result<Outcome> {
        let _ = (portal, max_rows, sink);
        Err(SqlError::unsupported("the session"))
    }

    /// Close of a statement; none of that name is no error.
    pub fn close_statement(&mut self, name: &str) {
        let _ = name;
    }

    /// Close of a portal; none of that name is no error.
    pub fn close_portal(&mut self, name: &str) {
        let _ = name;
    }

    /// Takes a CopyData message of a COPY FROM STDIN.
    pub fn copy_data(&mut self, data: &[u8]) -> Result<()> {
        let _ = data;
        Err(SqlError::unsupported("the session"))
    }

    /// CopyDone: ends the COPY; answers its completion.
    pub fn copy_done(&mut self) -> Result<Outcome> {
        Err(SqlError::unsupported("the session"))
    }

    /// CopyFail: the client gives up. Always an error: 57014 `COPY from stdin failed: ...`.
    pub fn copy_fail(&mut self, message: &str) -> SqlError {
        let _ = message;
        SqlError::unsupported("the session")
    }

    /// Ends the implicit transaction, if there is one: commits it, or rolls it back after an error. The end of a simple query, or Sync.
    ///
    /// # Errors
    /// What a commit raises (40001); the transaction is rolled back then.
    pub fn sync(&mut self) -> Result<()> {
        Ok(())
    }

    /// `I`, `T` or `E`, for ReadyForQuery.
    pub fn transaction_status(&self) -> u8 {
        b'I'
    }

    /// Notices since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        Vec::new()
    }

    /// Reported parameters that changed since the last call; after `connect`, all of them.
    pub fn take_parameter_status(&mut self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The log position that must be durable before replies that were held back may leave; taken by the call. `None`: nothing to wait for.
    /// Wait by `Database::wait_durable` or be told by `Database::on_durable`.
    pub fn durable_lsn_to_await(&mut self) -> Option<Lsn> {
        None
    }

    /// The key that a CancelRequest must present: process id and secret.
    pub fn backend_key(&self) -> (i32, i32) {
        (0, 0)
    }

    /// How long the server may wait for the next message in the session's present state, milliseconds, with the error to raise then:
    /// `idle_in_transaction_session_timeout` (25P03) or `idle_session_timeout` (57P05).
    pub fn idle_timeout(&self) -> Option<(u64, SqlError)> {
        None
    }
}
