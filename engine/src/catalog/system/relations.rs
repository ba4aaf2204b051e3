//! Relations of the database: `pg_class` and what hangs on it.

use std::sync::Arc;

use nq_qsql::bind::{BindContext, StoredKind};
use nq_qsql::catalog::{
    Constraint, ConstraintKind, ForeignKey, Generated, Index, IndexKey, Persistence, ReferentialAction,
    Relation, RelationKind, ReplicaIdentity, Timing,
};
use nq_qsql::func::opclass::{KeyOperators, key_operators};
use nq_qsql::plan::expr::{Expr, ExprKind};
use nq_qsql::types::{Datum, IoContext, Oid, info, oid};

use super::cell::{NULL, acl_texts, array, texts_or_null, vector};
use super::record::Record;
use super::{Keys, RowList, SystemCx, all, data, is_view};
use crate::catalog::acl::AclItem;
use crate::catalog::object::RelationObject;
use crate::catalog::object::bytes::action_byte;

/// OID of the access method `heap`, under which tables are shown.
const HEAP: Oid = 2;

fn kind_byte(relation: &Relation) -> u8 {
    match relation.kind {
        RelationKind::Table => b'r',
        RelationKind::Index => b'i',
        RelationKind::View => b'v',
        RelationKind::Sequence => b'S',
        RelationKind::MaterializedView => b'm',
        RelationKind::Composite => b'c',
        RelationKind::Virtual => {
            if is_view(relation) {
                b'v'
            } else {
                b'r'
            }
        }
    }
}

fn persistence_byte(relation: &Relation) -> u8 {
    match relation.persistence {
        Persistence::Permanent => b'p',
        Persistence::Unlogged => b'u',
        Persistence::Temporary => b't',
    }
}

fn rows_of(cx: &SystemCx<'_>, tree: u32) -> (i32, f32) {
    match cx.db.store.tree_stats(nq_storage::TreeId(tree)) {
        Ok(stats) if tree != 0 => (stats.pages as i32, stats.records as f32),
        _ => (0, -1.0),
    }
}

/// What `pg_class` shows of a relation beyond its descriptor.
struct Shown<'a> {
    relation: &'a Relation,
    row_type: Oid,
    method: Oid,
    pages: i32,
    rows: f32,
    acl: Option<&'a [AclItem]>,
}

fn class_row(cx: &SystemCx<'_>, of: &Relation, shown: &Shown<'_>) -> Vec<Datum> {
    let relation = shown.relation;
    let built_in = relation.oid < crate::catalog::FIRST_NORMAL_OID;
    let stored = matches!(relation.kind, RelationKind::Table | RelationKind::MaterializedView);
    let checks = relation.constraints.iter().filter(|c| matches!(c.kind, ConstraintKind::Check(_)));
    let acl = match (shown.acl, built_in) {
        (Some(acl), _) => acl_texts(cx, Some(acl)),
        (None, true) if !super::is_secret(relation) => texts_or_null(&[system_acl(cx)]),
        (None, _) => NULL,
    };
    Record::new(of)
        .set("oid", relation.oid)
        .set("relname", &*relation.name)
        .set("relnamespace", relation.namespace)
        .set("reltype", shown.row_type)
        .set("reloftype", 0u32)
        .set("relowner", relation.owner)
        .set("relam", shown.method)
        .set("relfilenode", relation.tree)
        .set("reltablespace", 0u32)
        .set("relpages", shown.pages)
        .set("reltuples", shown.rows)
        .set("relallvisible", 0i32)
        .set("relallfrozen", 0i32)
        .set("reltoastrelid", 0u32)
        .set("relhasindex", !relation.indexes.is_empty())
        .set("relisshared", false)
        .set("relpersistence", persistence_byte(relation))
        .set("relkind", kind_byte(relation))
        .set("relnatts", relation.columns.len() as i16)
        .set("relchecks", checks.count() as i16)
        .set("relhasrules", kind_byte(relation) == b'v' || relation.kind == RelationKind::MaterializedView)
        .set("relhastriggers", has_triggers(relation))
        .set("relhassubclass", false)
        .set("relrowsecurity", relation.security.enabled)
        .set("relforcerowsecurity", relation.security.forced)
        .set("relispopulated", relation.populated)
        .set(
            "relreplident",
            match relation.replica_identity {
                ReplicaIdentity::Default if stored => b'd',
                ReplicaIdentity::Default | ReplicaIdentity::Nothing => b'n',
                ReplicaIdentity::Full => b'f',
                ReplicaIdentity::Index(_) => b'i',
            },
        )
        .set("relispartition", false)
        .set("relrewrite", 0u32)
        .set("relfrozenxid", 0u32)
        .set("relminmxid", 0u32)
        .set("relacl", acl)
        .set("reloptions", if built_in { NULL } else { texts_or_null(&relation.options) })
        .done()
}

