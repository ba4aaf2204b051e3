//! Backend messages, written straight into the connection's output buffer.
//!
//! Source: PostgreSQL manual 54.7 "Message Formats" and 54.8 "Error and Notice Message Fields".

use nq_qsql::SqlError;

/// Appends backend messages to a byte buffer that the connection writes to its socket.
///
/// A message is opened by [`Output::begin`], filled, and closed by [`Output::end`], which puts the length in.
#[derive(Default)]
pub struct Output {
    /// Bytes not yet written to the socket.
    pub bytes: Vec<u8>,
    open: usize,
}

/// How grave a response is; the words of its `S` and `V` fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "PostgreSQL's own words")]
pub enum Severity {
    Error,
    Fatal,
    Warning,
    Notice,
    Debug,
    Info,
    Log,
}

impl Severity {
    fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "ERROR",
            Severity::Fatal => "FATAL",
            Severity::Warning => "WARNING",
            Severity::Notice => "NOTICE",
            Severity::Debug => "DEBUG",
            Severity::Info => "INFO",
            Severity::Log => "LOG",
        }
    }
}

impl Output {
    /// Opens a message of the given type.
    pub fn begin(&mut self, kind: u8) {
        self.bytes.push(kind);
        self.open = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
    }

    /// Closes the open message.
    pub fn end(&mut self) {
        let length = (self.bytes.len() - self.open) as u32;
        self.bytes[self.open..self.open + 4].copy_from_slice(&length.to_be_bytes());
    }

    /// Appends a null-terminated string.
    pub fn text(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(0);
    }

    /// Appends a big-endian `i16`.
    pub fn i16(&mut self, value: i16) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// Appends a big-endian `i32`.
    pub fn i32(&mut self, value: i32) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// A message without a body.
    pub fn bare(&mut self, kind: u8) {
        self.bytes.extend_from_slice(&[kind, 0, 0, 0, 4]);
    }

    /// ReadyForQuery with the transaction status `I`, `T` or `E`.
    pub fn ready(&mut self, status: u8) {
        self.bytes.extend_from_slice(&[b'Z', 0, 0, 0, 5, status]);
    }

    /// CommandComplete.
    pub fn complete(&mut self, tag: &str) {
        self.begin(b'C');
        self.text(tag);
        self.end();
    }

    /// ParameterStatus.
    pub fn parameter(&mut self, name: &str, value: &str) {
        self.begin(b'S');
        self.text(name);
        self.text(value);
        self.end();
    }

    /// NotificationResponse.
    pub fn notification(&mut self, process: i32, channel: &str, payload: &str) {
        self.begin(b'A');
        self.i32(process);
        self.text(channel);
        self.text(payload);
        self.end();
    }

    /// ErrorResponse or NoticeResponse, by the severity.
    pub fn report(&mut self, severity: Severity, error: &SqlError) {
        let fields = &error.0;
        self.begin(if matches!(severity, Severity::Error | Severity::Fatal) { b'E' } else { b'N' });
        self.field(b'S', severity.as_str());
        self.field(b'V', severity.as_str());
        self.field(b'C', fields.code.as_str());
        self.field(b'M', &fields.message);
        let position = fields.position.map(|p| p.to_string());
        for (kind, value) in [
            (b'D', &fields.detail),
            (b'H', &fields.hint),
            (b'P', &position),
            (b'W', &fields.context),
            (b's', &fields.schema),
            (b't', &fields.table),
            (b'c', &fields.column),
            (b'd', &fields.data_type),
            (b'n', &fields.constraint),
        ] {
            if let Some(value) = value {
                self.field(kind, value);
            }
        }
        if let Some(routine) = fields.routine {
            self.field(b'R', routine);
        }
        self.bytes.push(0);
        self.end();
    }

    fn field(&mut self, kind: u8, value: &str) {
        self.bytes.push(kind);
        self.bytes.extend(value.bytes().filter(|&b| b != 0));
        self.bytes.push(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nq_qsql::SqlState;

    #[test]
    fn error_carries_its_fields() {
        let mut out = Output::default();
        let error = SqlError::new(SqlState::UNDEFINED_TABLE, "relation \"x\" does not exist")
            .at(7)
            .locate("select é from x");
        out.report(Severity::Error, &error);
        assert_eq!(out.bytes[0], b'E');
        assert_eq!(u32::from_be_bytes(out.bytes[1..5].try_into().unwrap()) as usize, out.bytes.len() - 1);
        let body = String::from_utf8_lossy(&out.bytes[5..]).into_owned();
        assert!(body.contains("C42P01\0Mrelation \"x\" does not exist\0P8\0"), "{body:?}");
    }
}
