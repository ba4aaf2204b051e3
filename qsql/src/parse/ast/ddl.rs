//! CREATE, ALTER, DROP, GRANT, COMMENT.

#![allow(missing_docs, reason = "fields carry the grammar's own names; each type is documented")]

use super::{
    ColumnSpec, Def, Execute, ExprId, Ident, ObjectKind, ObjectName, ObjectRef, OperatorName, Persistence,
    Pos, QueryId, RelationRef, RoleSpec, TypeName,
};

/// CREATE TABLE, CREATE FOREIGN TABLE.
#[derive(Debug)]
pub struct CreateTable {
    pub persistence: Persistence,
    pub if_not_exists: bool,
    pub name: ObjectName,
    pub elements: Vec<TableElement>,
    pub inherits: Vec<ObjectName>,
    /// `PARTITION OF parent FOR VALUES ..`
    pub partition_of: Option<(ObjectName, PartitionBound)>,
    pub partition_by: Option<PartitionBy>,
    /// `OF type`
    pub of_type: Option<ObjectName>,
    pub access_method: Option<Ident>,
    pub options: Vec<Def>,
    pub on_commit: Option<OnCommit>,
    pub tablespace: Option<Ident>,
    /// `SERVER name OPTIONS (..)` of a foreign table.
    pub foreign: Option<(Ident, Vec<Def>)>,
}

/// What happens to a temporary table at commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnCommit {
    PreserveRows,
    DeleteRows,
    Drop,
}

/// An element of a table definition.
#[derive(Debug)]
pub enum TableElement {
    Column(ColumnDef),
    Constraint(Constraint),
    Like(TableLike),
}

/// `LIKE table [INCLUDING | EXCLUDING ..]`
#[derive(Debug)]
pub struct TableLike {
    pub table: ObjectName,
    /// In order of writing; `true` for INCLUDING.
    pub options: Vec<(bool, LikeOption)>,
}

/// What LIKE copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LikeOption {
    Comments,
    Compression,
    Constraints,
    Defaults,
    Generated,
    Identity,
    Indexes,
    Statistics,
    Storage,
    All,
}

/// A column definition; `ty` may only be missing in a typed table or a partition.
#[derive(Debug)]
pub struct ColumnDef {
    pub name: Ident,
    pub ty: Option<TypeName>,
    pub storage: Option<Ident>,
    pub compression: Option<Ident>,
    pub collation: Option<ObjectName>,
    pub fdw_options: Vec<Def>,
    pub constraints: Vec<Constraint>,
}

/// A column's or table's constraint with its attributes.
#[derive(Debug)]
pub struct Constraint {
    pub name: Option<Ident>,
    pub kind: ConstraintKind,
    /// `[NOT] DEFERRABLE`
    pub deferrable: Option<bool>,
    /// `INITIALLY DEFERRED | IMMEDIATE`
    pub initially_deferred: Option<bool>,
    pub not_valid: bool,
    /// `[NOT] ENFORCED`
    pub enforced: Option<bool>,
    pub no_inherit: bool,
    pub pos: Pos,
}

/// What a constraint demands. `columns` is empty for a column constraint.
#[derive(Debug)]
pub enum ConstraintKind {
    Null,
    NotNull {
        column: Option<Ident>,
    },
    Default(ExprId),
    Check(ExprId),
    Identity {
        always: bool,
        options: Vec<SequenceOption>,
    },
    Generated {
        expr: ExprId,
        stored: bool,
    },
    Unique {
        columns: Vec<Ident>,
        without_overlaps: bool,
        nulls_not_distinct: bool,
        index: ConstraintIndex,
    },
    PrimaryKey {
        columns: Vec<Ident>,
        without_overlaps: bool,
        index: ConstraintIndex,
    },
    Exclude {
        method: Option<Ident>,
        elements: Vec<(IndexElem, OperatorName)>,
        filter: Option<ExprId>,
        index: ConstraintIndex,
    },
    ForeignKey(Box<ForeignKey>),
}

