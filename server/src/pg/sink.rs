//! Results on their way into the output buffer.

use nq_engine::session::{CopySpec, Flow, Format, ResultSink, Rows};
use nq_qsql::error::Result;
use nq_qsql::plan::physical::OutputColumn;
use nq_qsql::types;

use super::encode::Output;

/// Bytes of results that are gathered before they are written to the socket.
pub const CHUNK_BYTES: usize = 64 << 10;

/// Appends results to a connection's output as messages.
pub struct MessageSink<'a> {
    /// The output.
    pub out: &'a mut Output,
}

impl MessageSink<'_> {
    fn flow(&self) -> Flow {
        if self.out.bytes.len() >= CHUNK_BYTES { Flow::Full } else { Flow::More }
    }
}

/// Appends a RowDescription; formats as in Bind: none, one for all, or one each.
pub fn row_description(out: &mut Output, columns: &[OutputColumn], formats: &[Format]) {
    out.begin(b'T');
    out.i16(columns.len() as i16);
    for (at, column) in columns.iter().enumerate() {
        let format = match formats {
            [one] => *one,
            many => many.get(at).copied().unwrap_or_default(),
        };
        out.text(&column.name);
        out.i32(column.table as i32);
        out.i16(column.attribute);
        // Clients do not hear of domains.
        let ty = types::info::base_of(column.ty);
        out.i32(ty.oid as i32);
        out.i16(types::info::by_oid(ty.oid).map_or(-1, |info| info.len));
        out.i32(ty.typmod);
        out.i16(format.code());
    }
    out.end();
}

/// Appends CopyInResponse (`G`) or CopyOutResponse (`H`).
pub fn copy_response(out: &mut Output, kind: u8, spec: &CopySpec) {
    out.begin(kind);
    out.bytes.push(spec.format.code() as u8);
    out.i16(spec.columns as i16);
    for _ in 0..spec.columns {
        out.i16(spec.format.code());
    }
    out.end();
}

impl ResultSink for MessageSink<'_> {
    fn describe(&mut self, columns: &[OutputColumn], formats: &[Format]) {
        row_description(self.out, columns, formats);
    }

    fn rows(&mut self, rows: &Rows<'_>) -> Result<Flow> {
        rows.write_data_rows(&mut self.out.bytes)?;
        Ok(self.flow())
    }

    fn copy_out(&mut self, spec: &CopySpec) {
        copy_response(self.out, b'H', spec);
    }

    fn copy_data(&mut self, data: &[u8]) -> Result<Flow> {
        self.out.begin(b'd');
        self.out.bytes.extend_from_slice(data);
        self.out.end();
        Ok(self.flow())
    }

    fn copy_end(&mut self) {
        self.out.bare(b'c');
    }
}
