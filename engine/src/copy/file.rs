//! Files on the server's side: COPY's, and what is told of errors with any.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::plan::physical::OutputColumn;
use nq_qsql::{bail, sql_err};
use nq_storage::env::{File, OpenMode};

use crate::session::{CopySpec, Flow, Format, ResultSink, Rows, Session};

/// `pg_read_server_files`, `pg_write_server_files` and `pg_execute_server_program`.
const READ_FILES: u32 = 4569;
const WRITE_FILES: u32 = 4570;
const EXECUTE_PROGRAM: u32 = 4571;

/// Bytes that are read or written at once.
pub(crate) const CHUNK_BYTES: usize = 64 << 10;

/// A file being written.
pub(super) struct FileSink {
    file: Arc<dyn File>,
    name: String,
    offset: u64,
    buffer: Vec<u8>,
}

/// The operating system's words for an error.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

pub(crate) fn file_error(error: &io::Error, text: String) -> SqlError {
    let code = match error.kind() {
        io::ErrorKind::NotFound => SqlState::UNDEFINED_FILE,
        io::ErrorKind::PermissionDenied => SqlState::INSUFFICIENT_PRIVILEGE,
        io::ErrorKind::IsADirectory => SqlState::WRONG_OBJECT_TYPE,
        io::ErrorKind::StorageFull => SqlState::DISK_FULL,
        _ => SqlState::IO_ERROR,
    };
    SqlError::new(code, text)
}

impl Session {
    fn check_server_role(&self, role: u32, what: &str, name: &str) -> Result<()> {
        let view = self.view();
        if self.host.has_privileges_of(&view.cluster, self.host.current_user.oid, role) {
            return Ok(());
        }
        Err(sql_err!(INSUFFICIENT_PRIVILEGE, "permission denied to COPY {what}")
            .detail(format!("Only roles with privileges of the \"{name}\" role may COPY {what}."))
            .hint("Anyone can COPY to stdout or from stdin. psql's \\copy command also works for anyone."))
    }

    /// Refuses a COPY with a program: after the privileges, for the server runs none.
    pub(super) fn refuse_program(&self) -> SqlError {
        match self.check_server_role(
            EXECUTE_PROGRAM,
            "to or from an external program",
            "pg_execute_server_program",
        ) {
            Ok(()) => SqlError::unsupported("COPY with PROGRAM"),
            Err(error) => error,
        }
    }

    /// # Errors
    /// 42501 for those who may not read the server's files.
    pub(super) fn check_may_read_files(&self) -> Result<()> {
        self.check_server_role(READ_FILES, "from a file", "pg_read_server_files")
    }

    /// Opens a file to copy from.
    ///
    /// # Errors
    /// 58P01, 58030.
    pub(super) fn open_copy_source(&self, name: &str) -> Result<Arc<dyn File>> {
        self.db.env.open(&self.db.dir.join(name), OpenMode::Read).map_err(|e| {
            file_error(&e, format!("could not open file \"{name}\" for reading: {}", reason(&e))).hint(
                "COPY FROM instructs the PostgreSQL server process to read a file. You may want a client-side facility such as psql's \\copy.",
            )
        })
    }

    /// Opens a file to copy to; what it holds is lost.
    ///
    /// # Errors
    /// 42501, 42602 for a relative path, 58P01, 58030.
    pub(super) fn open_copy_target(&self, name: &str) -> Result<FileSink> {
        self.check_server_role(WRITE_FILES, "to a file", "pg_write_server_files")?;
        if !Path::new(name).is_absolute() {
            bail!(INVALID_NAME, "relative path not allowed for COPY to file");
        }
        let open = || {
            let file = self.db.env.open(&PathBuf::from(name), OpenMode::Create)?;
            file.set_len(0)?;
            Ok(file)
        };
        let file = open().map_err(|e: io::Error| {
            file_error(&e, format!("could not open file \"{name}\" for writing: {}", reason(&e))).hint(
                "COPY TO instructs the PostgreSQL server process to write a file. You may want a client-side facility such as psql's \\copy.",
            )
        })?;
        Ok(FileSink { file, name: name.to_owned(), offset: 0, buffer: Vec::new() })
    }
}

/// Reads the next bytes of a file.
///
/// # Errors
/// 42809 for a directory, 58030.
pub(super) fn read(file: &dyn File, name: &str, buffer: &mut [u8], offset: u64) -> Result<usize> {
    loop {
        match file.read_at(buffer, offset) {
            Ok(count) => return Ok(count),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == io::ErrorKind::IsADirectory => {
                return Err(file_error(&e, format!("\"{name}\" is a directory")));
            }
            Err(e) => return Err(file_error(&e, format!("could not read from COPY file: {}", reason(&e)))),
        }
    }
}

impl FileSink {
    /// Writes what is gathered.
    ///
    /// # Errors
    /// 53100, 58030.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.file.write_at(&self.buffer, self.offset).map_err(|e| {
            file_error(&e, format!("could not write to COPY file \"{}\": {}", self.name, reason(&e)))
        })?;
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

impl ResultSink for FileSink {
    fn describe(&mut self, _columns: &[OutputColumn], _formats: &[Format]) {}

    fn rows(&mut self, _rows: &Rows<'_>) -> Result<Flow> {
        Err(SqlError::internal("rows for a COPY file"))
    }

    fn copy_out(&mut self, _spec: &CopySpec) {}

    fn copy_data(&mut self, data: &[u8]) -> Result<Flow> {
        self.buffer.extend_from_slice(data);
        if self.buffer.len() >= CHUNK_BYTES {
            self.flush()?;
        }
        Ok(Flow::More)
    }

    fn copy_end(&mut self) {}
}