/// Whether foreign keys look after the relation: PostgreSQL has triggers for them.
fn has_triggers(relation: &Relation) -> bool {
    !relation.referenced_by.is_empty() || relation.constraints.iter().any(|c| c.foreign_key().is_some())
}

/// What everybody may do with a system catalog: read it.
fn system_acl(cx: &SystemCx<'_>) -> Box<str> {
    let owner = cx.view.cluster.role_name(crate::catalog::BOOTSTRAP_SUPERUSER);
    format!("=r/{owner}").into()
}

/// `pg_class`
pub(super) fn pg_class(cx: &SystemCx<'_>, of: &Relation, keys: &Keys) -> RowList {
    let (oid, name) = (keys.oid(of, "oid"), keys.text(of, "relname"));
    let wanted = |o: Oid, n: &str| oid.is_none_or(|oid| oid == o) && name.is_none_or(|name| name == n);
    let mut out = RowList::new();
    for relation in all().into_iter().filter(|r| wanted(r.oid, &r.name)) {
        let method = if is_view(relation) { 0 } else { HEAP };
        let row_type = super::row_type_of(relation.oid).unwrap_or(0);
        let shown = Shown { relation, row_type, method, pages: 0, rows: -1.0, acl: None };
        out.push(class_row(cx, of, &shown));
    }
    for object in cx.view.catalog.relations() {
        let relation = &object.relation;
        if wanted(relation.oid, &relation.name) {
            let (pages, rows) = rows_of(cx, relation.tree);
            let stored = matches!(relation.kind, RelationKind::Table | RelationKind::MaterializedView);
            let row_type = object.row_type.as_ref().map_or(0, |row| row.oid);
            let method = if stored { HEAP } else { 0 };
            let shown = Shown { relation, row_type, method, pages, rows, acl: object.acl.as_deref() };
            out.push(class_row(cx, of, &shown));
        }
        for index in relation.indexes.iter().filter(|i| wanted(i.oid, &i.name)) {
            if let Some(relation) = cx.view.catalog.relation(index.oid) {
                let (pages, rows) = rows_of(cx, index.tree);
                let shown = Shown {
                    relation: &relation,
                    row_type: 0,
                    method: index.method.oid(),
                    pages,
                    rows,
                    acl: None,
                };
                out.push(class_row(cx, of, &shown));
            }
        }
    }
    out
}

fn attribute_rows(
    cx: &SystemCx<'_>,
    of: &Relation,
    relation: &Relation,
    object: Option<&RelationObject>,
    out: &mut RowList,
) {
    for (at, column) in relation.columns.iter().enumerate() {
        let ty = info::by_oid(column.ty.oid);
        let name = match column.dropped {
            true => Datum::text(format!("........pg.dropped.{}........", at + 1)),
            false => Datum::text(&*column.name),
        };
        let identity = match column.generated {
            Generated::IdentityAlways => b'a',
            Generated::IdentityByDefault => b'd',
            _ => 0,
        };
        let generated = match column.generated {
            Generated::Stored => b's',
            Generated::Virtual => b'v',
            _ => 0,
        };
        let settings = &column.settings;
        let storage = settings.storage.unwrap_or_else(|| super::types::storage(column.ty.oid));
        let dimensions = match relation.kind {
            RelationKind::Virtual => i16::from(info::element_of(column.ty.oid).is_some()),
            _ => settings.dimensions,
        };
        let acl = object.and_then(|o| o.column_acl.iter().find(|(c, _)| *c == at));
        let missing = column.missing.clone().map_or(NULL, |value| array(column.ty.oid, [value]));
        let row = Record::new(of)
            .set("attrelid", relation.oid)
            .set("attname", name)
            .set("atttypid", if column.dropped { 0 } else { column.ty.oid })
            .set("attlen", ty.as_ref().map_or(-1, |t| t.len))
            .set("attnum", at as i16 + 1)
            .set("atttypmod", column.ty.typmod)
            .set("attndims", dimensions)
            .set("attbyval", ty.as_ref().is_some_and(|t| t.by_value))
            .set("attalign", ty.as_ref().map_or(b'i', |t| t.align))
            .set("attstorage", storage)
            .set("attcompression", settings.compression.unwrap_or(0))
            .set("attnotnull", column.not_null && relation.kind != RelationKind::Index)
            .set("atthasdef", column.shown_default().is_some())
            .set("atthasmissing", column.missing.is_some())
            .set("attidentity", identity)
            .set("attgenerated", generated)
            .set("attisdropped", column.dropped)
            .set("attislocal", true)
            .set("attinhcount", 0i16)
            .set("attcollation", column.collation)
            .set("attstattarget", settings.statistics)
            .set("attoptions", texts_or_null(&settings.options))
            .set("attacl", acl_texts(cx, acl.map(|(_, list)| list.as_slice())))
            .set("attmissingval", missing);
        out.push(row.done());
    }
}

