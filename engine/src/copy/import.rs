//! COPY FROM: bytes become lines, lines fields, fields values, and values stored rows.
//!
//! ```text
//! CopyData -> Lines -> Fields -> plain table:  RowSlot (stored bytes, index keys)  \
//!                           \--> other table:  rows of values -> WHERE, constraints -> Bulk -> store
//! ```
//!
//! 1. A plain table (see [`Writer::is_plain`]) needs no value in memory: a field's bytes become the stored column.
//! 2. Rows are stored some hundreds at a time. What a value or a constraint refuses is reported before what a unique index refuses in
//!    an earlier row of the same piece, as PostgreSQL's buffered inserts do.
//! 3. An error names the line: the caller rolls the statement back.
//!
//! Source: PostgreSQL manual, reference page of COPY.

mod refusal;

use std::ops::Range;
use std::sync::Arc;

use memchr::memchr;
use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::plan::physical::PolicyMoment;
use nq_qsql::types::{Datum, Oid, io_binary, io_text};
use nq_qsql::{bail, sql_err};

use self::refusal::Fault;
use super::binary::Tuples;
use super::field::{Fields, Place};
use super::line::{Found, Lines};
use super::marks::Marks;
use super::options::{Encoding, Header, Options, Syntax, Verbosity};
use super::reader::Reader;
use crate::exec::eval::{Compiled, Conditions};
use crate::exec::memory::{Memory, Reservation};
use crate::exec::{Batch, ExecCx};
use crate::table::write::{Bulk, Writer};

/// Rows that are stored at once.
const ROWS: usize = 1000;
/// Bytes of rows that are stored at once.
const BYTES: usize = 512 << 10;
/// Longest line.
const LINE_BYTES_MAX: usize = 1 << 30;

/// A column of the data.
pub(super) struct Column {
    /// Its index in the table.
    pub(super) index: usize,
    pub(super) name: Box<str>,
    pub(super) oid: Oid,
    pub(super) typmod: i32,
    pub(super) force_not_null: bool,
    pub(super) force_null: bool,
}

impl Column {
    fn fault<'a>(&'a self, binary: bool, bytes: &'a [u8]) -> Fault<'a> {
        if binary { Fault::Column(&self.name) } else { Fault::Value(&self.name, bytes) }
    }
}

/// Where a column of the table gets its value.
enum Source {
    /// From this field.
    Field(usize),
    /// From its default.
    Default,
    /// It has none.
    Null,
}

/// Rows on their way.
enum Pending {
    /// Lent to the function that fills it.
    None,
    /// Of a plain table.
    Plain(Bulk),
    /// Rows of values with their lines' texts.
    Rows(Box<Values>),
}

/// Rows of values with their lines' texts.
#[derive(Default)]
struct Values {
    rows: Vec<Vec<Datum>>,
    texts: Vec<u8>,
    /// Each row's text.
    ranges: Vec<Range<usize>>,
    /// Memory, roughly.
    bytes: usize,
}

/// A COPY FROM at work.
pub(crate) struct Import {
    table: Box<str>,
    options: Options,
    columns: Vec<Column>,
    /// How the values of each are read into a plain table.
    readers: Vec<Reader>,
    sources: Vec<Source>,
    defaults: Vec<Option<Compiled>>,
    filter: Conditions,
    writer: Writer,
    pending: Pending,
    /// Line of each pending row.
    row_lines: Vec<u64>,
    lines: Lines,
    marks: Marks,
    tuples: Tuples,
    fields: Fields,
    /// What has come of a line that is not complete.
    rest: Vec<u8>,
    memory: Reservation,
    /// Lines read.
    line: u64,
    header_done: bool,
    ended: bool,
    copied: u64,
    skipped: u64,
    /// For the client.
    pub(crate) notices: Vec<SqlError>,
}

