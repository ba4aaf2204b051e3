//! Functions and procedures that users have made, and what a call of one yields.

use std::sync::Arc;

use super::{AggregateDef, Catalog};
use crate::func::category::element_of;
use crate::func::{ScalarBody, Volatility};
use crate::types::{DataType, Oid, oid, rowtype};

/// `pg_proc.proargmodes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "SQL's own words")]
pub enum ParamMode {
    In,
    Out,
    InOut,
    Variadic,
    /// A column of RETURNS TABLE.
    Table,
}

impl ParamMode {
    /// The letter in `proargmodes`.
    pub fn letter(self) -> u8 {
        match self {
            ParamMode::In => b'i',
            ParamMode::Out => b'o',
            ParamMode::InOut => b'b',
            ParamMode::Variadic => b'v',
            ParamMode::Table => b't',
        }
    }

    /// Whether a value is handed in by it.
    pub fn is_input(self) -> bool {
        matches!(self, ParamMode::In | ParamMode::InOut | ParamMode::Variadic)
    }

    /// Whether it is a part of the result.
    pub fn is_output(self) -> bool {
        matches!(self, ParamMode::Out | ParamMode::InOut | ParamMode::Table)
    }
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct RoutineParam {
    /// Its name; empty for none.
    pub name: Box<str>,
    /// Its direction.
    pub mode: ParamMode,
    /// Its type; a VARIADIC one's is the array.
    pub ty: Oid,
    /// SQL text of its default.
    pub default: Option<Arc<str>>,
}

/// What a routine does.
#[derive(Clone, Debug)]
pub struct RoutineBody {
    /// SQL statements.
    pub text: Arc<str>,
    /// `RETURN expr` or `BEGIN ATOMIC`: names were resolved when it was made.
    pub standard: Option<StandardBody>,
}

/// A body that is a part of the statement that made it.
#[derive(Clone, Debug)]
pub struct StandardBody {
    /// `BEGIN ATOMIC .. END`; otherwise `RETURN expr`, kept as the query of the expression.
    pub atomic: bool,
    /// The schemas that its names are looked up in.
    pub path: Vec<Oid>,
}

/// A function or procedure in SQL (a row of `pg_proc`).
#[derive(Clone, Debug)]
pub struct Routine {
    /// `pg_proc.oid`
    pub oid: Oid,
    /// `pronamespace`
    pub namespace: Oid,
    /// Name of the schema.
    pub schema: Box<str>,
    /// `proname`
    pub name: Box<str>,
    /// `proowner`
    pub owner: Oid,
    /// Whether it is a procedure.
    pub procedure: bool,
    /// All parameters, columns of RETURNS TABLE at the end.
    pub params: Vec<RoutineParam>,
    /// `prorettype`
    pub result: Oid,
    /// `proretset`
    pub returns_set: bool,
    /// `provolatile`
    pub volatility: Volatility,
    /// `proisstrict`
    pub strict: bool,
    /// `proleakproof`
    pub leakproof: bool,
    /// `prosecdef`
    pub security_definer: bool,
    /// `proparallel`
    pub parallel: u8,
    /// `procost`
    pub cost: f32,
    /// `prorows`
    pub rows: f32,
    /// `proconfig` as (name, value).
    pub config: Vec<(Box<str>, Box<str>)>,
    /// `prosrc`
    pub body: RoutineBody,
    /// Whether the body is the name of one that is built in: a constructor of ranges.
    pub internal: bool,
    /// What makes it an aggregate.
    pub aggregate: Option<Arc<AggregateDef>>,
}

impl Routine {
    /// The parameters that a call hands in. A CALL of a procedure names those of OUT, too.
    pub fn callable(&self, by_call: bool) -> impl Iterator<Item = &RoutineParam> {
        let named = by_call && self.procedure;
        self.params.iter().filter(move |p| p.mode.is_input() || named && p.mode == ParamMode::Out)
    }

    /// The parameters with a value, in order: what `$1`, `$2`, ... mean in the body.
    pub fn inputs(&self) -> impl Iterator<Item = &RoutineParam> {
        self.params.iter().filter(|p| p.mode.is_input())
    }

    /// `proargtypes`
    pub fn input_types(&self) -> Vec<Oid> {
        self.inputs().map(|p| p.ty).collect()
    }

    /// The parts of the result that parameters name.
    pub fn outputs(&self) -> impl Iterator<Item = &RoutineParam> {
        self.params.iter().filter(|p| p.mode.is_output())
    }