/// `pg_attribute`
pub(super) fn pg_attribute(cx: &SystemCx<'_>, of: &Relation, keys: &Keys) -> RowList {
    let mut out = RowList::new();
    let catalog = &cx.view.catalog;
    if let Some(oid) = keys.oid(of, "attrelid") {
        match (super::by_oid(oid), catalog.object(oid)) {
            (Some(relation), _) => attribute_rows(cx, of, relation, None, &mut out),
            (None, Some(object)) => attribute_rows(cx, of, &object.relation, Some(object), &mut out),
            (None, None) => {
                if let Some(index) = catalog.relation(oid) {
                    attribute_rows(cx, of, &index, None, &mut out);
                }
            }
        }
        return out;
    }
    for relation in all() {
        attribute_rows(cx, of, relation, None, &mut out);
    }
    for object in catalog.relations() {
        attribute_rows(cx, of, &object.relation, Some(object), &mut out);
        for index in &object.relation.indexes {
            if let Some(index) = catalog.relation(index.oid) {
                attribute_rows(cx, of, &index, None, &mut out);
            }
        }
    }
    out
}

/// The tables that a comparison of a column with the relation's OID leaves.
fn tables<'a>(
    cx: &'a SystemCx<'_>,
    of: &Relation,
    keys: &Keys,
    column: &str,
) -> Vec<&'a Arc<RelationObject>> {
    match keys.oid(of, column) {
        Some(oid) => cx.view.catalog.object(oid).into_iter().collect(),
        None => cx.view.catalog.relations(),
    }
}

/// OID of a column's default: made of its table and column.
pub(super) fn default_oid(relation: Oid, at: usize) -> Oid {
    relation ^ ((at as u32 + 1) << 20)
}

/// `pg_attrdef`
pub(super) fn pg_attrdef(cx: &SystemCx<'_>, of: &Relation, keys: &Keys) -> RowList {
    let mut out = Vec::new();
    for object in tables(cx, of, keys, "adrelid") {
        for (at, column) in object.relation.columns.iter().enumerate() {
            if let Some(default) = column.shown_default() {
                let row = Record::new(of)
                    .set("oid", default_oid(object.relation.oid, at))
                    .set("adrelid", object.relation.oid)
                    .set("adnum", at as i16 + 1)
                    .set("adbin", default.clone());
                out.push(row.done());
            }
        }
    }
    out
}

/// `pg_index`
pub(super) fn pg_index(cx: &SystemCx<'_>, of: &Relation, keys: &Keys) -> RowList {
    let index = keys.oid(of, "indexrelid");
    let one = index.and_then(|oid| cx.view.catalog.index(oid)).map(|(table, _)| table);
    let tables = match index {
        Some(_) => one.into_iter().collect(),
        None => tables(cx, of, keys, "indrelid"),
    };
    let mut out = Vec::new();
    for object in tables {
        for at in object.relation.indexes.iter().filter(|i| index.is_none_or(|oid| oid == i.oid)) {
            out.push(index_row(of, &object.relation, at));
        }
    }
    out
}

