//! Schemas, sequences, comments, dependencies.

use std::sync::Arc;

use nq_qsql::catalog::{ConstraintKind, Relation, RelationKind, UserCastMethod};
use nq_qsql::types::{Datum, Oid};

use super::cell::{NULL, acl_texts};
use super::record::Record;
use super::relations::{constraint_columns, default_oid};
use super::{RowList, SystemCx, descriptions};
use crate::catalog::object::{Namespace, RelationObject, RoutineObject, TypeObject};
use crate::catalog::state::CommentKey;
use crate::catalog::{FIRST_NORMAL_OID, PG_CATALOG, class};
use crate::exec::Keys;

fn user_relations<'a>(
    cx: &'a SystemCx<'_>,
    kind: RelationKind,
) -> impl Iterator<Item = &'a Arc<RelationObject>> {
    cx.view.catalog.relations().into_iter().filter(move |o| o.relation.kind == kind)
}

/// `pg_namespace`
pub(super) fn pg_namespace(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let namespaces = cx.view.catalog.namespaces();
    let row = |n: &&Arc<Namespace>| {
        Record::new(of)
            .set("oid", n.oid)
            .set("nspname", n.name.clone())
            .set("nspowner", n.owner)
            .set("nspacl", acl_texts(cx, n.acl.as_deref()))
            .done()
    };
    namespaces.iter().map(row).collect()
}

