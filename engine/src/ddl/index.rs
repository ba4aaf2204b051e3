//! CREATE INDEX and REINDEX.
//!
//! CONCURRENTLY is accepted where PostgreSQL accepts it; writers of the table wait all the same until the index is built.
//! INCLUDE columns are remembered and shown; the tree does not hold them.

use std::sync::Arc;

use nq_qsql::bind::{StoredKind, write_target};
use nq_qsql::catalog::{Index, IndexColumn, IndexKey, Relation, RelationKind};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::func::access::{self, AccessMethod};
use nq_qsql::parse::ast::{self, Ast, CreateIndex, IndexElem, Reindex, ReindexKind};
use nq_qsql::types::{DataType, Oid, info, oid, range};
use nq_qsql::{bail, sql_err};
use nq_storage::txn::lock::LockMode;
use nq_storage::{TreeId, TxnOptions};

use super::column::SYSTEM_COLUMNS;
use super::constraint::{check_indexable, no_default_class};
use super::generated::refuse_virtual;
use super::names;
use super::options::read_index_options;
use super::table::{already_exists, check_tablespace};
use crate::catalog::bootstrap::MAINTAIN;
use crate::error::store_error;
use crate::session::Session;
use crate::session::utility::Done;
use crate::table::build::{build_index, check_exclusion};

/// Most keys of an index, INCLUDE columns counted.
const MAX_KEYS: usize = 32;

/// Operator classes of `btree`: name, OID, the types they take; the last flag says that it is not the types' default.
#[rustfmt::skip]
const OPCLASSES: [(&str, Oid, &[Oid], bool); 39] = [
    ("int4_ops", 1978, &[oid::INT4], false),
    ("int2_ops", 1979, &[oid::INT2], false),
    ("int8_ops", 3124, &[oid::INT8], false),
    ("oid_ops", 1981, &[oid::OID, oid::REGCLASS, oid::REGTYPE, oid::REGPROC, oid::REGROLE, oid::REGNAMESPACE], false),
    ("date_ops", 3122, &[oid::DATE], false),
    ("float8_ops", 3123, &[oid::FLOAT8], false),
    ("float4_ops", 10012, &[oid::FLOAT4], false),
    ("numeric_ops", 3125, &[oid::NUMERIC], false),
    ("text_ops", 3126, &[oid::TEXT, oid::VARCHAR], false),
    ("varchar_ops", 3126, &[oid::TEXT, oid::VARCHAR], false),
    ("timestamptz_ops", 3127, &[oid::TIMESTAMPTZ], false),
    ("timestamp_ops", 3128, &[oid::TIMESTAMP], false),
    ("text_pattern_ops", 4217, &[oid::TEXT, oid::VARCHAR], true),
    ("varchar_pattern_ops", 4218, &[oid::TEXT, oid::VARCHAR], true),
    ("bpchar_pattern_ops", 4219, &[oid::BPCHAR], true),
    ("bool_ops", 10003, &[oid::BOOL], false),
    ("bpchar_ops", 10004, &[oid::BPCHAR], false),
    ("bytea_ops", 10006, &[oid::BYTEA], false),
    ("char_ops", 10007, &[oid::CHAR], false),
    ("interval_ops", 10022, &[oid::INTERVAL], false),
    ("name_ops", 10028, &[oid::NAME], false),
    ("oidvector_ops", 10032, &[oid::OIDVECTOR], false),
    ("time_ops", 10038, &[oid::TIME], false),
    ("timetz_ops", 10041, &[oid::TIMETZ], false),
    ("tid_ops", 10050, &[oid::TID], false),
    ("uuid_ops", 10065, &[oid::UUID], false),
    ("xid8_ops", 10053, &[oid::XID8], false),
    ("pg_lsn_ops", 10067, &[oid::PG_LSN], false),
    ("bit_ops", 10002, &[oid::BIT], false),
    ("varbit_ops", 10043, &[oid::VARBIT], false),
    ("inet_ops", 10015, &[oid::INET, oid::CIDR], false),
    ("cidr_ops", 10009, &[oid::INET, oid::CIDR], true),
    ("macaddr_ops", 10024, &[oid::MACADDR], false),
    ("macaddr8_ops", 10026, &[oid::MACADDR8], false),
    ("money_ops", 10047, &[oid::MONEY], false),
    ("jsonb_ops", 10088, &[oid::JSONB], false),
    ("array_ops", 10000, &[], false),
    ("range_ops", 10076, &[], false),
    ("multirange_ops", 10080, &[], false),
];