impl Import {
    /// Prepares for data of `columns`, in this order.
    pub(super) fn new(
        options: Options,
        columns: Vec<Column>,
        writer: Writer,
        defaults: Vec<Option<Compiled>>,
        filter: Conditions,
        memory: &Arc<Memory>,
    ) -> Import {
        let width = writer.types().len();
        let sources: Vec<Source> = (0..width)
            .map(|i| match columns.iter().position(|c| c.index == i) {
                Some(field) => Source::Field(field),
                None if defaults[i].is_some() => Source::Default,
                None => Source::Null,
            })
            .collect();
        let plain = writer.is_plain() && filter.is_empty() && columns.is_sorted_by_key(|c| c.index);
        Import {
            table: writer.relation().name.clone(),
            lines: Lines::new(&options),
            marks: Marks::new(&options),
            readers: columns
                .iter()
                .map(|column| match options.syntax {
                    Syntax::Binary => Reader::General,
                    Syntax::Text | Syntax::Csv => Reader::of(column.oid, column.typmod),
                })
                .collect(),
            tuples: Tuples::default(),
            options,
            columns,
            sources,
            defaults,
            filter,
            pending: match plain {
                true => Pending::Plain(Bulk::new(&writer)),
                false => Pending::Rows(Box::default()),
            },
            writer,
            row_lines: Vec::new(),
            fields: Fields::default(),
            rest: Vec::new(),
            memory: memory.reservation(),
            line: 0,
            header_done: false,
            ended: false,
            copied: 0,
            skipped: 0,
            notices: Vec::new(),
        }
    }

    /// The table.
    pub(crate) fn table_oid(&self) -> Oid {
        self.writer.relation().oid
    }

    /// Number of columns in the data.
    pub(crate) fn width(&self) -> usize {
        self.columns.len()
    }

    /// Takes the next bytes; `last`: none follow.
    ///
    /// # Errors
    /// Whatever is wrong with the data, with its place as context.
    pub(crate) fn feed(&mut self, data: &[u8], last: bool, cx: &mut ExecCx<'_>) -> Result<()> {
        if self.options.encoding == Encoding::Latin1 && !data.is_ascii() {
            let text: String = data.iter().map(|&b| char::from(b)).collect();
            return self.take(text.as_bytes(), last, cx);
        }
        self.take(data, last, cx)
    }

    fn take(&mut self, mut data: &[u8], last: bool, cx: &mut ExecCx<'_>) -> Result<()> {
        cx.check_interrupt()?;
        while !self.rest.is_empty() {
            // What has begun is completed; what follows its line stays where it is.
            let end = match self.options.syntax {
                Syntax::Binary => None,
                Syntax::Text | Syntax::Csv => memchr(b'\n', data),
            };
            let (head, tail) = data.split_at(end.map_or(data.len(), |n| n + 1));
            let mut begun = std::mem::take(&mut self.rest);
            begun.extend_from_slice(head);
            let used = self.consume_any(&begun, last && tail.is_empty(), cx)?;
            begun.drain(..used);
            self.rest = begun;
            if tail.is_empty() {
                return self.account();
            }
            data = tail;
        }
        let used = self.consume_any(data, last, cx)?;
        self.rest.extend_from_slice(&data[used..]);
        self.account()
    }

    /// Counts the memory of a line that is not complete.
    fn account(&mut self) -> Result<()> {
        if self.rest.len() > LINE_BYTES_MAX {
            bail!(PROGRAM_LIMIT_EXCEEDED, "line of COPY data is too long");
        }
        self.memory.resize(self.rest.capacity())
    }

    /// Stores what is left and answers how many rows were copied.
    pub(crate) fn finish(&mut self, cx: &mut ExecCx<'_>) -> Result<u64> {
        self.feed(&[], true, cx)?;
        self.store(cx)?;
        if self.skipped > 0 && self.options.verbosity >= Verbosity::Default {
            let were = if self.skipped == 1 { "row was" } else { "rows were" };
            self.notices.push(SqlError::new(
                SqlState(*b"00000"),
                format!("{} {were} skipped due to data type incompatibility", self.skipped),
            ));
        }
        Ok(self.copied)
    }

    /// The client has given up.
    pub(crate) fn give_up(&mut self, message: &str) -> SqlError {
        self.line += 1;
        let error = sql_err!(QUERY_CANCELED, "COPY from stdin failed: {message}");
        self.place(error, &Fault::Line)
    }

    fn consume_any(&mut self, data: &[u8], last: bool, cx: &mut ExecCx<'_>) -> Result<usize> {
        match self.options.syntax {
            Syntax::Binary => self.consume_binary(data, last, cx),
            Syntax::Text | Syntax::Csv => self.consume(data, last, cx),
        }
    }