    /// `provariadic`: the element type of a VARIADIC parameter, 0 for none.
    pub fn variadic(&self) -> Oid {
        match self.params.iter().find(|p| p.mode == ParamMode::Variadic) {
            Some(p) => match p.ty {
                oid::ANYARRAY => oid::ANYELEMENT,
                oid::ANYCOMPATIBLEARRAY => oid::ANYCOMPATIBLE,
                array => element_of(array).unwrap_or(array),
            },
            None => 0,
        }
    }

    /// `function`, `procedure` or `aggregate`.
    pub fn word(&self) -> &'static str {
        match (&self.aggregate, self.procedure) {
            (Some(_), _) => "aggregate",
            (None, true) => "procedure",
            (None, false) => "function",
        }
    }

    /// The body that is built in, if it is.
    pub fn internal_body(&self) -> Option<ScalarBody> {
        self.internal.then(|| crate::func::internal_body(&self.body.text)).flatten()
    }

    /// Whether the shape of a call's rows is known from the declaration alone.
    pub fn is_polymorphic(&self) -> bool {
        self.inputs().any(|p| crate::func::resolve::is_polymorphic(p.ty))
    }

    /// What a call yields; `stands_for` gives the types that polymorphic ones stand for.
    pub fn shape(&self, catalog: &dyn Catalog, stands_for: &dyn Fn(Oid) -> Oid) -> RoutineShape {
        let named: Vec<&RoutineParam> = self.outputs().collect();
        match named.as_slice() {
            [] => {}
            [one] if !self.procedure => return RoutineShape::Scalar(DataType::of(stands_for(one.ty))),
            several => {
                let column = |(i, p): (usize, &&RoutineParam)| {
                    let name = match &*p.name {
                        "" => Arc::from(format!("column{}", i + 1)),
                        name => Arc::from(name),
                    };
                    (name, DataType::of(stands_for(p.ty)))
                };
                return RoutineShape::Row(several.iter().enumerate().map(column).collect());
            }
        }
        match self.result {
            oid::VOID => RoutineShape::Void,
            oid::RECORD => RoutineShape::Record,
            ty => match catalog.row_type(ty) {
                Some(relation) => RoutineShape::Row(
                    relation.live_columns().map(|(_, c)| (Arc::from(&*c.name), c.ty)).collect(),
                ),
                None => RoutineShape::Scalar(DataType::of(stands_for(ty))),
            },
        }
    }
}

/// A field of a row: its name and type.
pub type RowField = (Arc<str>, DataType);

/// What a call yields, per row if it returns a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoutineShape {
    /// Nothing.
    Void,
    /// A value.
    Scalar(DataType),
    /// A row with these fields.
    Row(Arc<[RowField]>),
    /// A row of which only the body knows the fields.
    Record,
}

/// A routine with the types that one way of calling it has.
#[derive(Debug)]
pub struct RoutineTarget {
    /// The routine.
    pub routine: Arc<Routine>,
    /// Types of the values handed in.
    pub inputs: Vec<Oid>,
    /// What it yields.
    pub shape: RoutineShape,
}

impl RoutineTarget {
    /// The fields of a row of the result, where it is a row and they are known.
    pub fn fields(&self) -> Option<&Arc<[RowField]>> {
        match &self.shape {
            RoutineShape::Row(fields) => Some(fields),
            _ => None,
        }
    }

    /// Whether the value is a row.
    pub fn is_row(&self) -> bool {
        matches!(self.shape, RoutineShape::Row(_) | RoutineShape::Record)
    }

    /// Whether the rows are of a composite type that has lost no attributes: then the fields of the one are those of the other.
    fn is_named_row(&self) -> bool {
        let fields = rowtype::fields_of(DataType::of(self.routine.result));
        self.routine.result != oid::RECORD
            && fields.is_some_and(|fields| !fields.iter().any(crate::types::user::is_dropped))
    }

    /// The type of the value.
    pub fn ty(&self) -> DataType {
        match self.shape {
            RoutineShape::Void => DataType::of(oid::VOID),
            RoutineShape::Scalar(ty) => ty,
            RoutineShape::Row(_) if self.is_named_row() => DataType::of(self.routine.result),
            RoutineShape::Row(ref fields) => DataType { oid: oid::RECORD, typmod: rowtype::modifier(fields) },
            RoutineShape::Record => DataType::of(oid::RECORD),
        }
    }
}

/// Targets are the same if they call the same way.
impl PartialEq for RoutineTarget {
    fn eq(&self, other: &Self) -> bool {
        self.routine.oid == other.routine.oid && self.inputs == other.inputs && self.shape == other.shape
    }
}

impl Eq for RoutineTarget {}

impl std::hash::Hash for RoutineTarget {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.routine.oid.hash(state);
        self.inputs.hash(state);
    }
}