fn index_row(of: &Relation, table: &Relation, index: &Index) -> Vec<Datum> {
    let number = |c: &nq_qsql::catalog::IndexColumn| match c.key {
        IndexKey::Column(at) => at as i16 + 1,
        IndexKey::Expression(_) => 0,
    };
    let keys = index.columns.iter().map(number).chain(index.include.iter().map(|at| *at as i16 + 1));
    let options = index.columns.iter().map(|c| i16::from(c.descending) | i16::from(c.nulls_first) << 1);
    let classes = index.columns.iter().map(|c| match c.opclass {
        0 => data::default_operator_class(index.method.oid(), c.ty.oid),
        named => named,
    });
    let expressions: Vec<&str> = index
        .columns
        .iter()
        .filter_map(|c| match &c.key {
            IndexKey::Expression(text) => Some(&**text),
            IndexKey::Column(_) => None,
        })
        .collect();
    Record::new(of)
        .set("indexrelid", index.oid)
        .set("indrelid", table.oid)
        .set("indnatts", (index.columns.len() + index.include.len()) as i16)
        .set("indnkeyatts", index.columns.len() as i16)
        .set("indisunique", index.unique || index.deferrable && index.exclusion.is_empty())
        .set("indnullsnotdistinct", index.nulls_not_distinct)
        .set("indisprimary", index.primary)
        .set("indisexclusion", !index.exclusion.is_empty())
        .set("indimmediate", !index.deferrable)
        .set("indisclustered", index.clustered)
        .set("indisvalid", index.valid)
        .set("indcheckxmin", false)
        .set("indisready", true)
        .set("indislive", true)
        .set("indisreplident", table.replica_identity == ReplicaIdentity::Index(index.oid))
        .set("indkey", vector(oid::INT2, keys))
        .set("indcollation", vector(oid::OID, index.columns.iter().map(|c| c.collation)))
        .set("indclass", vector(oid::OID, classes))
        .set("indoption", vector(oid::INT2, options))
        .set("indexprs", (!expressions.is_empty()).then(|| expressions.join(", ")))
        .set("indpred", index.predicate.clone())
        .done()
}