    /// Takes all whole tuples; answers how many bytes they have.
    fn consume_binary(&mut self, data: &[u8], last: bool, cx: &mut ExecCx<'_>) -> Result<usize> {
        let mut at = 0;
        if !self.tuples.is_open() {
            at = self.tuples.header(data, last)?;
            if !self.tuples.is_open() {
                return Ok(at);
            }
        }
        let mut fields = std::mem::take(&mut self.fields);
        let outcome = loop {
            match self.tuples.next(&data[at..], last, self.columns.len(), &mut fields) {
                Ok(Found::Line(_)) if self.tuples.has_ended() => at += 2,
                Ok(Found::Line(tuple)) => {
                    self.line += 1;
                    if let Err(error) = self.take_row(&data[at..at + tuple.end], &fields, cx) {
                        break Err(error);
                    }
                    at += tuple.next;
                }
                Ok(Found::More | Found::End) => break Ok(at),
                Err((field, error)) => {
                    self.line += 1;
                    let column = field.map(|i| self.columns[i].name.clone());
                    break Err(match &column {
                        Some(name) => self.refuse(error, &Fault::Column(name), cx),
                        None => self.refuse(error, &Fault::Line, cx),
                    });
                }
            }
        };
        self.fields = fields;
        outcome
    }

    /// Takes all whole lines; answers how many bytes they have.
    fn consume(&mut self, data: &[u8], last: bool, cx: &mut ExecCx<'_>) -> Result<usize> {
        let mut at = 0;
        self.marks.reset();
        while !self.ended {
            if self.header_done && self.lines.by_newline() {
                at = self.take_plain(data, at, cx)?;
            }
            let found = match self.lines.next(&data[at..], last) {
                Ok(found) => found,
                Err(error) => {
                    self.settle(cx)?;
                    self.line += 1;
                    return Err(self.place(error, &Fault::Line));
                }
            };
            match found {
                Found::Line(line) => {
                    self.line += 1 + line.breaks as u64;
                    self.take_line(&data[at..at + line.end], line.special, cx)?;
                    at += line.next;
                }
                Found::More => return Ok(at),
                Found::End => self.ended = true,
            }
        }
        // What follows the end mark is of no interest.
        Ok(data.len())
    }

    /// Takes plain lines from `at` on; answers where one begins that is not, or is not complete.
    fn take_plain(&mut self, data: &[u8], mut at: usize, cx: &mut ExecCx<'_>) -> Result<usize> {
        let mut fields = std::mem::take(&mut self.fields);
        let outcome = loop {
            let Some(split) = self.marks.split(data, at, &mut fields, &self.options) else { break Ok(at) };
            let line = &data[at..split.end];
            self.line += 1;
            let taken = match split.ascii {
                true => Ok(()),
                false => {
                    std::str::from_utf8(line).map(drop).map_err(|e| crate::session::invalid_utf8(line, &e))
                }
            };
            let taken = match taken {
                Ok(()) => self.take_split(line, &fields, cx),
                Err(error) => Err(self.refuse(error, &Fault::Line, cx)),
            };
            if let Err(error) = taken {
                break Err(error);
            }
            at = split.end + 1;
        };
        self.fields = fields;
        outcome
    }

    /// Takes a line that is split into fields.
    #[inline]
    fn take_split(&mut self, line: &[u8], fields: &Fields, cx: &mut ExecCx<'_>) -> Result<()> {
        if let Err(error) = self.check_width(line, fields) {
            return Err(self.refuse(error, &Fault::Text(line), cx));
        }
        self.take_row(line, fields, cx)
    }

    fn take_line(&mut self, line: &[u8], special: bool, cx: &mut ExecCx<'_>) -> Result<()> {
        let mut fields = std::mem::take(&mut self.fields);
        let result = self.take_fields(line, special, &mut fields, cx);
        self.fields = fields;
        result
    }