/// The OID of a written operator class; 0 when it is the type's default.
pub(super) fn opclass(name: &ast::ObjectName, ty: DataType) -> Result<Oid> {
    let written = &**name.object();
    let Some((_, oid, types, own)) = OPCLASSES.iter().find(|o| o.0 == written) else {
        bail!(UNDEFINED_OBJECT, "operator class \"{name}\" does not exist for access method \"btree\"");
    };
    let array = written == "array_ops" && nq_qsql::func::category::element_of(ty.oid).is_some();
    let range = written == "range_ops" && range::of_range(ty.oid).is_some()
        || written == "multirange_ops" && range::of_multirange(ty.oid).is_some();
    if !array && !range && !types.contains(&ty.oid) {
        bail!(
            DATATYPE_MISMATCH,
            "operator class \"{written}\" does not accept data type {}",
            info::format_type(ty.oid, None)
        );
    }
    Ok(if *own { *oid } else { 0 })
}

/// Finds an access method.
pub(super) fn method_named(method: Option<&ast::Ident>) -> Result<AccessMethod> {
    let Some(name) = method.map(|m| &**m) else { return Ok(AccessMethod::Btree) };
    match AccessMethod::by_name(name) {
        Some(method) => Ok(method),
        None if name == "brin" => Err(SqlError::unsupported(format_args!("access method \"{name}\""))),
        None => bail!(UNDEFINED_OBJECT, "access method \"{name}\" does not exist"),
    }
}

/// What an index is to be, besides its keys.
pub(super) struct Shape {
    pub(super) unique: bool,
    pub(super) columns: usize,
    pub(super) include: usize,
    pub(super) excludes: bool,
}

impl Shape {
    /// Refuses what a method cannot be.
    pub(super) fn check(&self, method: AccessMethod) -> Result<()> {
        let lacks = match self {
            _ if self.unique && !method.is_unique() => "unique indexes",
            _ if self.include > 0 && !method.takes_include() => "included columns",
            _ if self.columns > 1 && !method.takes_columns() => "multicolumn indexes",
            _ if self.excludes && !method.excludes() => "exclusion constraints",
            _ => return Ok(()),
        };
        bail!(FEATURE_NOT_SUPPORTED, "access method \"{}\" does not support {lacks}", method.name())
    }
}

/// The OID of an operator class of a method other than B-tree: the written one, or the type's default.
pub(crate) fn class_of(method: AccessMethod, written: Option<&ast::ObjectName>, ty: DataType) -> Result<Oid> {
    let shown = || info::format_type(ty.oid, None);
    let Some(written) = written else {
        return match access::default_class(method, ty.oid) {
            Some(class) => Ok(class.oid),
            None => Err(no_default_class(method, ty.oid)),
        };
    };
    let name = &**written.object();
    let Some(class) = access::class_by_name(method, name) else {
        let method = method.name();
        bail!(UNDEFINED_OBJECT, "operator class \"{written}\" does not exist for access method \"{method}\"");
    };
    if !class.takes(ty.oid) {
        bail!(DATATYPE_MISMATCH, "operator class \"{name}\" does not accept data type {}", shown());
    }
    Ok(class.oid)
}

/// `cannot create index on relation "v"`, for what has no rows of its own.
fn cannot_index(relation: &Relation) -> SqlError {
    let kinds = match relation.kind {
        RelationKind::View => "views",
        RelationKind::Sequence => "sequences",
        RelationKind::Index => "indexes",
        RelationKind::Composite => "composite types",
        RelationKind::MaterializedView => "materialized views",
        RelationKind::Table | RelationKind::Virtual => "tables",
    };
    sql_err!(WRONG_OBJECT_TYPE, "cannot create index on relation \"{}\"", relation.name)
        .detail(format!("This operation is not supported for {kinds}."))
}

