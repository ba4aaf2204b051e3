//! Aggregates that users have made, and what a call of one needs to run.

use std::sync::Arc;

use super::{Routine, RoutineTarget};
use crate::func::Function;
use crate::types::{DataType, Datum, Oid};

/// `pg_aggregate.aggkind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateKind {
    /// An ordinary one (`n`).
    Normal,
    /// `(.. ORDER BY ..)` (`o`).
    OrderedSet,
    /// An ordered-set aggregate whose direct arguments are a row to be placed among the others (`h`).
    Hypothetical,
}

impl AggregateKind {
    /// The letter in `aggkind`.
    pub fn letter(self) -> u8 {
        match self {
            AggregateKind::Normal => b'n',
            AggregateKind::OrderedSet => b'o',
            AggregateKind::Hypothetical => b'h',
        }
    }

    /// The kind of a letter.
    pub fn of_letter(letter: u8) -> Option<AggregateKind> {
        Some(match letter {
            b'n' => AggregateKind::Normal,
            b'o' => AggregateKind::OrderedSet,
            b'h' => AggregateKind::Hypothetical,
            _ => return None,
        })
    }
}

/// One of the two ways an aggregate can be computed: its plain way, or the one for frames that move.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AggregateWay {
    /// The transition function.
    pub transition: Oid,
    /// The final function; 0 for none.
    pub finish: Oid,
    /// Whether the final function takes (NULLs for) the aggregated arguments, too.
    pub extra: bool,
    /// Whether the final function changes the state: `r`, `s`, `w`.
    pub modify: u8,
    /// Type of the state, polymorphic as declared.
    pub state: Oid,
    /// `aggtransspace`
    pub space: i32,
    /// Text of the first state; none: NULL.
    pub initial: Option<Arc<str>>,
}

/// What a row of `pg_aggregate` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregateDef {
    /// `aggkind`
    pub kind: AggregateKind,
    /// `aggnumdirectargs`
    pub direct: u16,
    /// The way that everything is computed by.
    pub plain: AggregateWay,
    /// The way for moving frames; its transition function is 0 where there is none.
    pub moving: AggregateWay,
    /// `aggminvtransfn`
    pub inverse: Oid,
    /// `aggcombinefn`
    pub combine: Oid,
    /// `aggserialfn`
    pub serialize: Oid,
    /// `aggdeserialfn`
    pub deserialize: Oid,
    /// `aggsortop`
    pub sort_operator: Oid,
}

impl AggregateDef {
    /// The functions that it cannot be without.
    pub fn functions(&self) -> impl Iterator<Item = Oid> {
        let all = [
            self.plain.transition,
            self.plain.finish,
            self.combine,
            self.serialize,
            self.deserialize,
            self.moving.transition,
            self.inverse,
            self.moving.finish,
        ];
        all.into_iter().filter(|oid| *oid != 0)
    }
}

/// A function that a call of an aggregate calls.
#[derive(Clone, Debug)]
pub enum AggregateStep {
    /// One of the registry.
    Builtin {
        /// The function.
        func: &'static Function,
        /// Types of its arguments in this call.
        inputs: Vec<DataType>,
        /// Type of its result.
        result: DataType,
    },
    /// A user's.
    Routine(Arc<RoutineTarget>),
}

impl AggregateStep {
    /// Whether it is not called with NULLs.
    pub fn strict(&self) -> bool {
        match self {
            AggregateStep::Builtin { func, .. } => func.strict,
            AggregateStep::Routine(target) => target.routine.strict,
        }
    }

    /// How many arguments it takes.
    pub fn width(&self) -> usize {
        match self {
            AggregateStep::Builtin { inputs, .. } => inputs.len(),
            AggregateStep::Routine(target) => target.inputs.len(),
        }
    }
}

/// A user's aggregate with the types that one way of calling it has.
#[derive(Debug)]
pub struct AggregateTarget {
    /// The aggregate.
    pub routine: Arc<Routine>,
    /// How many of the arguments are direct ones of an ordered-set aggregate: those come first.
    pub direct: usize,
    /// The transition function: state, then the aggregated arguments.
    pub transition: AggregateStep,
    /// The final function.
    pub finish: Option<AggregateStep>,
    /// The first state.
    pub initial: Datum,
}
