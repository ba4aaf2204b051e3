//! Expressions, type names, function calls and windows.

#![allow(missing_docs, reason = "fields carry the grammar's own names; each type is documented")]

use super::{ExprId, Ident, ObjectName, Pos, QueryId};

/// An expression, its place and its height (1 for a leaf).
#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub pos: Pos,
    pub height: u32,
}

const _: () = assert!(std::mem::size_of::<Expr>() <= 40);

/// What an expression is.
#[derive(Clone, Debug)]
pub enum ExprKind {
    Null,
    Bool(bool),
    /// An integer literal that fits `int4`.
    Int(i32),
    /// Any other number as written, without underscores: `int8` if it is an integer that fits (also `0x..`, `0o..`, `0b..`), else `numeric`.
    Number(Box<str>),
    /// A string literal of type `unknown`.
    Str(Box<str>),
    /// A bit string literal: `b` or `x`, then the digits.
    BitStr(Box<str>),
    /// `$n`
    Param(u32),
    /// `a`, `t.a`, `s.t.a`, `db.s.t.a`
    Column(Box<[Ident]>),
    /// `*` (empty) or `t.*`
    Star(Box<[Ident]>),
    /// `DEFAULT` in VALUES or SET; elsewhere PostgreSQL's "DEFAULT is not allowed in this context".
    Default,
    /// `CAST(arg AS ty)`, `arg::ty`, `ty 'arg'`; a typed literal's `arg` is a [`ExprKind::Str`].
    Cast {
        arg: ExprId,
        ty: Box<TypeName>,
    },
    /// `op arg`
    Unary {
        op: Operator,
        arg: ExprId,
    },
    /// `left op right`
    Binary {
        op: Operator,
        left: ExprId,
        right: ExprId,
    },
    /// Two or more; `(a AND b) AND c` is flattened, `a AND (b AND c)` is not.
    And(Box<[ExprId]>),
    Or(Box<[ExprId]>),
    Not(ExprId),
    IsNull {
        arg: ExprId,
        not: bool,
    },
    /// `IS [NOT] TRUE | FALSE | UNKNOWN`
    IsBool {
        arg: ExprId,
        test: BoolTest,
        not: bool,
    },
    IsDistinct {
        left: ExprId,
        right: ExprId,
        not: bool,
    },
    IsDocument {
        arg: ExprId,
        not: bool,
    },
    /// `IS [NOT] [NFC..] NORMALIZED`; `form` is the upper-case name.
    IsNormalized {
        arg: ExprId,
        form: Option<&'static str>,
        not: bool,
    },
    /// `IS [NOT] JSON [VALUE | ARRAY | OBJECT | SCALAR] [WITH UNIQUE KEYS]`
    IsJson {
        arg: ExprId,
        item: JsonItem,
        unique_keys: bool,
        not: bool,
    },
    InList {
        arg: ExprId,
        list: Box<[ExprId]>,
        not: bool,
    },
    InQuery {
        arg: ExprId,
        query: QueryId,
        not: bool,
    },
    Between {
        arg: ExprId,
        low: ExprId,
        high: ExprId,
        symmetric: bool,
        not: bool,
    },
    Like {
        kind: LikeKind,
        arg: ExprId,
        pattern: ExprId,
        escape: Option<ExprId>,
        not: bool,
    },
    /// `left op ANY|ALL (array)`; LIKE ANY comes as the operator `~~`.
    Quantified {
        op: Operator,
        left: ExprId,
        array: ExprId,
        all: bool,
    },
    /// `left op ANY|ALL (SELECT ..)`
    QuantifiedQuery {
        op: Operator,
        left: ExprId,
        query: QueryId,
        all: bool,
    },
    Exists(QueryId),
    /// A scalar subquery.
    Subquery(QueryId),
    /// `ARRAY(SELECT ..)`
    ArrayQuery(QueryId),
    /// `ARRAY[..]`; an inner `[..]` is an `Array` too.
    Array(Box<[ExprId]>),
    /// `ROW(..)` (explicit) or `(a, b)`
    Row {
        items: Box<[ExprId]>,
        explicit: bool,
    },
    Case(Box<Case>),
    Call(Box<FuncCall>),
    /// `CURRENT_DATE` and its family; PostgreSQL's SQLValueFunction. `precision` as in `CURRENT_TIME(3)`.
    SqlValue {
        func: SqlValueFunc,
        precision: Option<i32>,
    },
    /// `COALESCE`, `GREATEST`, `LEAST`, `NULLIF` (two items)
    Choose {
        func: ChooseFunc,
        items: Box<[ExprId]>,
    },
    /// `GROUPING(..)`
    Grouping(Box<[ExprId]>),
    Collate {
        arg: ExprId,
        collation: Box<ObjectName>,
    },
    /// `(arg).name`
    Field {
        arg: ExprId,
        name: Box<Ident>,
    },
    /// `(arg).*`
    FieldStar {
        arg: ExprId,
    },
    /// `arg[i][l:u]`: all adjacent subscripts.
    Subscript {
        arg: ExprId,
        subscripts: Box<[Subscript]>,
    },
    /// `WHERE CURRENT OF name`
    CurrentOf(CursorRef),
    /// `MERGE_ACTION()`
    MergeAction,
    /// A function of SQL/JSON.
    SqlJson(Box<SqlJson>),
    /// A form that is recognised and not taken apart, by name: `XMLPARSE`.
    Unsupported(&'static str),
}

/// The cursor of `WHERE CURRENT OF`.
#[derive(Clone, Debug)]
pub enum CursorRef {
    Name(Box<Ident>),
    Param(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
/// The truth value an `IS` test asks for.
pub enum BoolTest {
    True,
    False,
    Unknown,
}

/// Which function of SQL/JSON it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants carry the functions' names")]
pub enum SqlJsonForm {
    Parse,
    Scalar,
    Serialize,
    Object,
    Array,
    ObjectAgg,
    ArrayAgg,
    Exists,
    Query,
    Value,
}

impl SqlJsonForm {
    /// The function's name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            SqlJsonForm::Parse => "json",
            SqlJsonForm::Scalar => "json_scalar",
            SqlJsonForm::Serialize => "json_serialize",
            SqlJsonForm::Object => "json_object",
            SqlJsonForm::Array => "json_array",
            SqlJsonForm::ObjectAgg => "json_objectagg",
            SqlJsonForm::ArrayAgg => "json_arrayagg",
            SqlJsonForm::Exists => "json_exists",
            SqlJsonForm::Query => "json_query",
            SqlJsonForm::Value => "json_value",
        }
    }
}

/// What `JSON_QUERY` puts around its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the grammar's words")]
pub enum JsonWrapper {
    Without,
    Conditional,
    Unconditional,
}

/// `.. ON EMPTY`, `.. ON ERROR`
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the grammar's words")]
pub enum JsonBehaviorKind {
    Null,
    Error,
    EmptyArray,
    EmptyObject,
    True,
    False,
    Unknown,
    Default(ExprId),
}

/// What is done ON EMPTY or ON ERROR, and where that is said.
#[derive(Clone, Debug)]
pub struct JsonBehavior {
    pub kind: JsonBehaviorKind,
    pub pos: Pos,
}

/// A function of SQL/JSON: its arguments and clauses.
#[derive(Clone, Debug)]
pub struct SqlJson {
    /// The function.
    pub form: SqlJsonForm,
    /// Arguments in order: keys and values in turn; context, path, values of PASSING. Of an aggregate, once it is read, the call
    /// that it stands for.
    pub args: Vec<ExprId>,
    /// Which arguments have FORMAT JSON.
    pub formats: Vec<bool>,
    /// Names of the values of PASSING.
    pub names: Vec<Ident>,
    /// ORDER BY of `JSON_ARRAYAGG`.
    pub order_by: Vec<OrderItem>,
    /// RETURNING
    pub returning: Option<TypeName>,
    /// ABSENT (else NULL) ON NULL; `None`: not written.
    pub absent_on_null: Option<bool>,
    /// WITH UNIQUE KEYS
    pub unique: bool,
    /// WITH WRAPPER
    pub wrapper: JsonWrapper,
    /// OMIT QUOTES
    pub omit_quotes: bool,
    /// ON EMPTY
    pub on_empty: Option<JsonBehavior>,
    /// ON ERROR
    pub on_error: Option<JsonBehavior>,
}

impl SqlJson {
    /// The function without arguments and clauses.
    pub fn new(form: SqlJsonForm) -> Self {
        SqlJson {
            form,
            args: Vec::new(),
            formats: Vec::new(),
            names: Vec::new(),
            order_by: Vec::new(),
            returning: None,
            absent_on_null: None,
            unique: false,
            wrapper: JsonWrapper::Without,
            omit_quotes: false,
            on_empty: None,
            on_error: None,
        }
    }