impl Session {
    /// CREATE INDEX.
    pub(crate) fn create_index(&mut self, ast: &Ast, create: &CreateIndex) -> Result<Done> {
        if create.concurrently {
            self.check_outside_block("CREATE INDEX CONCURRENTLY")?;
        }
        // Writers wait, readers do not; two indexes at once would overwrite each other's entry in the table's descriptor.
        let relation = self.open_relation(&create.table.name, LockMode::ShareRowExclusive)?;
        self.check_no_pending(&relation, "CREATE INDEX")?;
        self.check_not_system(&relation)?;
        if !matches!(relation.kind, RelationKind::Table | RelationKind::MaterializedView) {
            return Err(cannot_index(&relation));
        }
        self.check_owner(&relation)?;
        check_tablespace(create.tablespace.as_ref())?;
        if let Some(name) = &create.name
            && self.view().catalog.relation_oid(relation.namespace, name).is_some()
        {
            if create.if_not_exists {
                let notice = sql_err!(DUPLICATE_TABLE, "relation \"{}\" already exists, skipping", &**name);
                self.host.notice(notice);
                return Done::tag("CREATE INDEX");
            }
            return Err(already_exists(name));
        }
        let method = method_named(create.method.as_ref())?;
        let object = self.object(relation.oid)?;
        let index = self.read_index(ast, &relation, create, method)?;
        let mut relation = (*relation).clone();
        self.claim_index_name(&relation, &index)?;
        let index = Arc::new(index);
        relation.indexes.push(index.clone());
        let stored = self.replace_relation(&object, relation)?;
        self.fill_indexes(&stored.relation, &[index.oid])?;
        Done::tag("CREATE INDEX")
    }

    /// The descriptor of a new index, with an empty tree.
    fn read_index(
        &mut self,
        ast: &Ast,
        relation: &Relation,
        create: &CreateIndex,
        method: AccessMethod,
    ) -> Result<Index> {
        if create.columns.len() + create.include.len() > MAX_KEYS {
            bail!(TOO_MANY_COLUMNS, "cannot use more than {MAX_KEYS} columns in an index");
        }
        let (columns, include) = (create.columns.len(), create.include.len());
        Shape { unique: create.unique, columns, include, excludes: false }.check(method)?;
        let options = read_index_options(method, &create.options)?;
        let mut columns = Vec::with_capacity(create.columns.len());
        for elem in &create.columns {
            let column = self.read_key(ast, relation, elem, &columns, method)?;
            columns.push(column);
        }
        let mut include = Vec::with_capacity(create.include.len());
        for elem in &create.include {
            let ast::IndexKey::Column(name) = &elem.key else {
                bail!(FEATURE_NOT_SUPPORTED, "expressions are not supported in included columns");
            };
            include.push(named_column(relation, name)?);
        }
        refuse_virtual(relation, include.iter().copied(), "indexes")?;
        let predicate = match create.filter {
            Some(filter) => {
                let stored =
                    self.store_expression(ast, filter, relation, StoredKind::IndexPredicate, None)?;
                refuse_virtual(relation, stored.columns, "indexes")?;
                Some(stored.text)
            }
            None => None,
        };
        let name: Box<str> = match &create.name {
            Some(name) => name.name.clone(),
            None => {
                let included = include.iter().map(|i: &usize| &*relation.columns[*i].name);
                let part = names::columns_part(columns.iter().map(|c| &*c.name).chain(included));
                names::choose(&relation.name, Some(&part), "idx", |n| self.name_taken(relation, n)).into()
            }
        };
        Ok(Index {
            oid: self.db.next_oid()?,
            name,
            tree: self.txn().create_tree().map_err(store_error)?.0,
            unique: create.unique,
            primary: false,
            nulls_not_distinct: create.nulls_not_distinct,
            columns,
            include,
            predicate,
            constraint: 0,
            valid: true,
            deferrable: false,
            options,
            method,
            exclusion: Vec::new(),
            clustered: false,
        })
    }

