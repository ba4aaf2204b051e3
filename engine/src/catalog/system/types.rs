//! Types, casts, collations, access methods.

use nq_qsql::catalog::Relation;
use nq_qsql::func::{self, CastContext, CastMethod};
use nq_qsql::types::{Datum, Oid, info};

use super::record::Record;
use super::{Keys, RowList, SystemCx, data};
use crate::catalog::object::RelationObject;
use crate::catalog::{BOOTSTRAP_SUPERUSER, PG_CATALOG};

/// `record_in`, `record_out`, `record_recv`, `record_send`: the functions of row types.
const RECORD_FUNCTIONS: [Oid; 8] = [2290, 2291, 2402, 2403, 0, 0, 0, 0];

/// `pg_type`
pub(super) fn pg_type(cx: &SystemCx<'_>, of: &Relation, keys: &Keys) -> RowList {
    let (oid, name) = (keys.oid(of, "oid"), keys.text(of, "typname"));
    let wanted = |o: Oid, n: &str| oid.is_none_or(|oid| oid == o) && name.is_none_or(|name| name == n);
    let built_in: Vec<&info::TypeInfo> = match oid {
        Some(oid) => info::by_oid(oid).into_iter().collect(),
        None => info::all().iter().collect(),
    };
    let built_in = built_in.into_iter().filter(|t| wanted(t.oid, t.name)).map(|t| base_row(of, t));
    let own: Vec<&std::sync::Arc<RelationObject>> = match oid {
        Some(oid) => cx.view.catalog.row_type(oid).into_iter().collect(),
        None => cx.view.catalog.relations(),
    };
    let own = own.into_iter().filter(|o| o.row_type != 0 && wanted(o.row_type, &o.relation.name));
    built_in.chain(own.map(|o| row_type(of, o))).collect()
}

fn functions<'a>(row: Record<'a>, f: &[Oid]) -> Record<'a> {
    row.set("typinput", f[0])
        .set("typoutput", f[1])
        .set("typreceive", f[2])
        .set("typsend", f[3])
        .set("typmodin", f[4])
        .set("typmodout", f[5])
        .set("typanalyze", f[6])
}

fn base_row(of: &Relation, t: &info::TypeInfo) -> Vec<Datum> {
    const NONE: &[Oid] = &[0; 8];
    let (f, storage) = data::type_functions(t.oid).unwrap_or((NONE, b'p'));
    let row = Record::new(of)
        .set("oid", t.oid)
        .set("typname", t.name)
        .set("typnamespace", PG_CATALOG)
        .set("typowner", BOOTSTRAP_SUPERUSER)
        .set("typlen", t.len)
        .set("typbyval", t.by_value)
        .set("typtype", kind(t.kind))
        .set("typcategory", t.category)
        .set("typispreferred", t.preferred)
        .set("typisdefined", true)
        .set("typdelim", t.delim)
        .set("typrelid", 0u32)
        .set("typsubscript", f[7])
        .set("typelem", t.element_oid)
        .set("typarray", t.array_oid);
    functions(row, f)
        .set("typalign", t.align)
        .set("typstorage", storage)
        .set("typnotnull", false)
        .set("typbasetype", 0u32)
        .set("typtypmod", -1i32)
        .set("typndims", 0i32)
        .set("typcollation", nq_qsql::bind::collation_of(t.oid))
        .done()
}

/// `pg_type.typtype`
fn kind(kind: info::TypeKind) -> u8 {
    match kind {
        info::TypeKind::Base | info::TypeKind::Array => b'b',
        info::TypeKind::Pseudo => b'p',
        info::TypeKind::Range => b'r',
        info::TypeKind::Multirange => b'm',
    }
}

fn row_type(of: &Relation, o: &RelationObject) -> Vec<Datum> {
    let row = Record::new(of)
        .set("oid", o.row_type)
        .set("typname", &*o.relation.name)
        .set("typnamespace", o.relation.namespace)
        .set("typowner", o.relation.owner)
        .set("typlen", -1i16)
        .set("typbyval", false)
        .set("typtype", b'c')
        .set("typcategory", b'C')
        .set("typispreferred", false)
        .set("typisdefined", true)
        .set("typdelim", b',')
        .set("typrelid", o.relation.oid)
        .set("typsubscript", 0u32)
        .set("typelem", 0u32)
        .set("typarray", 0u32);
    functions(row, &RECORD_FUNCTIONS)
        .set("typalign", b'd')
        .set("typstorage", b'x')
        .set("typnotnull", false)
        .set("typbasetype", 0u32)
        .set("typtypmod", -1i32)
        .set("typndims", 0i32)
        .set("typcollation", 0u32)
        .done()
}

/// `pg_cast`
pub(super) fn pg_cast(of: &Relation) -> RowList {
    let row = |c: &func::Cast| {
        let (method, function) = match c.method {
            CastMethod::Function(oid) => (b'f', oid),
            CastMethod::Binary => (b'b', 0),
            CastMethod::InOut => (b'i', 0),
        };
        let context = match c.context {
            CastContext::Implicit => b'i',
            CastContext::Assignment => b'a',
            CastContext::Explicit => b'e',
        };
        Record::new(of)
            .set("oid", c.oid)
            .set("castsource", c.source)
            .set("casttarget", c.target)
            .set("castfunc", function)
            .set("castcontext", context)
            .set("castmethod", method)
            .done()
    };
    func::all_casts().map(row).collect()
}

/// `pg_am`
pub(super) fn pg_am(of: &Relation) -> RowList {
    let row = |(oid, name, handler, kind): (u32, &str, u32, u8)| {
        Record::new(of)
            .set("oid", oid)
            .set("amname", name)
            .set("amhandler", handler)
            .set("amtype", kind)
            .done()
    };
    [(2, "heap", 3, b't'), (403, "btree", 330, b'i')].into_iter().map(row).collect()
}

/// `pg_collation`
pub(super) fn pg_collation(of: &Relation) -> RowList {
    let row = |(oid, name, provider, rules): (u32, &str, u8, Option<&str>)| {
        Record::new(of)
            .set("oid", oid)
            .set("collname", name)
            .set("collnamespace", PG_CATALOG)
            .set("collowner", BOOTSTRAP_SUPERUSER)
            .set("collprovider", provider)
            .set("collisdeterministic", true)
            .set("collencoding", -1i32)
            .set("collcollate", rules)
            .set("collctype", rules)
            .done()
    };
    [(100, "default", b'd', None), (950, "C", b'c', Some("C")), (951, "POSIX", b'c', Some("POSIX"))]
        .into_iter()
        .map(row)
        .collect()
}
