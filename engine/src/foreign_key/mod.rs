//! Foreign keys: what their two sides look at, and when.
//!
//! ```text
//!   referencing row written ---> its key looked up in the parent's unique index --found--> parent row held FOR KEY SHARE
//!                                        `--not there--> Event::Row  ---.
//!   referenced row gone, or with another key ----------> Event::Key  ---+--> end of the statement: [`fire`]
//!                                                                       |      keys: NO ACTION, RESTRICT: no row may be left
//!                                                                       |            CASCADE, SET ..: rows written by the usual path,
//!                                                                       |            whose events make the next round
//!                                                                       |      rows: looked at again
//!                                                                       `--> deferred: the same at SET CONSTRAINTS or COMMIT
//! ```
//!
//! 1. Both sides look at the present, not at the statement's snapshot: the referenced row is held before the reference counts, and a
//!    key that goes waits for those who hold it. So one of two that meet sees the other, whichever comes first.
//! 2. In REPEATABLE READ and SERIALIZABLE a row refers only to what its transaction sees, and a cascade that meets a row written since
//!    its snapshot fails with 40001.
//! 3. Events of one kind are handled together: keys are sorted and looked up once each; without an index over the referencing columns
//!    one scan serves all keys of a statement.
//! 4. An event names a row, not a version: what is looked at later is the row as it is then, if it is still there.
//! 5. Looking a second time does no harm. So events that SET CONSTRAINTS has settled within a savepoint stay for the commit.
//!
//! Sources: PostgreSQL manual 5.5.5, CREATE TABLE, SET CONSTRAINTS; `ri_triggers.c` for messages and timing.

pub(crate) mod action;
mod error;
mod find;
pub(crate) mod fire;
pub(crate) mod probe;
mod validate;

use std::sync::Arc;

use hashbrown::HashMap;
use nq_qsql::catalog::{Relation, Timing};
use nq_qsql::types::{Datum, Oid};

pub(crate) use probe::Probe;

/// Something that a foreign key is yet to be asked about.
#[derive(Clone, Debug)]
pub enum Event {
    /// A row that was written, with nothing found yet that it refers to.
    Row {
        /// The foreign key.
        constraint: Oid,
        /// The referencing table.
        table: Oid,
        /// The row.
        row: u64,
    },
    /// A referenced row has gone or has got another key.
    Key {
        /// The foreign key that refers to it.
        constraint: Oid,
        /// The key that was: values of the referenced columns, none NULL.
        old: Arc<[Datum]>,
        /// The key that is; `None` when the row is gone.
        new: Option<Arc<[Datum]>>,
    },
}

impl Event {
    /// The foreign key.
    fn constraint(&self) -> Oid {
        match self {
            Event::Row { constraint, .. } | Event::Key { constraint, .. } => *constraint,
        }
    }
}

/// Which constraints SET CONSTRAINTS has put off.
#[derive(Clone, Debug, Default)]
pub struct Modes {
    all: Option<bool>,
    named: HashMap<Oid, bool>,
}

impl Modes {
    /// Whether a constraint is checked at the end of the transaction only.
    pub fn is_deferred(&self, constraint: Oid, timing: Timing) -> bool {
        match timing {
            Timing::Fixed => false,
            Timing::Deferrable | Timing::Deferred => {
                self.named.get(&constraint).copied().or(self.all).unwrap_or(timing == Timing::Deferred)
            }
        }
    }

    /// SET CONSTRAINTS ALL.
    pub(crate) fn set_all(&mut self, deferred: bool) {
        self.all = Some(deferred);
        self.named.clear();
    }

    /// SET CONSTRAINTS of one constraint.
    pub(crate) fn set(&mut self, constraint: Oid, deferred: bool) {
        self.named.insert(constraint, deferred);
    }
}

/// What the foreign keys of a transaction are yet to be asked about.
#[derive(Debug, Default)]
pub struct Pending {
    /// At the end of the statement.
    pub now: Vec<Event>,
    /// At the end of the transaction.
    pub later: Vec<Event>,
    /// What SET CONSTRAINTS said.
    pub modes: Modes,
}

/// Where a transaction's [`Pending`] stood at a savepoint.
#[derive(Debug)]
pub(crate) struct PendingMark {
    later: usize,
    modes: Modes,
}

impl Pending {
    pub(crate) fn mark(&self) -> PendingMark {
        PendingMark { later: self.later.len(), modes: self.modes.clone() }
    }

    /// Whether something of a table is deferred: of its own foreign keys, by `owns`, or of those that refer to it.
    pub(crate) fn concerns(&self, table: &Relation, owns: impl Fn(Oid) -> bool) -> bool {
        self.later.iter().any(|event| match event {
            Event::Row { table: own, .. } => *own == table.oid,
            Event::Key { constraint, .. } => {
                owns(*constraint) || table.referenced_by.iter().any(|r| r.constraint == *constraint)
            }
        })
    }

    /// Forgets what came since the mark.
    pub(crate) fn rollback_to(&mut self, mark: &PendingMark) {
        self.now.clear();
        self.later.truncate(mark.later);
        self.modes = mark.modes.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_go_from_the_named_to_the_declared() {
        let mut modes = Modes::default();
        assert!(modes.is_deferred(1, Timing::Deferred) && !modes.is_deferred(1, Timing::Deferrable));
        modes.set(1, true);
        modes.set(2, false);
        assert!(modes.is_deferred(1, Timing::Deferrable) && !modes.is_deferred(2, Timing::Deferred));
        assert!(!modes.is_deferred(1, Timing::Fixed));
        modes.set_all(false);
        assert!(!modes.is_deferred(1, Timing::Deferrable) && !modes.is_deferred(3, Timing::Deferred));
    }

    #[test]
    fn a_savepoint_takes_back_events_and_modes() {
        let event = || Event::Row { constraint: 1, table: 2, row: 3 };
        let mut pending = Pending::default();
        pending.later.push(event());
        let mark = pending.mark();
        pending.later.push(event());
        pending.now.push(event());
        pending.modes.set_all(true);
        pending.rollback_to(&mark);
        assert!(pending.later.len() == 1 && pending.now.is_empty());
        assert!(!pending.modes.is_deferred(1, Timing::Deferrable));
    }
}