    /// One key of a new index; `before` are those left of it.
    pub(super) fn read_key(
        &mut self,
        ast: &Ast,
        relation: &Relation,
        elem: &IndexElem,
        before: &[IndexColumn],
        method: AccessMethod,
    ) -> Result<IndexColumn> {
        let (key, ty, collation, name) = match &elem.key {
            ast::IndexKey::Column(name) => {
                let i = named_column(relation, name)?;
                refuse_virtual(relation, [i], "indexes")?;
                let column = &relation.columns[i];
                (IndexKey::Column(i), column.ty, column.collation, column.name.to_string())
            }
            ast::IndexKey::Expr(expr) => {
                let stored = self.store_expression(ast, *expr, relation, StoredKind::Index, None)?;
                refuse_virtual(relation, stored.columns.iter().copied(), "indexes")?;
                let name = nq_qsql::bind::expression_name(ast, *expr);
                let name = name.unwrap_or_else(|| "expr".to_owned());
                (IndexKey::Expression(stored.text), stored.expr.ty, stored.expr.collation, name)
            }
        };
        let collation = match &elem.collation {
            Some(written) => self.collation(written, ty)?,
            None => collation,
        };
        let opclass = match &elem.opclass {
            Some(written) if !elem.opclass_options.is_empty() => {
                bail!(INVALID_PARAMETER_VALUE, "operator class {written} has no options");
            }
            written if method != AccessMethod::Btree => class_of(method, written.as_ref(), ty)?,
            Some(written) => opclass(written, ty)?,
            None => {
                check_indexable(ty.oid)?;
                0
            }
        };
        if !method.orders() && (elem.descending.is_some() || elem.nulls_first.is_some()) {
            let option = if elem.descending.is_some() { "ASC/DESC" } else { "NULLS FIRST/LAST" };
            let method = method.name();
            bail!(FEATURE_NOT_SUPPORTED, "access method \"{method}\" does not support {option} options");
        }
        let descending = elem.descending.unwrap_or(false);
        let name = distinct_name(name, before);
        Ok(IndexColumn {
            name: name.into(),
            key,
            ty,
            descending,
            nulls_first: elem.nulls_first.unwrap_or(descending),
            collation,
            opclass,
        })
    }

    /// Fills the empty trees of some of a table's indexes from its rows. The caller's lock keeps writers away.
    pub(crate) fn fill_indexes(&mut self, relation: &Arc<Relation>, which: &[Oid]) -> Result<()> {
        if which.is_empty() {
            return Ok(());
        }
        let target = self.with_bind_cx(|cx| write_target(relation, cx))?;
        let memory = self.maintenance_memory();
        let interrupt = self.backend.interrupt.clone();
        let mut idle = self.db.store.begin(TxnOptions { interrupt, ..TxnOptions::default() });
        for bound in target.indexes.iter().filter(|b| which.contains(&b.index.oid)) {
            self.with_cx(false, &[], &memory, |cx| build_index(relation, bound, &mut idle, cx))?;
            if !bound.index.exclusion.is_empty() {
                self.with_cx(false, &[], &memory, |cx| check_exclusion(relation, &target, bound, cx))?;
            }
        }
        Ok(())
    }

    /// REINDEX: new trees, filled from the tables.
    pub(crate) fn reindex(&mut self, reindex: &Reindex) -> Result<Done> {
        let word = match reindex.kind {
            ReindexKind::Index => "REINDEX INDEX",
            ReindexKind::Table => "REINDEX TABLE",
            ReindexKind::Schema => "REINDEX SCHEMA",
            ReindexKind::System => "REINDEX SYSTEM",
            ReindexKind::Database => "REINDEX DATABASE",
        };
        match reindex.kind {
            _ if reindex.concurrently => self.check_outside_block("REINDEX CONCURRENTLY")?,
            ReindexKind::Index | ReindexKind::Table => {}
            _ => self.check_outside_block(word)?,
        }
        let undefined = || SqlError::internal("REINDEX without a name");
        match (reindex.kind, &reindex.name) {
            (ReindexKind::Index, name) => {
                let name = name.as_ref().ok_or_else(undefined)?;
                let found = self.need_relation(name)?;
                if found.kind != RelationKind::Index {
                    bail!(WRONG_OBJECT_TYPE, "\"{}\" is not an index", found.name);
                }
                let table = self.view().catalog.index(found.oid).map(|(table, _)| table.relation.clone());
                let table = table.ok_or_else(|| super::drop::undefined_index(name))?;
                if self.check_maintain(&table).is_err() {
                    bail!(INSUFFICIENT_PRIVILEGE, "permission denied for index {}", found.name);
                }
                self.rebuild_indexes(table.oid, |index| index == found.oid)?;
            }
            (ReindexKind::Table, name) => {
                let relation = self.need_relation(name.as_ref().ok_or_else(undefined)?)?;
                if !matches!(relation.kind, RelationKind::Table | RelationKind::MaterializedView) {
                    bail!(WRONG_OBJECT_TYPE, "\"{}\" is not a table or materialized view", relation.name);
                }
                self.check_maintain(&relation)?;
                self.rebuild_indexes(relation.oid, |_| true)?;
            }
            (ReindexKind::Schema, name) => {
                let name = name.as_ref().ok_or_else(undefined)?.object();
                let namespace = self.need_namespace(name)?;
                let owner = self.view().catalog.namespace(namespace).map_or(0, |n| n.owner);
                if !self.owns(owner) && !self.owns(MAINTAIN) {
                    bail!(INSUFFICIENT_PRIVILEGE, "must be owner of schema {}", &**name);
                }
                self.rebuild_maintained(|relation| relation.namespace == namespace)?;
            }
            (ReindexKind::Database, name) => {
                if let Some(name) = name
                    && *name.object().name != *self.view().database
                {
                    bail!(FEATURE_NOT_SUPPORTED, "can only reindex the currently open database");
                }
                self.check_may_reindex_database()?;
                self.rebuild_maintained(|_| true)?;
            }
            // System relations are computed: there is nothing to rebuild.
            (ReindexKind::System, _) => self.check_may_reindex_database()?,
        }
        Done::tag("REINDEX")
    }