    /// Adds an argument.
    pub fn push(&mut self, arg: ExprId, format: bool) {
        self.args.push(arg);
        self.formats.push(format);
    }

    fn for_each_child(&self, visit: &mut dyn FnMut(ExprId)) {
        self.args.iter().copied().for_each(&mut *visit);
        for behavior in self.on_empty.iter().chain(&self.on_error) {
            if let JsonBehaviorKind::Default(value) = &behavior.kind {
                visit(*value);
            }
        }
    }
}

/// The item of `IS JSON`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonItem {
    Any,
    Array,
    Object,
    Scalar,
}

/// The pattern languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LikeKind {
    Like,
    ILike,
    SimilarTo,
}

/// The functions whose arguments need a common type and not a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChooseFunc {
    Coalesce,
    Greatest,
    Least,
    NullIf,
}

/// The functions without parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SqlValueFunc {
    CurrentDate,
    CurrentTime,
    CurrentTimestamp,
    LocalTime,
    LocalTimestamp,
    CurrentRole,
    CurrentUser,
    User,
    SessionUser,
    SystemUser,
    CurrentCatalog,
    CurrentSchema,
}

/// An operator's name. The common ones need no allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operator {
    /// One of PostgreSQL's frequent operators, unqualified.
    Common(&'static str),
    Named(Box<OperatorName>),
}

