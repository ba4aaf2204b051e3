//! Objects by kind and name: DROP, RENAME, OWNER, SET SCHEMA, COMMENT, SECURITY LABEL.

#![allow(missing_docs, reason = "fields carry the grammar's own names; each type is documented")]

use super::{FuncParam, Ident, ObjectName, OperatorName, Pos, RoleSpec, TypeName};

/// The kinds of object that commands name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    AccessMethod,
    Aggregate,
    Attribute,
    Cast,
    Collation,
    Column,
    Conversion,
    Database,
    Domain,
    DomainConstraint,
    EventTrigger,
    Extension,
    ForeignDataWrapper,
    ForeignServer,
    ForeignTable,
    Function,
    Index,
    Language,
    LargeObject,
    MaterializedView,
    Operator,
    OperatorClass,
    OperatorFamily,
    ParameterAcl,
    Policy,
    Procedure,
    Publication,
    Role,
    Routine,
    Rule,
    Schema,
    Sequence,
    Statistics,
    Subscription,
    Table,
    TableConstraint,
    Tablespace,
    Transform,
    Trigger,
    TsConfiguration,
    TsDictionary,
    TsParser,
    TsTemplate,
    Type,
    View,
}

impl ObjectKind {
    /// Returns the kind in words, as PostgreSQL's messages print it: `materialized view`.
    pub fn words(self) -> &'static str {
        use ObjectKind::*;
        match self {
            AccessMethod => "access method",
            Aggregate => "aggregate",
            Attribute => "attribute",
            Cast => "cast",
            Collation => "collation",
            Column => "column",
            Conversion => "conversion",
            Database => "database",
            Domain => "domain",
            DomainConstraint | TableConstraint => "constraint",
            EventTrigger => "event trigger",
            Extension => "extension",
            ForeignDataWrapper => "foreign-data wrapper",
            ForeignServer => "server",
            ForeignTable => "foreign table",
            Function => "function",
            Index => "index",
            Language => "language",
            LargeObject => "large object",
            MaterializedView => "materialized view",
            Operator => "operator",
            OperatorClass => "operator class",
            OperatorFamily => "operator family",
            ParameterAcl => "parameter",
            Policy => "policy",
            Procedure => "procedure",
            Publication => "publication",
            Role => "role",
            Routine => "routine",
            Rule => "rule",
            Schema => "schema",
            Sequence => "sequence",
            Statistics => "statistics object",
            Subscription => "subscription",
            Table => "table",
            Tablespace => "tablespace",
            Transform => "transform",
            Trigger => "trigger",
            TsConfiguration => "text search configuration",
            TsDictionary => "text search dictionary",
            TsParser => "text search parser",
            TsTemplate => "text search template",
            Type => "type",
            View => "view",
        }
    }
}

/// An object as DROP, COMMENT, ALTER name it.
#[derive(Debug)]
pub struct ObjectRef {
    pub kind: ObjectKind,
    pub id: ObjectId,
    pub pos: Pos,
}

/// How an object is named.
#[derive(Debug)]
pub enum ObjectId {
    /// Most; a column as `table.column`.
    Name(ObjectName),
    /// Types and domains.
    Type(Box<TypeName>),
    /// Functions, procedures, routines, aggregates.
    Function(FunctionRef),
    /// `+ (int, int)`; `None` for the missing operand of a prefix operator.
    Operator {
        name: OperatorName,
        left: Option<Box<TypeName>>,
        right: Option<Box<TypeName>>,
    },
    /// Constraints, triggers, rules, policies: `name ON table`
    On {
        name: Ident,
        relation: ObjectName,
    },
    /// `name ON DOMAIN type`
    OnDomain {
        name: Ident,
        domain: Box<TypeName>,
    },
    /// Operator classes and families: `name USING method`
    Using {
        name: ObjectName,
        method: Ident,
    },
    Cast {
        from: Box<TypeName>,
        to: Box<TypeName>,
    },
    Transform {
        ty: Box<TypeName>,
        language: Ident,
    },
    LargeObject(Box<str>),
}

/// A function with its argument types; `None` where no list was written.
#[derive(Debug)]
pub struct FunctionRef {
    pub name: ObjectName,
    pub args: Option<Vec<FuncParam>>,
    /// `agg(*)`
    pub star: bool,
    /// `agg(.. ORDER BY ..)`: where the ordered arguments begin.
    pub order_by: Option<u32>,
}

/// DROP of anything but roles and databases.
#[derive(Debug)]
pub struct Drop {
    pub kind: ObjectKind,
    pub objects: Vec<ObjectRef>,
    pub if_exists: bool,
    pub cascade: bool,
    pub concurrently: bool,
}

/// ALTER .. RENAME TO, and RENAME of a column, attribute or constraint of the object.
#[derive(Debug)]
pub struct Rename {
    pub object: ObjectRef,
    pub part: Option<RenamePart>,
    pub new_name: Ident,
    pub if_exists: bool,
    pub only: bool,
    pub cascade: bool,
}

/// The part of an object that is renamed.
#[derive(Debug)]
pub enum RenamePart {
    Column(Ident),
    Constraint(Ident),
    Attribute(Ident),
}

/// ALTER .. OWNER TO of what is not a relation.
#[derive(Debug)]
pub struct AlterOwner {
    pub object: ObjectRef,
    pub owner: RoleSpec,
}

/// ALTER .. SET SCHEMA
#[derive(Debug)]
pub struct AlterObjectSchema {
    pub object: ObjectRef,
    pub if_exists: bool,
    pub schema: Ident,
}

/// COMMENT ON.
#[derive(Debug)]
pub struct Comment {
    pub object: ObjectRef,
    /// `None`: IS NULL
    pub text: Option<Box<str>>,
}

/// SECURITY LABEL.
#[derive(Debug)]
pub struct SecurityLabel {
    pub provider: Option<Box<str>>,
    pub object: ObjectRef,
    pub label: Option<Box<str>>,
}