    /// # Errors
    /// 42501 `must be owner of database x`.
    fn check_may_reindex_database(&self) -> Result<()> {
        let view = self.view();
        let owner = view.cluster.database(self.home.oid).map_or(0, |d| d.owner);
        match self.owns(owner) || self.owns(MAINTAIN) {
            true => Ok(()),
            false => bail!(INSUFFICIENT_PRIVILEGE, "must be owner of database {}", view.database),
        }
    }

    /// Rebuilds the indexes of all tables that `wanted` names and the user may maintain.
    fn rebuild_maintained(&mut self, wanted: impl Fn(&Relation) -> bool) -> Result<()> {
        let relations: Vec<Arc<Relation>> =
            self.view().catalog.relations().iter().map(|r| r.relation.clone()).collect();
        for relation in relations {
            if !relation.indexes.is_empty() && wanted(&relation) && self.check_maintain(&relation).is_ok() {
                self.rebuild_indexes(relation.oid, |_| true)?;
            }
        }
        Ok(())
    }

    /// Gives indexes of a table new trees and fills them.
    pub(crate) fn rebuild_indexes(&mut self, table: Oid, wanted: impl Fn(Oid) -> bool) -> Result<()> {
        self.lock_relation(table, LockMode::AccessExclusive)?;
        let Ok(object) = self.object(table) else { return Ok(()) };
        let mut relation = (*object.relation).clone();
        let mut fresh = Vec::new();
        for index in relation.indexes.iter_mut().filter(|i| wanted(i.oid)) {
            self.txn().drop_tree(TreeId(index.tree)).map_err(store_error)?;
            let tree = self.txn().create_tree().map_err(store_error)?.0;
            *index = Arc::new(Index { tree, ..(**index).clone() });
            fresh.push(index.oid);
        }
        let stored = self.replace_relation(&object, relation)?;
        self.fill_indexes(&stored.relation, &fresh)
    }
}

/// The column that a key names.
fn named_column(relation: &Relation, name: &ast::Ident) -> Result<usize> {
    if SYSTEM_COLUMNS.contains(&&**name) {
        bail!(FEATURE_NOT_SUPPORTED, "index creation on system columns is not supported");
    }
    match relation.column(name) {
        Some(i) => Ok(i),
        None => bail!(UNDEFINED_COLUMN, "column \"{}\" does not exist", &**name),
    }
}

/// The name, with a number behind it if a key left of it has it already.
fn distinct_name(name: String, before: &[IndexColumn]) -> String {
    let taken = |n: &str| before.iter().any(|c| *c.name == *n);
    let mut chosen = name.clone();
    let mut number = 0;
    while taken(&chosen) {
        number += 1;
        chosen = names::object_name(&name, None, "");
        let digits = number.to_string();
        let room = names::NAME_MAX_BYTES - digits.len();
        chosen.truncate(chosen.floor_char_boundary(room.min(chosen.len())));
        chosen.push_str(&digits);
    }
    chosen
}