    fn take_fields(
        &mut self,
        line: &[u8],
        special: bool,
        fields: &mut Fields,
        cx: &mut ExecCx<'_>,
    ) -> Result<()> {
        match std::str::from_utf8(line) {
            Ok(_) if memchr(0, line).is_none() => {}
            Ok(_) => {
                let error = sql_err!(
                    CHARACTER_NOT_IN_REPERTOIRE,
                    "invalid byte sequence for encoding \"UTF8\": 0x00"
                );
                return Err(self.refuse(error, &Fault::Line, cx));
            }
            Err(error) => {
                let error = crate::session::invalid_utf8(line, &error);
                return Err(self.refuse(error, &Fault::Line, cx));
            }
        }
        if !self.header_done {
            self.header_done = true;
            match self.options.header {
                Header::No => {}
                Header::Yes => return Ok(()),
                Header::Match => {
                    let outcome =
                        self.split(line, special, fields).and_then(|()| self.match_header(line, fields));
                    return outcome.map_err(|e| self.refuse(e, &Fault::Text(line), cx));
                }
            }
        }
        if let Err(error) = self.split(line, special, fields) {
            return Err(self.refuse(error, &Fault::Text(line), cx));
        }
        self.take_split(line, fields, cx)
    }

    fn take_row(&mut self, line: &[u8], fields: &Fields, cx: &mut ExecCx<'_>) -> Result<()> {
        let taken = match &mut self.pending {
            Pending::Plain(_) => self.fill_row(line, fields, cx)?,
            _ => self.read_row(line, fields, cx)?,
        };
        if taken {
            self.row_lines.push(self.line);
            if self.row_lines.len() >= ROWS || self.pending_bytes() >= BYTES {
                self.store(cx)?;
            }
        }
        Ok(())
    }

    fn split(&self, line: &[u8], special: bool, fields: &mut Fields) -> Result<()> {
        match self.options.syntax {
            Syntax::Csv => fields.split_csv(line, special, &self.options),
            _ => fields.split_text(line, special, &self.options),
        }
    }

    /// Refuses surplus fields. Those that are missing are reported after what is wrong with those that are there.
    fn check_width(&self, line: &[u8], fields: &Fields) -> Result<()> {
        let width = self.columns.len();
        match fields.len() > width && !(width == 0 && line.is_empty()) {
            true => bail!(BAD_COPY_FILE_FORMAT, "extra data after last expected column"),
            false => Ok(()),
        }
    }

    #[cold]
    fn missing(&self, column: &Column, line: &[u8]) -> SqlError {
        let error = sql_err!(BAD_COPY_FILE_FORMAT, "missing data for column \"{}\"", column.name);
        self.place(error, &Fault::Text(line))
    }

    fn match_header(&self, line: &[u8], fields: &Fields) -> Result<()> {
        if fields.len() != self.columns.len() {
            bail!(
                BAD_COPY_FILE_FORMAT,
                "wrong number of fields in header line: got {}, expected {}",
                fields.len(),
                self.columns.len()
            );
        }
        for (i, column) in self.columns.iter().enumerate() {
            match fields.place(i) {
                Place::Null => bail!(
                    BAD_COPY_FILE_FORMAT,
                    "column name mismatch in header line field {}: got null value (\"{}\"), expected \"{}\"",
                    i + 1,
                    String::from_utf8_lossy(&self.options.null),
                    column.name
                ),
                _ if fields.bytes(i, line) == column.name.as_bytes() => {}
                _ => bail!(
                    BAD_COPY_FILE_FORMAT,
                    "column name mismatch in header line field {}: got \"{}\", expected \"{}\"",
                    i + 1,
                    String::from_utf8_lossy(fields.bytes(i, line)),
                    column.name
                ),
            }
        }
        Ok(())
    }

