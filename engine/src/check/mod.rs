//! Verifying: pages and trees (the store's part), and that indexes and tables say the same.
//!
//! ```text
//!   CHECK TABLE t [REPAIR] --+
//!   CHECK DATABASE ----------+--> per relation: trees verified --> rows satisfy constraints --> index == table
//!   nqdb check [--repair] ---+--> before: every page of the store, with its parity
//! ```
//!
//! 1. Rows and index entries are compared under one snapshot; writers are kept off the table meanwhile (`SHARE`), so that trees stand
//!    still, too.
//! 2. An index says the same as its table when every row's entry is there and there are no others: each row's key is looked up, and
//!    the entries are counted.
//! 3. Damaged sectors heal when they are read, repair or not; `REPAIR` builds indexes anew. A damaged table is reported, never "repaired"
//!    by dropping rows.

mod offline;
mod statement;
mod table;

use nq_qsql::types::Datum;

pub use offline::CheckReport;
pub(crate) use statement::columns;

/// What was found about one table or index.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// Its name, qualified.
    pub(crate) object: String,
    /// `table` or `index`.
    pub(crate) kind: &'static str,
    /// Rows or entries; `None` where they could not be counted.
    pub(crate) entries: Option<u64>,
    /// `None`: nothing is wrong.
    pub(crate) problem: Option<String>,
    /// Whether it has been repaired.
    pub(crate) repaired: bool,
}

impl Finding {
    fn row(self) -> Vec<Datum> {
        let repaired = self.problem.as_ref().map_or(Datum::Null, |_| Datum::Bool(self.repaired));
        vec![
            Datum::text(self.object),
            Datum::text(self.kind),
            self.entries.map_or(Datum::Null, |n| Datum::Int8(n as i64)),
            self.problem.map_or(Datum::Null, Datum::text),
            repaired,
        ]
    }

    /// One line for the report of `nqdb check`.
    fn line(&self, database: &str) -> Option<String> {
        let problem = self.problem.as_ref()?;
        let repaired = if self.repaired { " (repaired)" } else { "" };
        Some(format!("{database}: {} {}: {problem}{repaired}", self.kind, self.object))
    }
}
