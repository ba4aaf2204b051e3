//! Relations of the database: `pg_class` and what hangs on it.

use nq_qsql::catalog::{ConstraintKind, Generated, Index, IndexKey, Persistence, Relation, RelationKind};
use nq_qsql::types::{Oid, info, oid};

use super::cell::{NULL, vector};
use super::record::Record;
use super::{RowList, SystemCx, all, is_view};
use crate::catalog::object::RelationObject;
use crate::catalog::{BOOTSTRAP_SUPERUSER, class};

/// OID of the access method `heap`, under which tables are shown.
const HEAP: Oid = 2;
/// OID of the access method `btree`.
const BTREE: Oid = 403;

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

fn class_row<'a>(of: &'a Relation, relation: &Relation, row_type: Oid, pages: i32, rows: f32) -> Record<'a> {
    Record::new(of)
        .set("oid", relation.oid)
        .set("relname", &*relation.name)
        .set("relnamespace", relation.namespace)
        .set("reltype", row_type)
        .set("reloftype", 0u32)
        .set("relowner", relation.owner)
        .set("relam", if relation.kind == RelationKind::Table { HEAP } else { 0 })
        .set("relfilenode", relation.tree)
        .set("reltablespace", 0u32)
        .set("relpages", pages)
        .set("reltuples", rows)
        .set("relallvisible", 0i32)
        .set("relallfrozen", 0i32)
        .set("reltoastrelid", 0u32)
        .set("relhasindex", !relation.indexes.is_empty())
        .set("relisshared", false)
        .set("relpersistence", persistence_byte(relation))
        .set("relkind", kind_byte(relation))
        .set("relnatts", relation.columns.len() as i16)
        .set(
            "relchecks",
            relation.constraints.iter().filter(|c| matches!(c.kind, ConstraintKind::Check(_))).count() as i16,
        )
        .set("relhasrules", relation.kind == RelationKind::View)
        .set("relhastriggers", false)
        .set("relhassubclass", false)
        .set("relrowsecurity", false)
        .set("relforcerowsecurity", false)
        .set("relispopulated", true)
        .set("relreplident", b'd')
        .set("relispartition", false)
        .set("relrewrite", 0u32)
}

fn index_relation(table: &Relation, index: &Index) -> Relation {
    Relation {
        oid: index.oid,
        namespace: table.namespace,
        schema: table.schema.clone(),
        name: index.name.clone(),
        kind: RelationKind::Index,
        persistence: table.persistence,
        owner: table.owner,
        tree: index.tree,
        columns: Vec::new(),
        indexes: Vec::new(),
        constraints: Vec::new(),
        view: None,
        options: Vec::new(),
    }
}

/// `pg_class`
pub(super) fn pg_class(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let mut out: RowList = all().iter().map(|r| class_row(of, r, 0, 0, -1.0).done()).collect();
    for object in cx.view.catalog.relations() {
        let (pages, rows) = rows_of(cx, object.relation.tree);
        out.push(class_row(of, &object.relation, object.row_type, pages, rows).done());
        for index in &object.relation.indexes {
            let (pages, rows) = rows_of(cx, index.tree);
            let shown = index_relation(&object.relation, index);
            let row = class_row(of, &shown, 0, pages, rows)
                .set("relam", BTREE)
                .set("relnatts", index.columns.len() as i16);
            out.push(row.done());
        }
    }
    out
}

