//! What the data has wrong: which errors only cost their row (ON_ERROR), and where the others are.

use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::sql_err;

use super::{Column, Import};
use crate::copy::field::Fields;
use crate::copy::options::Verbosity;
use crate::exec::ExecCx;

/// Bytes of data that errors show.
const SHOWN_BYTES: usize = 100;
/// What an error is about.
pub(super) enum Fault<'a> {
    /// Nothing more than the line's number.
    Line,
    /// A column whose value cannot be shown.
    Column(&'a str),
    /// The line as a whole.
    Text(&'a [u8]),
    /// A value of it.
    Value(&'a str, &'a [u8]),
}

impl Import {
    /// Whether an error of a value only costs its row.
    pub(super) fn may_skip(&self, error: &SqlError) -> bool {
        self.options.ignore_errors && matches!(&error.code().0, [b'2', b'2', ..] | [b'4', b'2', ..])
    }

    pub(super) fn skip_notice(&self, column: &Column, bytes: Option<&[u8]>) -> Option<SqlError> {
        if self.options.verbosity < Verbosity::Verbose {
            return None;
        }
        let value = match bytes {
            Some(bytes) => format!("\"{}\"", shown(bytes)),
            None => "null input".to_owned(),
        };
        let text = format!(
            "skipping row due to data type incompatibility at line {} for column \"{}\": {value}",
            self.line, column.name
        );
        Some(SqlError::new(SqlState(*b"00000"), text).context(format!("COPY {}", self.table)))
    }

    /// Counts a row that is left out.
    pub(super) fn skip(
        &mut self,
        notice: Option<SqlError>,
        line: &[u8],
        field: usize,
        fields: &Fields,
    ) -> Result<()> {
        self.skipped += 1;
        self.notices.extend(notice);
        if let Some(limit) = self.options.reject_limit
            && self.skipped > limit
        {
            let error = sql_err!(
                INVALID_TEXT_REPRESENTATION,
                "skipped more than REJECT_LIMIT ({limit}) rows due to data type incompatibility"
            );
            let fault = Fault::Value(&self.columns[field].name, fields.bytes(field, line));
            return Err(self.place(error, &fault));
        }
        Ok(())
    }

    /// An error of the line being read, unless an earlier line has one, too.
    pub(super) fn refuse(&mut self, error: SqlError, fault: &Fault<'_>, cx: &mut ExecCx<'_>) -> SqlError {
        match self.settle(cx) {
            Ok(()) => self.place(error, fault),
            Err(earlier) => earlier,
        }
    }

    /// Tells where in the data an error is.
    #[cold]
    pub(super) fn place(&self, error: SqlError, fault: &Fault<'_>) -> SqlError {
        let place = format!("COPY {}, line {}", self.table, self.line);
        error.context(match fault {
            Fault::Line => place,
            Fault::Column(column) => format!("{place}, column {column}"),
            Fault::Text(text) => format!("{place}: \"{}\"", shown(text)),
            Fault::Value(column, value) => format!("{place}, column {column}: \"{}\"", shown(value)),
        })
    }
}

/// Data as errors show it.
fn shown(bytes: &[u8]) -> String {
    if bytes.len() <= SHOWN_BYTES {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut end = SHOWN_BYTES;
    while end > 0 && bytes[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    format!("{}...", String::from_utf8_lossy(&bytes[..end]))
}