/// The index behind a constraint.
#[derive(Debug, Default)]
pub struct ConstraintIndex {
    pub include: Vec<Ident>,
    pub options: Vec<Def>,
    pub tablespace: Option<Ident>,
    /// `USING INDEX name` of ALTER TABLE ADD.
    pub existing: Option<Ident>,
}

/// REFERENCES.
#[derive(Debug)]
pub struct ForeignKey {
    pub columns: Vec<Ident>,
    /// The last of `columns` is marked PERIOD.
    pub period: bool,
    pub table: ObjectName,
    pub ref_columns: Vec<Ident>,
    pub ref_period: bool,
    pub match_type: MatchType,
    pub on_update: RefAction,
    pub on_delete: RefAction,
    /// `SET NULL (a, b)` of ON DELETE.
    pub on_delete_columns: Vec<Ident>,
}

/// MATCH of a foreign key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchType {
    Simple,
    Full,
    Partial,
}

/// What a foreign key does when its parent changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefAction {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

/// `PARTITION BY LIST | RANGE | HASH (..)`
#[derive(Debug)]
pub struct PartitionBy {
    pub strategy: Ident,
    pub keys: Vec<IndexElem>,
    pub pos: Pos,
}

/// FOR VALUES of a partition.
#[derive(Debug)]
pub enum PartitionBound {
    Default,
    In(Vec<ExprId>),
    /// MINVALUE and MAXVALUE come as column names, as in PostgreSQL.
    Range {
        from: Vec<ExprId>,
        to: Vec<ExprId>,
    },
    Hash {
        modulus: i32,
        remainder: i32,
    },
}

/// CREATE TABLE AS, CREATE MATERIALIZED VIEW, also over EXECUTE.
#[derive(Debug)]
pub struct CreateTableAs {
    pub persistence: Persistence,
    pub if_not_exists: bool,
    pub materialized: bool,
    pub name: ObjectName,
    pub columns: Vec<Ident>,
    pub access_method: Option<Ident>,
    pub options: Vec<Def>,
    pub on_commit: Option<OnCommit>,
    pub tablespace: Option<Ident>,
    pub source: TableSource,
    pub with_data: bool,
}

/// What fills a new table.
#[derive(Debug)]
pub enum TableSource {
    Query(QueryId),
    Execute(Execute),
}

/// ALTER TABLE and the same for indexes, sequences, views, composite types.
#[derive(Debug)]
pub struct AlterTable {
    pub kind: ObjectKind,
    pub if_exists: bool,
    pub table: RelationRef,
    pub commands: Vec<AlterTableCommand>,
}

