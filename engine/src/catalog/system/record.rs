//! Rows made by column name: what is not set is NULL.

use nq_qsql::catalog::Relation;
use nq_qsql::types::Datum;

use super::cell::Cell;

/// A row of a system relation being made.
pub(super) struct Record<'a> {
    relation: &'a Relation,
    values: Vec<Datum>,
    /// Where the next column is looked for first: most rows are set from left to right.
    next: usize,
}

impl<'a> Record<'a> {
    /// A row of NULLs.
    pub(super) fn new(relation: &'a Relation) -> Self {
        Record { relation, values: vec![Datum::Null; relation.columns.len()], next: 0 }
    }

    /// Sets a column; a name that the relation does not have is a mistake of ours.
    pub(super) fn set(mut self, name: &str, value: impl Cell) -> Self {
        let columns = &self.relation.columns;
        let column = match columns.get(self.next) {
            Some(column) if *column.name == *name => Some(self.next),
            _ => self.relation.column(name),
        };
        debug_assert!(column.is_some(), "{} has no column {name}", self.relation.name);
        if let Some(column) = column {
            self.values[column] = value.cell();
            self.next = column + 1;
        }
        self
    }

    /// The row.
    pub(super) fn done(self) -> Vec<Datum> {
        self.values
    }
}