/// An operator that is rare or written `OPERATOR(schema.op)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorName {
    /// Empty unless qualified.
    pub schema: Box<[Ident]>,
    pub name: Box<str>,
}

impl Operator {
    /// Returns the operator's symbol (`!=` is already `<>`).
    pub fn name(&self) -> &str {
        match self {
            Operator::Common(name) => name,
            Operator::Named(named) => &named.name,
        }
    }

    /// Returns the schema of `OPERATOR(schema.op)`; empty otherwise.
    pub fn schema(&self) -> &[Ident] {
        match self {
            Operator::Common(_) => &[],
            Operator::Named(named) => &named.schema,
        }
    }
}

/// `CASE [arg] WHEN .. THEN .. [ELSE ..] END`
#[derive(Clone, Debug)]
pub struct Case {
    pub arg: Option<ExprId>,
    pub whens: Vec<When>,
    pub otherwise: Option<ExprId>,
}

/// One `WHEN .. THEN ..`
#[derive(Clone, Debug)]
pub struct When {
    pub condition: ExprId,
    pub result: ExprId,
    pub pos: Pos,
}

/// A function, aggregate or window call. SQL's special syntaxes come as calls of `pg_catalog` functions, as in
/// PostgreSQL: `EXTRACT(f FROM x)` is `extract('f', x)`, `POSITION(a IN b)` is `position(b, a)`,
/// `x AT TIME ZONE z` is `timezone(z, x)`; [`FuncCall::syntax`] remembers how it was written.
#[derive(Clone, Debug)]
pub struct FuncCall {
    pub name: ObjectName,
    pub args: Vec<FuncArg>,
    /// The last argument was marked VARIADIC.
    pub variadic: bool,
    /// `f(*)`
    pub star: bool,
    pub distinct: bool,
    /// ORDER BY inside the parentheses, or of WITHIN GROUP.
    pub order_by: Vec<OrderItem>,
    pub within_group: bool,
    pub filter: Option<ExprId>,
    pub over: Option<Over>,
    pub syntax: FuncSyntax,
}

