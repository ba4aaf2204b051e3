//! Typed scalar expressions: what the binder makes, the optimiser rewrites and the executor compiles.

use std::sync::Arc;

use crate::catalog::{AggregateTarget, RoutineTarget};
use crate::func::{Function, Volatility};
use crate::parse::ast::{FuncSyntax, SqlValueFunc};
use crate::types::{DataType, Datum, Oid};

/// A typed expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it computes.
    pub kind: ExprKind,
    /// The type of its value.
    pub ty: DataType,
    /// Collation of a text value; 0 when the type has none.
    pub collation: Oid,
    /// Byte offset in the statement, for error positions; `u32::MAX` when unknown.
    pub at: u32,
}

/// What a column reference means depends on the stage: in the logical plan the id is unique within the statement, in the
/// physical plan it is the slot of the operator's input batch (for joins: left slots, then right slots).
pub type ColumnId = u32;

/// Kinds of [`Expr`].
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A constant.
    Const(Datum),
    /// A column.
    Column(ColumnId),
    /// `$n`, counted from 0.
    Param(u32),
    /// A value that an enclosing operator sets before it runs this part again (correlation): slot in the execution's parameters.
    ExecParam(u32),
    /// A call of a built-in function; operators and cast functions are calls, too. VARIADIC arguments have been gathered into an array.
    Call {
        /// The function.
        func: &'static Function,
        /// Its arguments, coerced to the declared types.
        args: Vec<Expr>,
        /// `pg_operator.oid` when it was written as an operator, else 0. EXPLAIN and deparsing use it.
        operator: Oid,
        /// How it was written otherwise.
        form: CallForm,
    },
    /// A call of a function that a user has made. VARIADIC arguments have been gathered, left out ones are there.
    Routine {
        /// The function, as it is called here.
        target: Arc<RoutineTarget>,
        /// Its arguments, coerced to the declared types.
        args: Vec<Expr>,
        /// How the call was written.
        form: RoutineForm,
    },
    /// The same bits under another type (binary-coercible cast).
    Relabel(Box<Expr>),
    /// Cast by output and input function.
    CoerceViaIo(Box<Expr>),
    /// Element-wise cast of an array; `element` maps [`ExprKind::CaseTest`] to the new element.
    ArrayCoerce {
        /// The array.
        array: Box<Expr>,
        /// The cast of one element.
        element: Box<Expr>,
    },
    /// Applies a type modifier to a value of that type (`varchar(5)`, `numeric(10,2)`).
    Typmod {
        /// The value.
        value: Box<Expr>,
        /// An explicit cast truncates where an assignment fails.
        explicit: bool,
    },
    /// n-ary AND, three-valued.
    And(Vec<Expr>),
    /// n-ary OR, three-valued.
    Or(Vec<Expr>),
    /// NOT.
    Not(Box<Expr>),
    /// `IS [NOT] NULL`; `row`: the operand is a row and every field is tested.
    IsNull {
        /// The operand.
        value: Box<Expr>,
        /// IS NOT NULL.
        negated: bool,
    },
    /// `IS [NOT] TRUE|FALSE|UNKNOWN`: tests for `Some(truth)` or `None` = UNKNOWN.
    IsTruth {
        /// The operand.
        value: Box<Expr>,
        /// What is tested for.
        truth: Option<bool>,
        /// IS NOT.
        negated: bool,
    },
    /// `IS [NOT] DISTINCT FROM`, by the equality function of the operands.
    IsDistinct {
        /// Equality.
        equal: &'static Function,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
        /// IS NOT DISTINCT FROM.
        negated: bool,
    },
    /// CASE. With an operand, the conditions refer to it by [`ExprKind::CaseTest`].
    Case {
        /// Operand of the simple form.
        operand: Option<Box<Expr>>,
        /// Conditions and results.
        arms: Vec<(Expr, Expr)>,
        /// ELSE; absent: NULL.
        otherwise: Option<Box<Expr>>,
    },
    /// The operand of the innermost enclosing CASE or ArrayCoerce.
    CaseTest,
    /// COALESCE.
    Coalesce(Vec<Expr>),
    /// `NULLIF(left, right)` by an equality function; the value is `left`.
    NullIf {
        /// Equality.
        equal: &'static Function,
        /// Arguments coerced for the equality: `CaseTest` stands for the left value.
        left: Box<Expr>,
        /// The right operand.
        right: Box<Expr>,
    },
    /// GREATEST or LEAST.
    MinMax {
        /// GREATEST.
        greatest: bool,
        /// The arguments, of one type.
        args: Vec<Expr>,
    },
    /// `left op ANY|ALL (array)`; IN lists become ANY over an array when their elements are of one type.
    ScalarArray {
        /// The operator's function; takes (left, element).
        func: &'static Function,
        /// `pg_operator.oid`
        operator: Oid,
        /// ANY (true) or ALL.
        any: bool,
        /// Left operand.
        left: Box<Expr>,
        /// The array.
        array: Box<Expr>,
    },
    /// `ARRAY[...]`; `nested`: the elements are arrays that make one more dimension.
    Array {
        /// The elements.
        items: Vec<Expr>,
        /// Whether the elements are arrays.
        nested: bool,
    },
    /// `ROW(...)`.
    Row(Vec<Expr>),
    /// Field of a row value, 0-based.
    Field {
        /// The row.
        row: Box<Expr>,
        /// 0-based field.
        index: u32,
    },
    /// Subscript or slice of an array: one entry per dimension, lower bound only for slices.
    Subscript {
        /// The array.
        array: Box<Expr>,
        /// (lower, upper) for slices, (None, index) otherwise; an omitted bound of a slice is None.
        subscripts: Vec<(Option<Expr>, Option<Expr>)>,
        /// Whether it is a slice.
        slice: bool,
    },
    /// A subquery that the optimiser left in the expression: evaluated by running plan `plan` of the statement's subplans.
    SubPlan {
        /// Index into `PhysicalPlan::subplans`.
        plan: u32,
        /// How its rows become a value.
        mode: SubPlanMode,
        /// Correlation: before each run, exec param slot := value over this operator's input. Empty: run once, keep the answer.
        params: Vec<(u32, Expr)>,
    },
    /// A logical subquery; never present in a physical plan. Index into the binder's list of bound subqueries.
    Subquery {
        /// Index of the bound query.
        query: u32,
        /// How its rows become a value.
        mode: SubPlanMode,
    },
    /// Reference to an aggregate's result; replaced by a column when the aggregation is planned.
    Aggregate(Box<AggregateCall>),
    /// A window function's result; replaced by a column when the window is planned.
    Window(Box<WindowCall>),
    /// `GROUPING(...)`: bit mask over the grouping expressions with these indexes.
    Grouping(Vec<u32>),
}

