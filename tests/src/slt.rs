//! sqllogictest over the wire: the connection that runs scripts, against our server and against PostgreSQL alike.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// One connection, speaking the simple protocol, so that values come in their text form.
pub struct Wire {
    client: Client,
}

/// A server error as `statement error` matches it: `SQLSTATE: message`.
#[derive(Debug)]
pub struct WireError(tokio_postgres::Error);

impl std::fmt::Display for WireError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_db_error() {
            Some(e) => {
                write!(f, "{}: {}", e.code().code(), e.message())?;
                e.detail().map_or(Ok(()), |d| write!(f, " DETAIL: {d}"))?;
                e.hint().map_or(Ok(()), |h| write!(f, " HINT: {h}"))
            }
            None => write!(f, "{}", self.0),
        }
    }
}

impl std::error::Error for WireError {}

#[async_trait]
impl AsyncDB for Wire {
    type Error = WireError;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, WireError> {
        let messages = self.client.simple_query(sql).await.map_err(WireError)?;
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
                            Some(text) => text.to_owned(),
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

/// Returns a runner whose connections go to the server that `config` names.
pub fn runner(config: String) -> Runner<Wire, impl sqllogictest::MakeConnection<Conn = Wire>> {
    Runner::new(move || {
        let config = config.clone();
        async move {
            let (client, connection) = tokio_postgres::connect(&config, NoTls).await.map_err(WireError)?;
            tokio::spawn(connection);
            Ok(Wire { client })
        }
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
