//! Paths by indexes that are searched and not read in their order: hash, GIN, GiST, SP-GiST.
//!
//! A condition is answered when its operator belongs to the class of a key column, with the key on the left or under the operator's
//! commutator. The index may find more: all conditions are checked again on the rows.

use std::sync::Arc;

use super::{Access, IndexPath, KeyOp, Path, is_key, key_first};
use crate::catalog::Index;
use crate::func::Volatility;
use crate::func::access::{KeyForm, OperatorClass, Search, class_by_oid};
use crate::optimize::columns::ColumnSet;
use crate::optimize::cost::{
    CPU_INDEX_TUPLE, CPU_OPERATOR, DESCENT, FETCH, VISIT, pages_fetched, penalty, random_page,
};
use crate::optimize::fold::volatility;
use crate::plan::expr::{Expr, ExprKind};
use crate::plan::logical::LogicalScan;
use crate::plan::physical::{IndexRange, SearchClause};
use crate::types::{DataType, Oid};

impl Access<'_, '_> {
    /// The path by an index that is no B-tree; `None` when it answers no condition.
    pub(super) fn search_path(
        &self,
        scan: &LogicalScan,
        index: &Arc<Index>,
        conditions: &[Expr],
        rows: f64,
        pages: f64,
        out_rows: f64,
    ) -> Option<Path> {
        let keys = self.key_exprs(scan, index)?;
        let implied = match &index.predicate {
            Some(text) => self.implied(scan, text, conditions)?,
            None => Vec::new(),
        };
        let own = ColumnSet::of(scan.columns.iter().map(|c| c.0));
        let (mut clauses, mut used) = (Vec::new(), Vec::new());
        for (column, (key, of_index)) in keys.iter().zip(&index.columns).enumerate() {
            let class = class_by_oid(of_index.opclass)?;
            for (source, e) in conditions.iter().enumerate() {
                let ty = (of_index.ty, of_index.collation);
                if let Some((search, value)) = self.match_search(key, ty, class, e, &own) {
                    clauses.push(SearchClause { column, search, value });
                    used.push(source);
                }
            }
        }
        // Keys of several columns stand behind each other, unless they are entries.
        if !clauses.iter().any(|c| c.column == 0 || !index.method.scans()) {
            return None;
        }
        let answered: Vec<Expr> = used.iter().map(|&i| key_first(&conditions[i], &keys)).collect();
        let filter: Vec<Expr> = conditions
            .iter()
            .enumerate()
            .filter(|(i, _)| !used.contains(i) && !implied.contains(i))
            .map(|(_, e)| e.clone())
            .collect();
        let share: Vec<Expr> = used.iter().chain(&implied).map(|&i| conditions[i].clone()).collect();
        let selected = (rows * self.estimator.conjunction(&share)).max(1.0);
        let page = random_page(self.cx, pages);
        let searches = clauses.len() as f64;
        let startup = searches * (DESCENT + page)
            + (selected / 400.0).floor() * page
            + selected * (CPU_INDEX_TUPLE + CPU_OPERATOR) * searches;
        let fetched = pages_fetched(selected, pages);
        let total = startup
            + fetched * (page + VISIT)
            + selected * (FETCH + CPU_OPERATOR * (filter.len() + answered.len()) as f64)
            + penalty(self.cx, if index.method.scans() { "enable_indexscan" } else { "enable_bitmapscan" });
        Some(Path {
            index: Some(IndexPath {
                index: index.clone(),
                range: IndexRange::default(),
                backward: false,
                index_only: false,
                shown: answered,
                clauses,
            }),
            filter,
            rows: out_rows.min(selected),
            startup,
            total,
            order: Vec::new(),
            point: false,
            clustered: false,
        })
    }

    /// What a condition asks of a key, and the value that it compares with.
    fn match_search(
        &self,
        key: &Expr,
        (ty, collation): (DataType, Oid),
        class: &OperatorClass,
        e: &Expr,
        own: &ColumnSet,
    ) -> Option<(Search, Expr)> {
        if class.form == KeyForm::Hashed {
            return match self.match_key(key, ty, collation, e, own)? {
                (KeyOp::Equal, Some(value)) => Some((Search::Equal, value)),
                _ => None,
            };
        }
        let ExprKind::Call { args, operator, .. } = &e.kind else { return None };
        let [left, right] = args.as_slice() else { return None };
        let free = |e: &Expr| {
            !self.parts.columns_of(e).intersects(own)
                && volatility(e) != Volatility::Volatile
                && !e.has_subquery()
        };
        if is_key(key, left) && free(right) {
            return Some((class.search(*operator)?, right.clone()));
        }
        if is_key(key, right) && free(left) {
            return Some((class.commuted(*operator)?.1, left.clone()));
        }
        None
    }
}