/// An argument, `value` or `name => value`.
#[derive(Clone, Debug)]
pub struct FuncArg {
    pub name: Option<Ident>,
    pub value: ExprId,
}

/// How a call was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FuncSyntax {
    Call,
    Extract,
    Overlay,
    Position,
    Substring,
    TrimBoth,
    TrimLeading,
    TrimTrailing,
    AtTimeZone,
    AtLocal,
    Normalize,
    IsNormalized,
    CollationFor,
    Overlaps,
    Treat,
}

/// `OVER name` or `OVER (..)`
#[derive(Clone, Debug)]
pub enum Over {
    Name(Ident),
    Spec(Box<WindowSpec>),
}

/// The inside of `OVER (..)` or of `WINDOW w AS (..)`.
#[derive(Clone, Debug)]
pub struct WindowSpec {
    /// The window that this one refines.
    pub base: Option<Ident>,
    pub partition_by: Vec<ExprId>,
    pub order_by: Vec<OrderItem>,
    pub frame: Option<Frame>,
    pub pos: Pos,
}

/// `ROWS | RANGE | GROUPS start .. end EXCLUDE ..`
#[derive(Clone, Debug)]
pub struct Frame {
    pub units: FrameUnits,
    pub start: FrameBound,
    /// `CurrentRow` where only the start was written.
    pub end: FrameBound,
    /// Whether both ends were written.
    pub between: bool,
    pub exclude: FrameExclude,
    pub pos: Pos,
}

/// The unit of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameUnits {
    Rows,
    Range,
    Groups,
}

/// An end of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameBound {
    UnboundedPreceding,
    Preceding(ExprId),
    CurrentRow,
    Following(ExprId),
    UnboundedFollowing,
}

/// What a frame leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameExclude {
    NoOthers,
    CurrentRow,
    Group,
    Ties,
}

/// `expr [ASC | DESC | USING op] [NULLS FIRST | LAST]`
#[derive(Clone, Debug)]
pub struct OrderItem {
    pub expr: ExprId,
    pub direction: SortDirection,
    pub nulls_first: Option<bool>,
    pub pos: Pos,
}

/// The direction of a sort key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SortDirection {
    Default,
    Asc,
    Desc,
    Using(Operator),
}

/// `[index]` or `[lower:upper]`
#[derive(Clone, Copy, Debug)]
pub enum Subscript {
    Index(ExprId),
    Slice(Option<ExprId>, Option<ExprId>),
}

/// A type as written. The SQL spellings are turned into `pg_catalog` names as in PostgreSQL: `integer` is
/// `pg_catalog.int4`, `char` is `pg_catalog.bpchar` with modifier 1.
#[derive(Clone, Debug)]
pub struct TypeName {
    pub name: ObjectName,
    /// The expressions in parentheses; constants, else the binder refuses them.
    pub typmods: Vec<ExprId>,
    /// `YEAR`, `DAY TO SECOND`, .. of an interval; a precision is in `typmods`.
    pub interval: Option<IntervalFields>,
    /// One entry per `[]`; the written bound, which has no effect.
    pub array_bounds: Vec<Option<i32>>,
    pub setof: bool,
    /// `table.column%TYPE`
    pub pct_type: bool,
    pub pos: Pos,
}