/// One subcommand of ALTER TABLE.
#[derive(Debug)]
pub enum AlterTableCommand {
    AddColumn {
        column: ColumnDef,
        if_not_exists: bool,
    },
    DropColumn {
        name: Ident,
        if_exists: bool,
        cascade: bool,
    },
    AlterType {
        column: Ident,
        ty: TypeName,
        collation: Option<ObjectName>,
        using: Option<ExprId>,
        cascade: bool,
    },
    SetDefault {
        column: Ident,
        value: ExprId,
    },
    DropDefault {
        column: Ident,
    },
    SetNotNull {
        column: Ident,
    },
    DropNotNull {
        column: Ident,
    },
    SetExpression {
        column: Ident,
        expr: ExprId,
    },
    DropExpression {
        column: Ident,
        if_exists: bool,
    },
    AddIdentity {
        column: Ident,
        always: bool,
        options: Vec<SequenceOption>,
    },
    AlterIdentity {
        column: Ident,
        options: Vec<IdentityChange>,
    },
    DropIdentity {
        column: Ident,
        if_exists: bool,
    },
    /// The column by name or (of an index) by number; `None`: DEFAULT.
    SetStatistics {
        column: ColumnSelector,
        target: Option<i32>,
    },
    SetColumnOptions {
        column: Ident,
        options: Vec<Def>,
        reset: bool,
    },
    SetStorage {
        column: Ident,
        storage: Ident,
    },
    SetCompression {
        column: Ident,
        method: Ident,
    },
    AddConstraint(Constraint),
    AlterConstraint {
        name: Ident,
        deferrable: Option<bool>,
        initially_deferred: Option<bool>,
        enforced: Option<bool>,
        inherit: Option<bool>,
    },
    ValidateConstraint(Ident),
    DropConstraint {
        name: Ident,
        if_exists: bool,
        cascade: bool,
    },
    SetOptions(Vec<Def>),
    ResetOptions(Vec<Def>),
    SetTablespace(Ident),
    SetAccessMethod(Option<Ident>),
    SetLogged(bool),
    SetWithoutOids,
    SetWithoutCluster,
    ClusterOn(Ident),
    Inherit(ObjectName),
    NoInherit(ObjectName),
    Of(ObjectName),
    NotOf,
    ReplicaIdentity(ReplicaIdentity),
    RowSecurity {
        enable: bool,
    },
    ForceRowSecurity {
        force: bool,
    },
    OwnerTo(RoleSpec),
    /// `ENABLE | DISABLE [REPLICA | ALWAYS] TRIGGER | RULE ..`
    Trigger {
        mode: TriggerMode,
        target: TriggerTarget,
    },
    AttachPartition {
        partition: ObjectName,
        bound: Option<PartitionBound>,
    },
    DetachPartition {
        partition: ObjectName,
        mode: DetachMode,
    },
    /// Recognised and not taken apart, by name.
    Unsupported(String),
}

/// A change of an identity column's sequence.
#[derive(Debug)]
pub enum IdentityChange {
    SetGenerated { always: bool },
    Option(SequenceOption),
}

/// A column by name or number.
#[derive(Debug)]
pub enum ColumnSelector {
    Name(Ident),
    Number(i32),
}

/// REPLICA IDENTITY.
#[derive(Debug)]
pub enum ReplicaIdentity {
    Default,
    Full,
    Nothing,
    Index(Ident),
}

/// When a trigger or rule fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerMode {
    Enable,
    EnableAlways,
    EnableReplica,
    Disable,
}

/// Which triggers or rules.
#[derive(Debug)]
pub enum TriggerTarget {
    All,
    User,
    Trigger(Ident),
    Rule(Ident),
}

/// How a partition is detached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetachMode {
    Immediate,
    Concurrently,
    Finalize,
}

/// CREATE INDEX.
#[derive(Debug)]
pub struct CreateIndex {
    pub unique: bool,
    pub concurrently: bool,
    pub if_not_exists: bool,
    pub name: Option<Ident>,
    pub table: RelationRef,
    pub method: Option<Ident>,
    pub columns: Vec<IndexElem>,
    pub include: Vec<IndexElem>,
    pub nulls_not_distinct: bool,
    pub options: Vec<Def>,
    pub tablespace: Option<Ident>,
    pub filter: Option<ExprId>,
}

/// A key of an index.
#[derive(Debug)]
pub struct IndexElem {
    pub key: IndexKey,
    pub collation: Option<ObjectName>,
    pub opclass: Option<ObjectName>,
    pub opclass_options: Vec<Def>,
    /// `ASC` false, `DESC` true
    pub descending: Option<bool>,
    pub nulls_first: Option<bool>,
    pub pos: Pos,
}

/// What an index is on.
#[derive(Debug)]
pub enum IndexKey {
    Column(Ident),
    Expr(ExprId),
}

/// CREATE SEQUENCE.
#[derive(Debug)]
pub struct CreateSequence {
    pub persistence: Persistence,
    pub if_not_exists: bool,
    pub name: ObjectName,
    pub options: Vec<SequenceOption>,
}

/// ALTER SEQUENCE name options.
#[derive(Debug)]
pub struct AlterSequence {
    pub if_exists: bool,
    pub name: ObjectName,
    pub options: Vec<SequenceOption>,
}