    /// The bytes of a field, `None` for NULL, after the FORCE options; [`Place::Default`] is dealt with before.
    #[inline]
    fn field<'a>(&'a self, i: usize, line: &'a [u8], fields: &'a Fields) -> Option<&'a [u8]> {
        let column = &self.columns[i];
        match fields.place(i) {
            Place::Null if column.force_not_null => Some(&self.options.null),
            Place::Null => None,
            _ => {
                let bytes = fields.bytes(i, line);
                let null = column.force_null && fields.is_quoted(i) && bytes == &self.options.null[..];
                (!null).then_some(bytes)
            }
        }
    }

    /// Makes a stored row of the fields; `false`: the row is skipped.
    fn fill_row(&mut self, line: &[u8], fields: &Fields, cx: &mut ExecCx<'_>) -> Result<bool> {
        let mut pending = std::mem::replace(&mut self.pending, Pending::None);
        let filled = match &mut pending {
            Pending::Plain(bulk) => {
                let filled = self.fill(bulk, line, fields, cx);
                if !matches!(filled, Ok(true)) {
                    bulk.abandon_row();
                }
                filled
            }
            _ => Err(SqlError::internal("rows of values in a plain table")),
        };
        self.pending = pending;
        filled
    }

    fn fill(&mut self, bulk: &mut Bulk, line: &[u8], fields: &Fields, cx: &mut ExecCx<'_>) -> Result<bool> {
        let binary = self.options.syntax == Syntax::Binary;
        let mut slot = bulk.begin(&self.writer);
        for (index, source) in self.sources.iter().enumerate() {
            match source {
                Source::Field(i) if *i >= fields.len() => {
                    return Err(self.missing(&self.columns[*i], line));
                }
                Source::Field(i) if fields.place(*i) != Place::Default => {
                    let column = &self.columns[*i];
                    let Some(bytes) = self.field(*i, line, fields) else {
                        slot.value(Datum::Null)?;
                        continue;
                    };
                    if self.readers[*i].read(bytes, &mut slot) {
                        continue;
                    }
                    match parse(column, binary, bytes, cx) {
                        Ok(value) => slot.value(value)?,
                        Err(error) => {
                            if self.may_skip(&error) {
                                let notice = self.skip_notice(column, Some(bytes));
                                self.skip(notice, line, *i, fields)?;
                                return Ok(false);
                            }
                            return Err(self.place(error, &column.fault(binary, bytes)));
                        }
                    }
                }
                Source::Field(i) => {
                    let value = self.default_value(index, &self.columns[*i].name, cx);
                    slot.value(value.map_err(|e| self.place(e, &Fault::Text(line)))?)?;
                }
                Source::Default => {
                    let value = self.default_value(index, "", cx);
                    slot.value(value.map_err(|e| self.place(e, &Fault::Text(line)))?)?;
                }
                Source::Null => slot.value(Datum::Null)?,
            }
        }
        slot.finish();
        match bulk.end_row(&self.writer, cx) {
            Ok(()) => Ok(true),
            Err(error) => Err(self.place(error, &Fault::Text(line))),
        }
    }

    fn default_value(&self, index: usize, column: &str, cx: &mut ExecCx<'_>) -> Result<Datum> {
        match &self.defaults[index] {
            Some(default) => default.eval_alone(cx),
            None => Err(sql_err!(BAD_COPY_FILE_FORMAT, "unexpected default marker in COPY data")
                .detail(format!("Column \"{column}\" has no default value."))),
        }
    }

    /// Makes a row of values of the fields; `false`: the row is skipped.
    fn read_row(&mut self, line: &[u8], fields: &Fields, cx: &mut ExecCx<'_>) -> Result<bool> {
        let binary = self.options.syntax == Syntax::Binary;
        let mut row = vec![Datum::Null; self.sources.len()];
        for (i, column) in self.columns.iter().enumerate() {
            if i >= fields.len() {
                let error = self.missing(column, line);
                self.settle(cx)?;
                return Err(error);
            }
            let value = if fields.place(i) == Place::Default {
                self.default_value(column.index, &column.name, cx).map_err(|e| (e, Fault::Text(line)))
            } else {
                match self.field(i, line, fields) {
                    None => Ok(Datum::Null),
                    Some(bytes) => {
                        parse(column, binary, bytes, cx).map_err(|e| (e, column.fault(binary, bytes)))
                    }
                }
            };
            match value {
                Ok(value) => row[column.index] = value,
                Err((error, fault)) => {
                    if let Fault::Value(_, bytes) = fault
                        && self.may_skip(&error)
                    {
                        let notice = self.skip_notice(column, Some(bytes));
                        self.skip(notice, line, i, fields)?;
                        return Ok(false);
                    }
                    let error = self.place(error, &fault);
                    self.settle(cx)?;
                    return Err(error);
                }
            }
        }
        for (index, source) in self.sources.iter().enumerate() {
            if let Source::Default = source {
                let value = self.default_value(index, "", cx);
                row[index] = value.map_err(|e| self.place(e, &Fault::Text(line)))?;
            }
        }
        if let Pending::Rows(values) = &mut self.pending {
            let start = values.texts.len();
            // Tuples of the binary format are not shown.
            values.texts.extend_from_slice(if binary { &[] } else { line });
            values.ranges.push(start..values.texts.len());
            values.rows.push(row);
            values.bytes += 2 * line.len();
        }
        Ok(true)
    }

    fn pending_bytes(&self) -> usize {
        match &self.pending {
            Pending::Plain(bulk) => bulk.bytes(),
            Pending::Rows(values) => values.bytes,
            Pending::None => 0,
        }
    }

    /// Applies WHERE and the constraints to the pending rows of values; on return they are complete.
    fn settle(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        let Pending::Rows(values) = &mut self.pending else { return Ok(()) };
        let (filter, writer) = (&self.filter, &self.writer);
        let settled = passed(filter, writer, &values.rows, cx).and_then(|kept| {
            if let Some(kept) = kept {
                retain(&mut values.rows, &kept);
                retain(&mut self.row_lines, &kept);
                retain(&mut values.ranges, &kept);
            }
            writer.complete(&mut values.rows, PolicyMoment::Insert, cx)
        });
        match settled {
            Ok(()) => {
                values.texts.clear();
                values.ranges.clear();
                Ok(())
            }
            Err(error) => Err(self.find_refused(error, cx)),
        }
    }

    /// The pending rows have one that WHERE or a constraint fails for: one after the other they tell which.
    #[cold]
    fn find_refused(&mut self, error: SqlError, cx: &mut ExecCx<'_>) -> SqlError {
        let Pending::Rows(values) = &mut self.pending else { return error };
        let rows = std::mem::take(&mut values.rows);
        for (i, row) in rows.into_iter().enumerate() {
            let mut one = [row];
            let outcome = match passed(&self.filter, &self.writer, &one, cx) {
                Ok(None) => self.writer.complete(&mut one, PolicyMoment::Insert, cx),
                Ok(Some(_)) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = outcome {
                let text = values.texts[values.ranges[i].clone()].to_vec();
                self.line = self.row_lines[i];
                return self.place(error, &Fault::Text(&text));
            }
        }
        error
    }

    /// Stores the pending rows.
    fn store(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.settle(cx)?;
        let stored = match &mut self.pending {
            Pending::Plain(bulk) => bulk.store(&self.writer, cx),
            Pending::Rows(values) => {
                let mut bulk = Bulk::new(&self.writer);
                bulk.push_rows(&self.writer, &values.rows, cx)?;
                values.rows.clear();
                values.bytes = 0;
                bulk.store(&self.writer, cx)
            }
            Pending::None => Ok(()),
        };
        if let Err(refused) = stored {
            let Some(row) = refused.row else { return Err(refused.error) };
            self.line = self.row_lines[row];
            return Err(self.place(refused.error, &Fault::Line));
        }
        self.copied += self.row_lines.len() as u64;
        self.row_lines.clear();
        Ok(())
    }
}

