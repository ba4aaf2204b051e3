//! sqllogictest over the wire: the connection that runs scripts, against our server and against PostgreSQL alike.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// One connection, speaking the simple protocol, so that values come in their text form.
pub struct Wire {
    client: Client,
    config: String,
}

/// A server error as `statement error` matches it: `SQLSTATE: message`.
#[derive(Debug)]
pub struct WireError {
    error: tokio_postgres::Error,
    /// Of a COPY: its context is part of the expectation.
    copy: bool,
}

impl From<tokio_postgres::Error> for WireError {
    fn from(error: tokio_postgres::Error) -> WireError {
        WireError { error, copy: false }
    }
}

impl std::fmt::Display for WireError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.error.as_db_error() {
            Some(e) => {
                write!(f, "{}: {}", e.code().code(), e.message())?;
                e.detail().map_or(Ok(()), |d| write!(f, " DETAIL: {d}"))?;
                e.hint().map_or(Ok(()), |h| write!(f, " HINT: {h}"))?;
                let context = e.where_().filter(|_| self.copy);
                context.map_or(Ok(()), |c| write!(f, " CONTEXT: {c}"))
            }
            None => write!(f, "{}", self.error),
        }
    }
}

impl std::error::Error for WireError {}

#[async_trait]
impl AsyncDB for Wire {
    type Error = WireError;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, WireError> {
        if let Some(copy) = Copy::of(sql) {
            return self.copy(copy).await.map_err(|error| WireError { error, copy: true });
        }
        let messages = self.client.simple_query(sql).await?;
        let mut rows = Vec::new();
        let (mut columns, mut affected) = (None, 0);
        for message in messages {
            match message {
                SimpleQueryMessage::RowDescription(description) => columns = Some(description.len()),
                SimpleQueryMessage::Row(row) => rows.push(
                    (0..row.len())
                        .map(|at| match row.get(at) {
                            None => "NULL".to_owned(),
                            Some("") => "(empty)".to_owned(),
                            // A result is compared line by line.
                            Some(text) => text.replace('\n', "<NL>"),
                        })
                        .collect(),
                ),
                SimpleQueryMessage::CommandComplete(count) => affected = count,
                _ => {}
            }
        }
        Ok(match columns {
            Some(count) => DBOutput::Rows { types: vec![DefaultColumnType::Text; count], rows },
            None => DBOutput::StatementComplete(affected),
        })
    }

    async fn shutdown(&mut self) {}
}

/// A COPY from or to the client.
enum Copy<'a> {
    /// The statement, and the lines below it.
    In(&'a str, String),
    Out(&'a str),
}

impl Copy<'_> {
    fn of(sql: &str) -> Option<Copy<'_>> {
        let (statement, data) = sql.split_once('\n').unwrap_or((sql, ""));
        let words = statement.to_ascii_lowercase();
        if !words.starts_with("copy ") {
            return None;
        }
        if words.contains(" from stdin") {
            return Some(Copy::In(statement, data.lines().map(|line| format!("{line}\n")).collect()));
        }
        words.contains(" to stdout").then_some(Copy::Out(sql))
    }
}

impl Wire {
    async fn connect(config: &str) -> Result<Wire, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(config, NoTls).await?;
        tokio::spawn(connection);
        Ok(Wire { client, config: config.to_owned() })
    }

    /// Runs a COPY; one to the client answers its lines.
    async fn copy(&mut self, copy: Copy<'_>) -> Result<DBOutput<DefaultColumnType>, tokio_postgres::Error> {
        match copy {
            Copy::In(statement, data) => {
                let sink = match self.client.copy_in::<_, bytes::Bytes>(statement).await {
                    Ok(sink) => sink,
                    Err(error) => {
                        // After a refusal this client sends CopyFail and Sync all the same, and does not count the second
                        // ReadyForQuery that they bring: the connection is of no use any more, PostgreSQL's as well.
                        *self = Wire::connect(&self.config).await?;
                        return Err(error);
                    }
                };
                let mut sink = std::pin::pin!(sink);
                futures_util::SinkExt::send(&mut sink, bytes::Bytes::from(data.into_bytes())).await?;
                Ok(DBOutput::StatementComplete(sink.finish().await?))
            }
            Copy::Out(statement) => {
                let mut stream = std::pin::pin!(self.client.copy_out(statement).await?);
                let mut bytes = Vec::new();
                while let Some(chunk) = futures_util::StreamExt::next(&mut stream).await {
                    bytes.extend_from_slice(&chunk?);
                }
                let rows = String::from_utf8_lossy(&bytes)
                    .lines()
                    .map(
                        |line| {
                            if line.is_empty() { "(empty)".to_owned() } else { line.replace('\t', "<TAB>") }
                        },
                    )
                    .map(|line| vec![line])
                    .collect();
                Ok(DBOutput::Rows { types: vec![DefaultColumnType::Text], rows })
            }
        }
    }
}

/// Returns a runner whose connections go to the server that `config` names.
pub fn runner(config: String) -> Runner<Wire, impl sqllogictest::MakeConnection<Conn = Wire>> {
    Runner::new(move || {
        let config = config.clone();
        async move { Ok(Wire::connect(&config).await?) }
    })
}

/// Lists the `.slt` files below a folder, sorted.
///
/// # Panics
/// When the folder cannot be read.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    collect(dir, &mut out);
    out.sort();
    out
}

fn collect(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("sql-tests is there") {
        let path = entry.expect("directory entry").path();
        if path.is_dir() {
            collect(&path, out);
        } else if path.extension().is_some_and(|e| e == "slt") {
            out.push(path);
        }
    }
}