fn attribute_rows(of: &Relation, relation: &Relation, out: &mut RowList) {
    for (at, column) in relation.columns.iter().enumerate() {
        let ty = info::by_oid(column.ty.oid);
        let name = if column.dropped {
            format!("........pg.dropped.{}........", at + 1)
        } else {
            column.name.to_string()
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
        let row = Record::new(of)
            .set("attrelid", relation.oid)
            .set("attname", name)
            .set("atttypid", if column.dropped { 0 } else { column.ty.oid })
            .set("attlen", ty.map_or(-1, |t| t.len))
            .set("attnum", at as i16 + 1)
            .set("atttypmod", column.ty.typmod)
            .set("attndims", i16::from(info::element_of(column.ty.oid).is_some()))
            .set("attbyval", ty.is_some_and(|t| t.by_value))
            .set("attalign", ty.map_or(b'i', |t| t.align))
            .set("attstorage", if ty.is_some_and(|t| t.len >= 0) { b'p' } else { b'x' })
            .set("attcompression", 0u8)
            .set("attnotnull", column.not_null)
            .set("atthasdef", column.default.is_some())
            .set("atthasmissing", column.missing.is_some())
            .set("attidentity", identity)
            .set("attgenerated", generated)
            .set("attisdropped", column.dropped)
            .set("attislocal", true)
            .set("attinhcount", 0i16)
            .set("attcollation", column.collation);
        out.push(row.done());
    }
}

/// `pg_attribute`
pub(super) fn pg_attribute(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let mut out = Vec::new();
    for relation in all() {
        attribute_rows(of, relation, &mut out);
    }
    for object in cx.view.catalog.relations() {
        attribute_rows(of, &object.relation, &mut out);
        for index in &object.relation.indexes {
            let mut shown = index_relation(&object.relation, index);
            shown.columns = index.columns.iter().map(|c| index_column(&object.relation, c)).collect();
            attribute_rows(of, &shown, &mut out);
        }
    }
    out
}

fn index_column(table: &Relation, key: &nq_qsql::catalog::IndexColumn) -> nq_qsql::catalog::Column {
    let name = match &key.key {
        IndexKey::Column(at) => table.columns[*at].name.clone(),
        IndexKey::Expression(_) => "expr".into(),
    };
    nq_qsql::catalog::Column {
        name,
        ty: key.ty,
        not_null: false,
        default: None,
        generated: Generated::No,
        collation: key.collation,
        dropped: false,
        missing: None,
    }
}

/// `pg_attrdef`; a default's OID is made of its table and column.
pub(super) fn pg_attrdef(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let mut out = Vec::new();
    for object in cx.view.catalog.relations() {
        for (at, column) in object.relation.columns.iter().enumerate() {
            if let Some(default) = &column.default {
                let row = Record::new(of)
                    .set("oid", object.relation.oid ^ ((at as u32 + 1) << 20))
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
pub(super) fn pg_index(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let mut out = Vec::new();
    for object in cx.view.catalog.relations() {
        for index in &object.relation.indexes {
            let keys = index.columns.iter().map(|c| match c.key {
                IndexKey::Column(at) => at as i16 + 1,
                IndexKey::Expression(_) => 0,
            });
            let options =
                index.columns.iter().map(|c| i16::from(c.descending) | i16::from(c.nulls_first) << 1);
            let row = Record::new(of)
                .set("indexrelid", index.oid)
                .set("indrelid", object.relation.oid)
                .set("indnatts", index.columns.len() as i16)
                .set("indnkeyatts", index.columns.len() as i16)
                .set("indisunique", index.unique)
                .set("indnullsnotdistinct", index.nulls_not_distinct)
                .set("indisprimary", index.primary)
                .set("indisexclusion", false)
                .set("indimmediate", true)
                .set("indisclustered", false)
                .set("indisvalid", index.valid)
                .set("indcheckxmin", false)
                .set("indisready", true)
                .set("indislive", true)
                .set("indisreplident", false)
                .set("indkey", vector(oid::INT2, keys))
                .set("indcollation", vector(oid::OID, index.columns.iter().map(|c| c.collation)))
                .set("indoption", vector(oid::INT2, options))
                .set("indpred", index.predicate.clone());
            out.push(row.done());
        }
    }
    out
}

/// `pg_constraint`
pub(super) fn pg_constraint(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let mut out = Vec::new();
    for object in cx.view.catalog.relations() {
        for constraint in &object.relation.constraints {
            let key = |index: Oid| {
                let index = object.relation.indexes.iter().find(|i| i.oid == index);
                let columns = index.map(|i| i.columns.as_slice()).unwrap_or_default();
                let numbers: Vec<i16> = columns
                    .iter()
                    .map(|c| if let IndexKey::Column(at) = c.key { at as i16 + 1 } else { 0 })
                    .collect();
                super::cell::array(oid::INT2, numbers)
            };
            let (kind, keys, index) = match &constraint.kind {
                ConstraintKind::Check(_) => (b'c', NULL, 0),
                ConstraintKind::NotNull(at) => (b'n', super::cell::array(oid::INT2, [*at as i16 + 1]), 0),
                ConstraintKind::Primary(index) => (b'p', key(*index), *index),
                ConstraintKind::Unique(index) => (b'u', key(*index), *index),
            };
            let row = Record::new(of)
                .set("oid", constraint.oid)
                .set("conname", &*constraint.name)
                .set("connamespace", object.relation.namespace)
                .set("contype", kind)
                .set("condeferrable", false)
                .set("condeferred", false)
                .set("conenforced", true)
                .set("convalidated", constraint.validated)
                .set("conrelid", object.relation.oid)
                .set("contypid", 0u32)
                .set("conindid", index)
                .set("conparentid", 0u32)
                .set("confrelid", 0u32)
                .set("confupdtype", b' ')
                .set("confdeltype", b' ')
                .set("confmatchtype", b' ')
                .set("conislocal", true)
                .set("coninhcount", 0i16)
                .set("connoinherit", false)
                .set("conperiod", false)
                .set("conkey", keys);
            out.push(row.done());
        }
    }
    out
}

/// `pg_namespace`
pub(super) fn pg_namespace(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let namespaces = cx.view.catalog.namespaces();
    let row = |n: &&std::sync::Arc<crate::catalog::object::Namespace>| {
        Record::new(of).set("oid", n.oid).set("nspname", n.name.clone()).set("nspowner", n.owner).done()
    };
    namespaces.iter().map(row).collect()
}

/// `pg_description`
pub(super) fn pg_description(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let row = |(key, text): (&crate::catalog::state::CommentKey, &std::sync::Arc<str>)| {
        Record::new(of)
            .set("classoid", key.0)
            .set("objoid", key.1)
            .set("objsubid", key.2)
            .set("description", text.clone())
            .done()
    };
    cx.view.catalog.comments().map(row).collect()
}

fn user_relations<'a>(
    cx: &'a SystemCx<'_>,
    kind: RelationKind,
) -> impl Iterator<Item = &'a std::sync::Arc<RelationObject>> {
    cx.view.catalog.relations().into_iter().filter(move |o| o.relation.kind == kind)
}

/// `pg_tables`
pub(super) fn pg_tables(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let row = |schema: &str, name: &str, owner: Oid, indexed: bool| {
        Record::new(of)
            .set("schemaname", schema)
            .set("tablename", name)
            .set("tableowner", cx.view.cluster.role_name(owner))
            .set("hasindexes", indexed)
            .set("hasrules", false)
            .set("hastriggers", false)
            .set("rowsecurity", false)
            .done()
    };
    let system = all()
        .into_iter()
        .filter(|r| !is_view(r))
        .map(|r| row(&r.schema, &r.name, BOOTSTRAP_SUPERUSER, false));
    let own = user_relations(cx, RelationKind::Table)
        .map(|o| row(&o.relation.schema, &o.relation.name, o.relation.owner, !o.relation.indexes.is_empty()));
    system.chain(own).collect()
}

/// `pg_depend`: which column owns a sequence.
pub(super) fn pg_depend(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let row = |o: &std::sync::Arc<RelationObject>| {
        let owner = o.owned_by?;
        let row = Record::new(of)
            .set("classid", class::CLASS)
            .set("objid", o.relation.oid)
            .set("objsubid", 0i32)
            .set("refclassid", class::CLASS)
            .set("refobjid", owner.table)
            .set("refobjsubid", owner.column as i32 + 1)
            .set("deptype", if owner.internal { b'i' } else { b'a' });
        Some(row.done())
    };
    user_relations(cx, RelationKind::Sequence).filter_map(row).collect()
}

/// `pg_sequence`
pub(super) fn pg_sequence(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let row = |o: &std::sync::Arc<RelationObject>| {
        let options = o.sequence.as_ref()?;
        let row = Record::new(of)
            .set("seqrelid", o.relation.oid)
            .set("seqtypid", options.ty)
            .set("seqstart", options.start)
            .set("seqincrement", options.increment)
            .set("seqmax", options.max)
            .set("seqmin", options.min)
            .set("seqcache", options.cache)
            .set("seqcycle", options.cycle);
        Some(row.done())
    };
    user_relations(cx, RelationKind::Sequence).filter_map(row).collect()
}