/// Reads a value.
#[inline]
fn parse(column: &Column, binary: bool, bytes: &[u8], cx: &ExecCx<'_>) -> Result<Datum> {
    if binary {
        return io_binary::recv_binary(column.oid, column.typmod, bytes);
    }
    // Fields end where ASCII characters stand, so that this never fails.
    let text = std::str::from_utf8(bytes).map_err(|e| crate::session::invalid_utf8(bytes, &e))?;
    io_text::parse_text(column.oid, column.typmod, text, cx.io)
}

/// Which rows WHERE lets through; `None`: all.
fn passed(
    filter: &Conditions,
    writer: &Writer,
    rows: &[Vec<Datum>],
    cx: &mut ExecCx<'_>,
) -> Result<Option<Vec<bool>>> {
    if filter.is_empty() || rows.is_empty() {
        return Ok(None);
    }
    let batch = filter.apply(Batch::from_rows(rows, writer.types()), cx)?;
    Ok(batch.selection.map(|selection| {
        let mut kept = vec![false; rows.len()];
        selection.iter().for_each(|&row| kept[usize::from(row)] = true);
        kept
    }))
}

fn retain<T>(list: &mut Vec<T>, kept: &[bool]) {
    let mut flags = kept.iter();
    list.retain(|_| flags.next() == Some(&true));
}