/// The field restriction of an interval type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntervalFields {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    YearToMonth,
    DayToHour,
    DayToMinute,
    DayToSecond,
    HourToMinute,
    HourToSecond,
    MinuteToSecond,
}

impl ExprKind {
    /// Calls `visit` for every direct child expression, left to right; subqueries are not entered.
    pub fn for_each_child(&self, visit: &mut dyn FnMut(ExprId)) {
        use ExprKind::*;
        match self {
            Null | Bool(_) | Int(_) | Number(_) | Str(_) | BitStr(_) | Param(_) | Column(_) | Star(_)
            | Default => {}
            Exists(_)
            | Subquery(_)
            | ArrayQuery(_)
            | SqlValue { .. }
            | CurrentOf(_)
            | MergeAction
            | Unsupported(_) => {}
            Cast { arg, .. }
            | Unary { arg, .. }
            | Not(arg)
            | IsNull { arg, .. }
            | IsBool { arg, .. }
            | IsDocument { arg, .. }
            | IsNormalized { arg, .. }
            | IsJson { arg, .. }
            | InQuery { arg, .. }
            | QuantifiedQuery { left: arg, .. }
            | Collate { arg, .. }
            | Field { arg, .. }
            | FieldStar { arg } => visit(*arg),
            Binary { left, right, .. }
            | IsDistinct { left, right, .. }
            | Quantified { left, array: right, .. } => {
                visit(*left);
                visit(*right);
            }
            And(items)
            | Or(items)
            | Array(items)
            | Row { items, .. }
            | Choose { items, .. }
            | Grouping(items) => {
                items.iter().copied().for_each(visit);
            }
            InList { arg, list, .. } => {
                visit(*arg);
                list.iter().copied().for_each(visit);
            }
            Between { arg, low, high, .. } => [*arg, *low, *high].into_iter().for_each(visit),
            Like { arg, pattern, escape, .. } => {
                visit(*arg);
                visit(*pattern);
                escape.iter().copied().for_each(visit);
            }
            Case(case) => {
                case.arg.iter().copied().for_each(&mut *visit);
                for when in &case.whens {
                    visit(when.condition);
                    visit(when.result);
                }
                case.otherwise.iter().copied().for_each(visit);
            }
            Call(call) => call.for_each_child(visit),
            SqlJson(json) => json.for_each_child(visit),
            Subscript { arg, subscripts } => {
                visit(*arg);
                for subscript in subscripts {
                    match subscript {
                        super::Subscript::Index(index) => visit(*index),
                        super::Subscript::Slice(lower, upper) => {
                            lower.iter().chain(upper).copied().for_each(&mut *visit);
                        }
                    }
                }
            }
        }
    }

    /// Returns the subquery that this expression is or compares with.
    pub fn subquery(&self) -> Option<QueryId> {
        match self {
            ExprKind::Exists(query)
            | ExprKind::Subquery(query)
            | ExprKind::ArrayQuery(query)
            | ExprKind::InQuery { query, .. }
            | ExprKind::QuantifiedQuery { query, .. } => Some(*query),
            _ => None,
        }
    }
}

impl FuncCall {
    fn for_each_child(&self, visit: &mut dyn FnMut(ExprId)) {
        self.args.iter().for_each(|arg| visit(arg.value));
        self.order_by.iter().for_each(|item| visit(item.expr));
        self.filter.iter().copied().for_each(&mut *visit);
        if let Some(Over::Spec(spec)) = &self.over {
            spec.partition_by.iter().copied().for_each(&mut *visit);
            spec.order_by.iter().for_each(|item| visit(item.expr));
            if let Some(frame) = &spec.frame {
                for bound in [frame.start, frame.end] {
                    if let FrameBound::Preceding(offset) | FrameBound::Following(offset) = bound {
                        visit(offset);
                    }
                }
            }
        }
    }
}