/// `pg_sequence`
pub(super) fn pg_sequence(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let row = |o: &Arc<RelationObject>| {
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

/// `pg_description`
pub(super) fn pg_description(cx: &SystemCx<'_>, of: &Relation, keys: &Keys) -> RowList {
    let (catalog, object) = (keys.oid(of, "classoid"), keys.oid(of, "objoid"));
    let row = |key: &CommentKey, text: &str| {
        Record::new(of)
            .set("objoid", key.1)
            .set("classoid", key.0)
            .set("objsubid", key.2)
            .set("description", text.to_owned())
            .done()
    };
    let wanted =
        |key: &CommentKey| catalog.is_none_or(|oid| oid == key.0) && object.is_none_or(|oid| oid == key.1);
    let own = cx.view.catalog.comments().filter(|(key, _)| wanted(key)).map(|(key, text)| row(key, text));
    let built_in = descriptions::all()
        .map(|(catalog, object, text)| (CommentKey(catalog, object, 0), text))
        .filter(|(key, _)| wanted(key) && cx.view.catalog.comment(*key).is_none())
        .map(|(key, text)| row(&key, text));
    own.chain(built_in).collect()
}

/// `pg_shdescription`
pub(super) fn pg_shdescription(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let row = |(key, text): (&CommentKey, &Arc<str>)| {
        Record::new(of).set("objoid", key.1).set("classoid", key.0).set("description", text.clone()).done()
    };
    cx.view.cluster.comments().map(row).collect()
}

/// One end of a dependency: catalog, object, column.
type End = (Oid, Oid, i32);

/// `pg_default_acl`. What a list is for is its identity, so that its OID is made of that.
pub(super) fn pg_default_acl(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let mut out = RowList::new();
    for (key, list) in cx.view.catalog.default_acls() {
        let kind = key.kind as u8;
        let row = Record::new(of)
            .set("oid", key.role ^ key.namespace.rotate_left(8) ^ (u32::from(kind) << 24))
            .set("defaclrole", key.role)
            .set("defaclnamespace", key.namespace)
            .set("defaclobjtype", kind)
            .set("defaclacl", acl_texts(cx, Some(list)));
        out.push(row.done());
    }
    out
}

/// `pg_rewrite`: the rule of each view. It has the view's own OID.
pub(super) fn pg_rewrite(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let row = |relation: &Relation| {
        Record::new(of)
            .set("oid", relation.oid)
            .set("rulename", "_RETURN")
            .set("ev_class", relation.oid)
            .set("ev_type", b'1')
            .set("ev_enabled", b'O')
            .set("is_instead", true)
            .set("ev_qual", "<>")
            .set("ev_action", relation.view.clone().map_or(NULL, Datum::Text))
            .done()
    };
    let views = super::all().into_iter().filter(|r| super::is_view(r)).map(|r| row(r));
    let own = cx.view.catalog.relations().into_iter().filter(|o| o.relation.view.is_some());
    views.chain(own.map(|o| row(&o.relation))).collect()
}

/// `pg_depend`
pub(super) fn pg_depend(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let mut out = RowList::new();
    let mut put = |from: End, to: End, kind: u8| {
        let row = Record::new(of)
            .set("classid", from.0)
            .set("objid", from.1)
            .set("objsubid", from.2)
            .set("refclassid", to.0)
            .set("refobjid", to.1)
            .set("refobjsubid", to.2)
            .set("deptype", kind);
        out.push(row.done());
    };
    for object in cx.view.catalog.relations() {
        dependencies(cx, object, &mut put);
    }
    for object in cx.view.catalog.routines() {
        routine_dependencies(cx, object, &mut put);
    }
    for object in cx.view.catalog.type_objects() {
        type_dependencies(object, &mut put);
    }
    operation_dependencies(cx, &mut put);
    out
}

/// What a type is in and cannot be without; that of a relation's rows comes with the relation.
fn type_dependencies(object: &TypeObject, put: &mut dyn FnMut(End, End, u8)) {
    let ty = &object.ty;
    let this = (class::TYPE, ty.info.oid, 0);
    put(this, (class::NAMESPACE, ty.namespace, 0), b'n');
    if ty.info.array_oid != 0 {
        put((class::TYPE, ty.info.array_oid, 0), this, b'i');
    }
    if let Some(domain) = ty.domain() {
        if domain.over.oid >= FIRST_NORMAL_OID {
            put(this, (class::TYPE, domain.over.oid, 0), b'n');
        }
        let checks = domain.checks.iter().map(|c| c.constraint.oid);
        for constraint in checks.chain(domain.not_null.iter().map(|c| c.oid)) {
            put((class::CONSTRAINT, constraint, 0), this, b'a');
        }
    }
}

/// The catalog that something used is in.
fn class_of(cx: &SystemCx<'_>, oid: Oid) -> Oid {
    let catalog = &cx.view.catalog;
    match oid {
        _ if catalog.routine(oid).is_some() => class::PROC,
        _ if catalog.operations().operator(oid).is_some() => class::OPERATOR,
        _ => class::CLASS,
    }
}

/// What operators and casts cannot be without.
fn operation_dependencies(cx: &SystemCx<'_>, put: &mut dyn FnMut(End, End, u8)) {
    let user = |oid: &Oid| *oid >= FIRST_NORMAL_OID;
    for o in cx.view.catalog.operations().operators() {
        let this = (class::OPERATOR, o.oid, 0);
        put(this, (class::NAMESPACE, o.namespace, 0), b'n');
        for ty in [o.left, o.right, o.result].iter().filter(|ty| user(ty)) {
            put(this, (class::TYPE, *ty, 0), b'n');
        }
        if user(&o.function) {
            put(this, (class::PROC, o.function, 0), b'n');
        }
    }
    for c in cx.view.catalog.operations().casts() {
        let this = (class::CAST, c.oid, 0);
        for ty in [c.source, c.target].iter().filter(|ty| user(ty)) {
            put(this, (class::TYPE, *ty, 0), b'n');
        }
        if let UserCastMethod::Function(function) = c.method
            && user(&function)
        {
            put(this, (class::PROC, function, 0), b'n');
        }
    }
}

/// What a function or procedure is in and cannot be without.
fn routine_dependencies(cx: &SystemCx<'_>, object: &RoutineObject, put: &mut dyn FnMut(End, End, u8)) {
    let routine = &object.routine;
    let this = (class::PROC, routine.oid, 0);
    put(this, (class::NAMESPACE, routine.namespace, 0), b'n');
    let mut types: Vec<Oid> = routine.params.iter().map(|p| p.ty).chain([routine.result]).collect();
    types.retain(|ty| *ty >= FIRST_NORMAL_OID);
    types.sort_unstable();
    types.dedup();
    types.into_iter().for_each(|ty| put(this, (class::TYPE, ty, 0), b'n'));
    let firm = routine.body.standard.is_some() || routine.aggregate.is_some();
    for &used in object.depends.iter().filter(|_| firm) {
        put(this, (class_of(cx, used), used, 0), b'n');
    }
}

fn dependencies(cx: &SystemCx<'_>, object: &RelationObject, put: &mut dyn FnMut(End, End, u8)) {
    let relation = &object.relation;
    let whole = (class::CLASS, relation.oid, 0);
    let column = |at: usize| (class::CLASS, relation.oid, at as i32 + 1);
    if relation.namespace != PG_CATALOG && relation.kind != RelationKind::Composite {
        put(whole, (class::NAMESPACE, relation.namespace, 0), b'n');
    }
    if let Some(owner) = object.owned_by {
        let kind = if owner.internal { b'i' } else { b'a' };
        put(whole, (class::CLASS, owner.table, owner.column as i32 + 1), kind);
    }
    if let Some(row) = &object.row_type {
        let own = (class::TYPE, row.oid, 0);
        match relation.kind {
            RelationKind::Composite => {
                put(own, (class::NAMESPACE, relation.namespace, 0), b'n');
                put(whole, own, b'i');
            }
            _ => put(own, whole, b'i'),
        }
        put((class::TYPE, row.array, 0), own, b'i');
    }
    for (at, c) in relation.columns.iter().enumerate() {
        if !c.dropped && c.ty.oid >= FIRST_NORMAL_OID {
            put(column(at), (class::TYPE, c.ty.oid, 0), b'n');
        }
        if c.shown_default().is_some() {
            put((ATTRDEF, default_oid(relation.oid, at), 0), column(at), b'a');
        }
    }
    for constraint in &relation.constraints {
        let this = (class::CONSTRAINT, constraint.oid, 0);
        for at in constraint_columns(cx, relation, constraint) {
            put(this, column(at), b'a');
        }
        if let Some(key) = constraint.foreign_key() {
            for at in &key.ref_columns {
                put(this, (class::CLASS, key.table, *at as i32 + 1), b'n');
            }
            put(this, (class::CLASS, key.index, 0), b'n');
        }
        if let ConstraintKind::Primary(index)
        | ConstraintKind::Unique(index)
        | ConstraintKind::Exclude(index) = constraint.kind
        {
            put((class::CLASS, index, 0), this, b'i');
        }
    }
    for index in relation.indexes.iter().filter(|i| i.constraint == 0) {
        for key in &index.columns {
            if let nq_qsql::catalog::IndexKey::Column(at) = key.key {
                put((class::CLASS, index.oid, 0), column(at), b'a');
            }
        }
    }
    if relation.view.is_some() {
        put((REWRITE, relation.oid, 0), whole, b'i');
    }
    for use_of in &object.depends {
        let from = match use_of.from {
            Some(at) => (ATTRDEF, default_oid(relation.oid, at), 0),
            None => (REWRITE, relation.oid, 0),
        };
        let sub = use_of.column.map_or(0, |at| at as i32 + 1);
        let used = use_of.relation;
        put(from, (class_of(cx, used), used, sub), b'n');
    }
}

/// OIDs of `pg_attrdef` and `pg_rewrite`.
const ATTRDEF: Oid = 2604;
const REWRITE: Oid = 2618;