/// The columns that a CHECK mentions, ascending; none when it cannot be bound.
fn mentioned(cx: &SystemCx<'_>, table: &Relation, text: &str) -> Vec<usize> {
    fn visit(e: &Expr, found: &mut Vec<usize>) {
        if let ExprKind::Column(at) = e.kind {
            found.push(at as usize);
        }
        e.each_child(&mut |child| visit(child, found));
    }
    let io = IoContext::default();
    let bind = BindContext { catalog: cx.view, params: &[], io: &io };
    let mut found = Vec::new();
    if let Ok(expr) = nq_qsql::bind::bind_expression(text, Some(table), None, StoredKind::Check, &bind) {
        visit(&expr, &mut found);
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The columns that a constraint is about, in its order; expressions are left out.
pub(super) fn constraint_columns(cx: &SystemCx<'_>, table: &Relation, constraint: &Constraint) -> Vec<usize> {
    match &constraint.kind {
        ConstraintKind::Check(text) => mentioned(cx, table, text),
        ConstraintKind::NotNull(at) => vec![*at],
        ConstraintKind::ForeignKey(key) => key.columns.clone(),
        ConstraintKind::Primary(index) | ConstraintKind::Unique(index) | ConstraintKind::Exclude(index) => {
            let index = table.indexes.iter().find(|i| i.oid == *index);
            let columns = index.map(|i| i.columns.as_slice()).unwrap_or_default();
            let column = |c: &nq_qsql::catalog::IndexColumn| match c.key {
                IndexKey::Column(at) => Some(at),
                IndexKey::Expression(_) => None,
            };
            columns.iter().filter_map(column).collect()
        }
    }
}

/// `pg_policy`
pub(super) fn pg_policy(cx: &SystemCx<'_>, of: &Relation, keys: &Keys) -> RowList {
    let text = |text: &Option<Arc<str>>| text.as_ref().map_or(NULL, |text| Datum::text(&**text));
    let mut out = Vec::new();
    for object in tables(cx, of, keys, "polrelid") {
        for policy in &object.relation.security.policies {
            let row = Record::new(of)
                .set("oid", policy.oid)
                .set("polname", &*policy.name)
                .set("polrelid", object.relation.oid)
                .set("polcmd", policy.command.letter())
                .set("polpermissive", policy.permissive)
                .set("polroles", array(oid::OID, policy.roles.iter().copied()))
                .set("polqual", text(&policy.using))
                .set("polwithcheck", text(&policy.check));
            out.push(row.done());
        }
    }
    out
}

/// `pg_constraint`
pub(super) fn pg_constraint(cx: &SystemCx<'_>, of: &Relation, keys: &Keys) -> RowList {
    let one = keys.oid(of, "oid");
    let tables = match one {
        Some(oid) => cx.view.catalog.constraint_table(oid).into_iter().collect(),
        None => tables(cx, of, keys, "conrelid"),
    };
    let mut out = Vec::new();
    for object in tables {
        for constraint in object.relation.constraints.iter().filter(|c| one.is_none_or(|oid| oid == c.oid)) {
            out.push(constraint_row(cx, of, &object.relation, constraint));
        }
    }
    if keys.oid(of, "conrelid").is_none_or(|oid| oid == 0) {
        out.extend(super::types::domain_constraints(cx, of, keys));
    }
    out
}

fn constraint_row(cx: &SystemCx<'_>, of: &Relation, table: &Relation, constraint: &Constraint) -> Vec<Datum> {
    let (kind, index, text) = match &constraint.kind {
        ConstraintKind::Check(text) => (b'c', 0, Some(text.clone())),
        ConstraintKind::NotNull(_) => (b'n', 0, None),
        ConstraintKind::Primary(index) => (b'p', *index, None),
        ConstraintKind::Unique(index) => (b'u', *index, None),
        ConstraintKind::Exclude(index) => (b'x', *index, None),
        ConstraintKind::ForeignKey(key) => (b'f', key.index, None),
    };
    let columns = constraint_columns(cx, table, constraint);
    let excluding = match constraint.kind {
        ConstraintKind::Exclude(index) => table.indexes.iter().find(|i| i.oid == index),
        _ => None,
    };
    let number = |key: &IndexKey| match key {
        IndexKey::Column(at) => *at as i16 + 1,
        IndexKey::Expression(_) => 0,
    };
    let keys = match (excluding, columns.is_empty()) {
        (Some(index), _) => array(oid::INT2, index.columns.iter().map(|c| number(&c.key))),
        (None, true) => NULL,
        (None, false) => array(oid::INT2, columns.iter().map(|at| *at as i16 + 1)),
    };
    let foreign = constraint.foreign_key();
    let attributes = |columns: &[usize]| array(oid::INT2, columns.iter().map(|at| *at as i16 + 1));
    let action = |of: fn(&ForeignKey) -> ReferentialAction| foreign.map_or(b' ', |key| action_byte(of(key)));
    let operators: Vec<KeyOperators> = foreign.map_or(Vec::new(), |key| {
        let parent = cx.view.catalog.object(key.table);
        let of = |(from, to): (&usize, &usize)| {
            let parent = &parent?.relation;
            key_operators(parent.columns[*to].ty.oid, table.columns[*from].ty.oid)
        };
        key.columns.iter().zip(&key.ref_columns).filter_map(of).collect()
    });
    let oids = |of: fn(&KeyOperators) -> Oid| match operators.is_empty() {
        true => NULL,
        false => array(oid::OID, operators.iter().map(of)),
    };
    Record::new(of)
        .set("oid", constraint.oid)
        .set("conname", &*constraint.name)
        .set("connamespace", table.namespace)
        .set("contype", kind)
        .set("condeferrable", constraint.timing.is_deferrable())
        .set("condeferred", constraint.timing == Timing::Deferred)
        .set("conenforced", constraint.enforced)
        .set("convalidated", constraint.validated)
        .set("conrelid", table.oid)
        .set("contypid", 0u32)
        .set("conindid", index)
        .set("conparentid", 0u32)
        .set("confrelid", foreign.map_or(0, |key| key.table))
        .set("confupdtype", action(|key| key.on_update))
        .set("confdeltype", action(|key| key.on_delete))
        .set("confmatchtype", foreign.map_or(b' ', |key| if key.match_full { b'f' } else { b's' }))
        .set("conislocal", true)
        .set("coninhcount", 0i16)
        .set("connoinherit", index != 0 || constraint.no_inherit)
        .set("conperiod", false)
        .set("conkey", keys)
        .set("confkey", foreign.map_or(NULL, |key| attributes(&key.ref_columns)))
        .set("conpfeqop", oids(|o| o.both.oid))
        .set("conppeqop", oids(|o| o.referenced.oid))
        .set("conffeqop", oids(|o| o.referencing.oid))
        .set(
            "confdelsetcols",
            foreign
                .filter(|key| !key.delete_columns.is_empty())
                .map_or(NULL, |k| attributes(&k.delete_columns)),
        )
        .set("conexclop", excluding.map_or(NULL, |index| array(oid::OID, index.exclusion.iter().copied())))
        .set("conbin", text)
        .done()
}
