//! Files of the server: `pg_read_file`, `pg_read_binary_file`.
//!
//! Source: PostgreSQL manual, section 9.28.9 "Generic File Access Functions". A relative path is one in the data directory.

use std::io;

use nq_qsql::error::Result;
use nq_qsql::func::Host;
use nq_qsql::types::Datum;
use nq_qsql::{bail, sql_err};
use nq_storage::env::{OpenMode, read_full};

use super::{Answer, Call};
use crate::copy::file::{CHUNK_BYTES, file_error, reason};

/// Longest part of a file that a value can hold, bytes.
const LENGTH_MAX: u64 = (1 << 30) - 1;

pub(super) fn call(c: &mut Call<'_>) -> Answer {
    let is_text = match c.name {
        "pg_read_file" => true,
        "pg_read_binary_file" => false,
        _ => return Ok(None),
    };
    let missing_ok = matches!(c.args.last(), Some(Datum::Bool(true)));
    let (offset, length) = match c.args {
        [_, Datum::Int8(offset), Datum::Int8(length), ..] => (*offset, Some(*length)),
        _ => (0, None),
    };
    let Some(bytes) = read(c, offset, length, missing_ok)? else { return Ok(Some(Datum::Null)) };
    Ok(Some(match is_text {
        true => Datum::text(nq_qsql::types::io_binary::checked_text(&bytes)?),
        false => Datum::Bytea(bytes.into()),
    }))
}

/// Reads a part of the file that the first argument names; `None` if it is missing and may be.
fn read(c: &mut Call<'_>, offset: i64, length: Option<i64>, missing_ok: bool) -> Result<Option<Vec<u8>>> {
    let name = c.text(0).to_owned();
    if length.is_some_and(|length| length < 0) {
        bail!(INVALID_PARAMETER_VALUE, "requested length cannot be negative");
    }
    let failed = |what: &str, end: &str, e: &io::Error| {
        file_error(e, format!("could not {what} \"{name}\"{end}: {}", reason(e)))
    };
    let file = match c.host.db.env.open(&c.host.db.dir.join(&name), OpenMode::Read) {
        Ok(file) if !name.is_empty() => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound && missing_ok => return Ok(None),
        Err(e) => return Err(failed("open file", " for reading", &e)),
        Ok(_) => bail!(UNDEFINED_FILE, "could not open file \"\" for reading: No such file or directory"),
    };
    let end = file.len().map_err(|e| failed("seek in file", "", &e))?;
    let start = match u64::try_from(offset) {
        Ok(offset) => offset,
        // From the end.
        Err(_) => end.checked_sub(offset.unsigned_abs()).ok_or_else(|| {
            sql_err!(INVALID_PARAMETER_VALUE, "could not seek in file \"{name}\": Invalid argument")
        })?,
    };
    let wanted = length.map_or(LENGTH_MAX + 1, |length| length as u64);
    let mut bytes = Vec::new();
    loop {
        c.host.check_interrupt()?;
        let more = wanted.saturating_sub(bytes.len() as u64).min(CHUNK_BYTES as u64) as usize;
        let before = bytes.len();
        c.host.reserve(more)?;
        bytes.resize(before + more, 0);
        let count = read_full(&*file, &mut bytes[before..], start.saturating_add(before as u64))
            .map_err(|e| failed("read file", "", &e))?;
        bytes.truncate(before + count);
        if bytes.len() as u64 > LENGTH_MAX {
            bail!(PROGRAM_LIMIT_EXCEEDED, "file length too large");
        }
        if count < more || more == 0 {
            return Ok(Some(bytes));
        }
    }
}