/// How a call of a user's function was written; only deparsing asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoutineForm {
    /// `f(x)`
    Plain,
    /// As an operator of a user, by OID.
    Operator(Oid),
    /// `x::type`
    Cast,
    /// A coercion that nobody wrote.
    Coerced,
}

/// How a call that is no operator was written; only deparsing asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallForm {
    /// `f(x)`
    Plain,
    /// `f(VARIADIC x)`
    Variadic,
    /// `x::type`
    Cast,
    /// A coercion that nobody wrote.
    Coerced,
    /// In one of SQL's own ways: `EXTRACT(f FROM x)`.
    Syntax(FuncSyntax),
    /// `x[1]['a']` of `jsonb`: the second argument is an array of the subscripts.
    Subscript,
    /// `CURRENT_DATE` and its family.
    Value(SqlValueFunc),
}

/// How a subquery's rows become a value.
#[derive(Clone, Debug)]
pub enum SubPlanMode {
    /// The single row's single column; NULL for no row; 21000 for two.
    Scalar,
    /// Whether there is a row.
    Exists,
    /// All values of its single column as an array.
    Array,
    /// `left op ANY|ALL (subquery)`: conjunction of comparisons of `left[i]` with column i; `IN` is ANY with `=`.
    Quantified {
        /// ANY (true) or ALL.
        any: bool,
        /// Left values.
        left: Vec<Expr>,
        /// Comparison over left value (slot 0 as `CaseTest`) and the subquery's column as `Column(i)`: one per column.
        compare: Vec<Expr>,
    },
    /// The single row as several values: used by `(a, b) = (SELECT ...)` and multi-assignment; column index.
    RowColumn(u32),
}

