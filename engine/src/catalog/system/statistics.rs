//! What ANALYZE found: `pg_statistic` and `pg_stats`.

use std::sync::Arc;

use nq_qsql::catalog::{Column, ColumnStats, Relation};
use nq_qsql::error::Result;
use nq_qsql::types::{Datum, Oid, oid};

use super::cell::{NULL, array};
use super::record::Record;
use super::{RowList, SystemCx};
use crate::catalog::object::RelationObject;

/// `stakind` of most common values, histogram and correlation.
const COMMON: i16 = 1;
const HISTOGRAM: i16 = 2;
const CORRELATION: i16 = 3;

/// Every analysed column: table, column number, column, statistics.
fn analysed<'a>(
    cx: &'a SystemCx<'_>,
) -> impl Iterator<Item = (&'a Arc<RelationObject>, usize, &'a Column, ColumnStats)> {
    cx.view.catalog.relations().into_iter().flat_map(move |object| {
        let stats = cx.view.catalog.stats(object.relation.oid).cloned();
        let columns = object.relation.live_columns();
        columns.filter_map(move |(at, column)| {
            let found = stats.as_ref()?.columns.get(at)?.clone()?;
            Some((object, at, column, found))
        })
    })
}

fn values(ty: Oid, items: impl Iterator<Item = Datum>) -> Datum {
    let items: Vec<Datum> = items.collect();
    if items.is_empty() { NULL } else { array(ty, items) }
}

fn frequencies(stats: &ColumnStats) -> Datum {
    values(oid::FLOAT4, stats.common.iter().map(|(_, f)| Datum::Float4(*f as f32)))
}

/// `pg_statistic`
pub(super) fn pg_statistic(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let row = |(object, at, column, stats): (&Arc<RelationObject>, usize, &Column, ColumnStats)| {
        let ordering = nq_qsql::func::opclass::ordering_operators(column.ty.oid).ok();
        let (eq, lt) = ordering.map_or((0, 0), |o| (o.eq.oid, o.lt.oid));
        let mut row = Record::new(of)
            .set("starelid", object.relation.oid)
            .set("staattnum", at as i16 + 1)
            .set("stainherit", false)
            .set("stanullfrac", stats.null_fraction as f32)
            .set("stawidth", stats.width as i32)
            .set("stadistinct", stats.distinct as f32);
        let kinds = [
            (!stats.common.is_empty(), COMMON, eq, frequencies(&stats), {
                values(column.ty.oid, stats.common.iter().map(|(v, _)| v.clone()))
            }),
            (!stats.histogram.is_empty(), HISTOGRAM, lt, NULL, {
                values(column.ty.oid, stats.histogram.iter().cloned())
            }),
            (true, CORRELATION, lt, array(oid::FLOAT4, [stats.correlation as f32]), NULL),
        ];
        let mut slot = 1;
        for (_, kind, operator, numbers, found) in kinds.into_iter().filter(|k| k.0) {
            row = row
                .set(&format!("stakind{slot}"), kind)
                .set(&format!("staop{slot}"), operator)
                .set(&format!("stacoll{slot}"), column.collation)
                .set(&format!("stanumbers{slot}"), numbers)
                .set(&format!("stavalues{slot}"), found);
            slot += 1;
        }
        for slot in slot..=5 {
            row = row
                .set(&format!("stakind{slot}"), 0i16)
                .set(&format!("staop{slot}"), 0u32)
                .set(&format!("stacoll{slot}"), 0u32);
        }
        row.done()
    };
    analysed(cx).map(row).collect()
}

/// `pg_stats`: the columns that the current user may read.
pub(super) fn pg_stats(cx: &SystemCx<'_>, of: &Relation) -> Result<RowList> {
    let mut out = RowList::new();
    for (object, at, column, stats) in analysed(cx) {
        if !may_read(cx, object, at) {
            continue;
        }
        let ty = column.ty.oid;
        let row = Record::new(of)
            .set("schemaname", &*object.relation.schema)
            .set("tablename", &*object.relation.name)
            .set("attname", &*column.name)
            .set("inherited", false)
            .set("null_frac", stats.null_fraction as f32)
            .set("avg_width", stats.width as i32)
            .set("n_distinct", stats.distinct as f32)
            .set("most_common_vals", shown(ty, stats.common.iter().map(|(v, _)| v.clone()))?)
            .set("most_common_freqs", frequencies(&stats))
            .set("histogram_bounds", shown(ty, stats.histogram.iter().cloned())?)
            .set("correlation", stats.correlation as f32);
        out.push(row.done());
    }
    Ok(out)
}

/// Values of any type in one column: as an array of text.
fn shown(ty: Oid, items: impl Iterator<Item = Datum>) -> Result<Datum> {
    let io = nq_qsql::types::IoContext::default();
    let text = |value: Datum| nq_qsql::types::io_text::to_text(&value, ty, &io).map(Datum::text);
    let texts = items.map(text).collect::<Result<Vec<_>>>()?;
    Ok(values(oid::TEXT, texts.into_iter()))
}

fn may_read(cx: &SystemCx<'_>, object: &RelationObject, column: usize) -> bool {
    use crate::catalog::acl;
    let cluster = &cx.view.cluster;
    let member = |other: Oid| cluster.has_privileges_of(cx.user, other);
    let allows = |list: &[acl::AclItem]| acl::allowed(list, &member) & acl::SELECT != 0;
    member(object.relation.owner)
        || object.acl.as_deref().is_some_and(allows)
        || object.column_acl.iter().any(|(at, list)| *at == column && allows(list))
}
