//! Functions, aggregates, operators and casts.

#![allow(missing_docs, reason = "fields carry the grammar's own names; each type is documented")]

use super::{
    ColumnSpec, Def, ExprId, FunctionRef, Ident, ObjectKind, ObjectName, OperatorName, Pos, SetVariable,
    Statement, TypeName,
};

/// CREATE FUNCTION, CREATE PROCEDURE.
#[derive(Debug)]
pub struct CreateFunction {
    pub or_replace: bool,
    pub is_procedure: bool,
    pub name: ObjectName,
    pub params: Vec<FuncParam>,
    pub returns: Option<FuncReturns>,
    pub options: Vec<FuncOption>,
    pub body: Option<FuncBody>,
}

/// A parameter.
#[derive(Debug)]
pub struct FuncParam {
    pub mode: ParamMode,
    pub name: Option<Ident>,
    pub ty: TypeName,
    pub default: Option<ExprId>,
}

/// The direction of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamMode {
    /// Not written: IN.
    Default,
    In,
    Out,
    InOut,
    Variadic,
}

/// What a function returns.
#[derive(Debug)]
pub enum FuncReturns {
    Type(TypeName),
    Table(Vec<ColumnSpec>),
}

/// An option of a function with its place.
#[derive(Debug)]
pub struct FuncOption {
    pub kind: FuncOptionKind,
    pub pos: Pos,
}

/// What a function's option says.
#[derive(Debug)]
pub enum FuncOptionKind {
    Language(Box<str>),
    Transform(Vec<TypeName>),
    Window,
    Immutable,
    Stable,
    Volatile,
    Strict,
    CalledOnNullInput,
    SecurityDefiner(bool),
    Leakproof(bool),
    Cost(Box<str>),
    Rows(Box<str>),
    Support(ObjectName),
    Parallel(Ident),
    Set(SetVariable),
}

/// A function's body.
#[derive(Debug)]
pub enum FuncBody {
    /// `AS 'source'`, `AS 'object file', 'symbol'`
    Text { source: Box<str>, symbol: Option<Box<str>>, pos: Pos },
    /// `RETURN expr`
    Return { expr: ExprId, start: Pos, end: Pos },
    /// `BEGIN ATOMIC .. END`: the statements, where each begins and ends, and whether it is a RETURN (of the expression there).
    Atomic { statements: Vec<Statement>, spans: Vec<(Pos, Pos, bool)> },
}

/// ALTER FUNCTION | PROCEDURE | ROUTINE options.
#[derive(Debug)]
pub struct AlterFunction {
    pub kind: ObjectKind,
    pub function: FunctionRef,
    pub options: Vec<FuncOption>,
}

/// CREATE AGGREGATE.
#[derive(Debug)]
pub struct CreateAggregate {
    pub or_replace: bool,
    pub name: ObjectName,
    /// `None`: the old syntax without arguments
    pub args: Option<AggregateArgs>,
    pub definition: Vec<Def>,
}

/// The arguments of an aggregate; `f(*)` has none.
#[derive(Debug)]
pub struct AggregateArgs {
    pub direct: Vec<FuncParam>,
    /// `ORDER BY ..`
    pub ordered: Option<Vec<FuncParam>>,
    pub star: bool,
}

/// CREATE OPERATOR.
#[derive(Debug)]
pub struct CreateOperator {
    pub name: OperatorName,
    pub definition: Vec<Def>,
}

/// CREATE CAST.
#[derive(Debug)]
pub struct CreateCast {
    pub source: TypeName,
    pub target: TypeName,
    pub method: CastMethod,
    pub context: CastContext,
}

/// How a cast is done.
#[derive(Debug)]
pub enum CastMethod {
    Function(FunctionRef),
    WithoutFunction,
    InOut,
}

/// When a cast is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CastContext {
    Explicit,
    Assignment,
    Implicit,
}