/// An option of a sequence with its place; numbers are as written, with sign.
#[derive(Debug)]
pub struct SequenceOption {
    pub kind: SequenceOptionKind,
    pub pos: Pos,
}

/// What a sequence's option says.
#[derive(Debug)]
pub enum SequenceOptionKind {
    As(TypeName),
    Cache(Box<str>),
    Cycle(bool),
    Increment(Box<str>),
    /// `None`: NO MAXVALUE
    MaxValue(Option<Box<str>>),
    MinValue(Option<Box<str>>),
    /// `NONE` comes as that name.
    OwnedBy(ObjectName),
    Name(ObjectName),
    Start(Box<str>),
    Restart(Option<Box<str>>),
    Logged(bool),
}

/// CREATE VIEW. The query's text is `start..end`.
#[derive(Debug)]
pub struct CreateView {
    pub or_replace: bool,
    pub persistence: Persistence,
    pub recursive: bool,
    pub name: ObjectName,
    pub columns: Vec<Ident>,
    pub options: Vec<Def>,
    pub query: QueryId,
    pub check_option: Option<CheckOption>,
    pub start: Pos,
    pub end: Pos,
}

/// WITH CHECK OPTION.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckOption {
    Local,
    Cascaded,
}

/// REFRESH MATERIALIZED VIEW.
#[derive(Debug)]
pub struct RefreshMaterializedView {
    pub concurrently: bool,
    pub name: ObjectName,
    pub with_data: bool,
}

/// CREATE TYPE.
#[derive(Debug)]
pub struct CreateType {
    pub name: ObjectName,
    pub definition: TypeDefinition,
}

/// What a new type is.
#[derive(Debug)]
pub enum TypeDefinition {
    Shell,
    Composite(Vec<ColumnSpec>),
    Enum(Vec<Box<str>>),
    Range(Vec<Def>),
    Base(Vec<Def>),
}

/// ALTER TYPE .. ADD VALUE, RENAME VALUE
#[derive(Debug)]
pub struct AlterEnum {
    pub name: ObjectName,
    pub action: AlterEnumAction,
}

/// What ALTER TYPE does to an enum.
#[derive(Debug)]
pub enum AlterEnumAction {
    /// `place`: `(true, v)` AFTER v, `(false, v)` BEFORE v
    AddValue {
        value: Box<str>,
        if_not_exists: bool,
        place: Option<(bool, Box<str>)>,
    },
    RenameValue {
        from: Box<str>,
        to: Box<str>,
    },
}

/// CREATE DOMAIN.
#[derive(Debug)]
pub struct CreateDomain {
    pub name: ObjectName,
    pub ty: TypeName,
    pub collation: Option<ObjectName>,
    pub constraints: Vec<Constraint>,
}

/// ALTER DOMAIN.
#[derive(Debug)]
pub struct AlterDomain {
    pub name: ObjectName,
    pub action: AlterDomainAction,
}

/// What ALTER DOMAIN does.
#[derive(Debug)]
pub enum AlterDomainAction {
    SetDefault(ExprId),
    DropDefault,
    SetNotNull,
    DropNotNull,
    AddConstraint(Constraint),
    DropConstraint { name: Ident, if_exists: bool, cascade: bool },
    ValidateConstraint(Ident),
}

/// CREATE EXTENSION; `options`: schema, version, cascade.
#[derive(Debug)]
pub struct CreateExtension {
    pub name: Ident,
    pub if_not_exists: bool,
    pub options: Vec<Def>,
}

/// ALTER EXTENSION.
#[derive(Debug)]
pub struct AlterExtension {
    pub name: Ident,
    pub action: AlterExtensionAction,
}

/// What ALTER EXTENSION does.
#[derive(Debug)]
pub enum AlterExtensionAction {
    Update(Option<Box<str>>),
    Add(ObjectRef),
    Drop(ObjectRef),
}