/// A call of an aggregate.
#[derive(Clone, Debug)]
pub struct AggregateCall {
    /// The aggregate; [`crate::func::USER_AGGREGATE`] for a user's.
    pub func: &'static Function,
    /// The aggregate of a user.
    pub user: Option<Arc<AggregateTarget>>,
    /// Arguments; empty for `count(*)`.
    pub args: Vec<Expr>,
    /// DISTINCT.
    pub distinct: bool,
    /// ORDER BY within the call.
    pub order: Vec<SortKey>,
    /// FILTER.
    pub filter: Option<Expr>,
    /// Result type.
    pub ty: DataType,
}

/// A call over a window.
#[derive(Clone, Debug)]
pub struct WindowCall {
    /// Window function or aggregate; [`crate::func::USER_AGGREGATE`] for a user's.
    pub func: &'static Function,
    /// The aggregate of a user.
    pub user: Option<Arc<AggregateTarget>>,
    /// Arguments.
    pub args: Vec<Expr>,
    /// FILTER.
    pub filter: Option<Expr>,
    /// The window.
    pub window: WindowSpec,
    /// Result type.
    pub ty: DataType,
}

/// PARTITION BY, ORDER BY and the frame.
#[derive(Clone, Debug)]
pub struct WindowSpec {
    /// PARTITION BY.
    pub partition: Vec<Expr>,
    /// ORDER BY.
    pub order: Vec<SortKey>,
    /// The frame.
    pub frame: Frame,
}

/// ROWS, RANGE or GROUPS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "SQL's own words")]
pub enum FrameUnit {
    Rows,
    Range,
    Groups,
}

/// A window frame.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The unit of offsets.
    pub unit: FrameUnit,
    /// Where it starts.
    pub start: FrameBound,
    /// Where it ends.
    pub end: FrameBound,
    /// EXCLUDE.
    pub exclude: FrameExclude,
}

/// A bound of a frame.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "SQL's own words")]
pub enum FrameBound {
    UnboundedPreceding,
    Preceding(Expr),
    CurrentRow,
    Following(Expr),
    UnboundedFollowing,
}

/// EXCLUDE of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "SQL's own words")]
pub enum FrameExclude {
    NoOthers,
    CurrentRow,
    Group,
    Ties,
}

/// One key of an ORDER BY.
#[derive(Clone, Debug)]
pub struct SortKey {
    /// The value.
    pub expr: Expr,
    /// Descending.
    pub descending: bool,
    /// NULLs before all values.
    pub nulls_first: bool,
}

impl Expr {
    /// Makes an expression without a known place.
    pub fn new(kind: ExprKind, ty: DataType) -> Self {
        Expr { kind, ty, collation: 0, at: u32::MAX }
    }

    /// Marks a call with how it was written; a cast to a type with a modifier passes the mark on to the call inside.
    pub fn written_as(mut self, how: CallForm) -> Self {
        match &mut self.kind {
            ExprKind::Call { form, operator: 0, .. } => *form = how,
            ExprKind::Typmod { value, .. } => {
                if let ExprKind::Call { form, operator: 0, .. } = &mut value.kind {
                    *form = how;
                }
            }
            _ => {}
        }
        self
    }

    /// Calls `f` on the target of each call of a user's function.
    pub fn each_target(&mut self, f: &mut dyn FnMut(&mut Arc<RoutineTarget>)) {
        if let ExprKind::Routine { target, .. } = &mut self.kind {
            f(target);
        }
        self.each_child_mut(&mut |child| child.each_target(f));
    }

    /// Whether it is a call that returns rows.
    pub fn is_set(&self) -> bool {
        match &self.kind {
            ExprKind::Call { func, .. } => func.is_set(),
            ExprKind::Routine { target, .. } => target.routine.returns_set,
            _ => false,
        }
    }

    /// The volatility and strictness of the function that a call calls; `None` for anything else.
    pub fn called(&self) -> Option<(Volatility, bool)> {
        match &self.kind {
            ExprKind::Call { func, .. } => Some((func.volatility, func.strict)),
            ExprKind::Routine { target, .. } => Some((target.routine.volatility, target.routine.strict)),
            _ => None,
        }
    }

    /// A constant of type `ty`.
    pub fn constant(value: Datum, ty: DataType) -> Self {
        Expr::new(ExprKind::Const(value), ty)
    }

    /// A column or slot.
    pub fn column(id: ColumnId, ty: DataType) -> Self {
        Expr::new(ExprKind::Column(id), ty)
    }
}
