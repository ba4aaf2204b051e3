//! GROUP BY, HAVING, aggregates, windows and set-returning targets: what happens between WHERE and the projection.
//!
//! Expressions were bound over the FROM clause. Here those that are grouping expressions become the aggregation's columns,
//! aggregates become its other columns, and what is left of the FROM clause is 42803 - unless the grouping columns
//! contain the primary key of its table.

use std::sync::Arc;

use super::Binder;
use super::aggregate::loose_column;
use super::query::sorted;
use super::scope::Clause;
use super::select::TargetEntry;
use crate::catalog::{IndexKey, Relation};
use crate::error::{Result, SqlError};
use crate::func::category::display;
use crate::func::opclass::equality_operator;
use crate::func::{CastContext, HYPOTHETICAL};
use crate::parse::ast::{
    ExprKind as A, FrameBound as AstBound, FrameExclude as AstExclude, FrameUnits, GroupItem, Ident, Select,
    WindowSpec as AstWindow,
};
use crate::plan::expr::{
    AggregateCall, ColumnId, Expr, ExprKind, Frame, FrameBound, FrameExclude, FrameUnit, SortKey, WindowCall,
};
use crate::plan::logical::Logical;
use crate::plan::same::{same, same_aggregate, same_window};
use crate::types::{DataType, Datum, Oid, oid};
use crate::{bail, sql_err};

fn ungrouped(name: &str) -> SqlError {
    let what = "must appear in the GROUP BY clause or be used in an aggregate function";
    sql_err!(GROUPING_ERROR, "column \"{name}\" {what}")
}

/// A window with its parts bound.
#[derive(Clone)]
pub(crate) struct BoundWindow {
    pub(crate) partition: Vec<Expr>,
    pub(crate) order: Vec<SortKey>,
    pub(crate) frame: Frame,
    /// Whether a frame was written.
    framed: bool,
    pub(crate) pos: u32,
}

impl BoundWindow {
    pub(crate) fn has_offset(&self) -> bool {
        let offset = |b: &FrameBound| matches!(b, FrameBound::Preceding(_) | FrameBound::Following(_));
        offset(&self.frame.start) || offset(&self.frame.end)
    }
}

/// A bound GROUP BY.
#[derive(Default)]
pub(crate) struct Grouping {
    /// The distinct grouping expressions.
    pub(crate) exprs: Vec<Expr>,
    /// Grouping sets as indexes into them; empty for plain grouping.
    pub(crate) sets: Vec<Vec<u32>>,
}

/// A table of the scope with the ids of its columns by index.
type TableColumns = (Arc<Relation>, Vec<(usize, ColumnId)>);

/// What grouping knows while it rewrites expressions.
struct Rewrite {
    block: u32,
    group: Vec<(ColumnId, Expr)>,
    sets: Vec<Vec<u32>>,
    grouping_mask: Option<ColumnId>,
    aggregates: Vec<(ColumnId, AggregateCall)>,
    /// Inside a subquery of the level.
    in_subquery: bool,
}

const MAX_GROUPING_SETS: usize = 4096;

impl Binder<'_> {
    pub(crate) fn bind_group_by(&mut self, select: &Select, targets: &[TargetEntry]) -> Result<Grouping> {
        let mut out = Grouping::default();
        let plain = select.group_by.iter().all(|i| matches!(i, GroupItem::Expr(_)));
        // Every item is a list of alternatives; the sets are their cross product.
        let mut sets: Vec<Vec<u32>> = vec![Vec::new()];
        for item in &select.group_by {
            let alternatives = self.bind_group_item(item, targets, &mut out.exprs)?;
            let mut product = Vec::with_capacity(sets.len() * alternatives.len());
            for set in &sets {
                for more in &alternatives {
                    let mut joined = set.clone();
                    for &e in more {
                        if !joined.contains(&e) {
                            joined.push(e);
                        }
                    }
                    product.push(joined);
                }
            }
            if product.len() > MAX_GROUPING_SETS {
                bail!(STATEMENT_TOO_COMPLEX, "too many grouping sets present (maximum 4096)");
            }
            sets = product;
        }
        if select.group_distinct {
            let mut seen: Vec<Vec<u32>> = Vec::new();
            sets.retain(|set| {
                let mut sorted = set.clone();
                sorted.sort_unstable();
                let new = !seen.contains(&sorted);
                if new {
                    seen.push(sorted);
                }
                new
            });
        }
        // One set of everything is plain grouping.
        let whole = matches!(sets.as_slice(), [set] if set.len() == out.exprs.len() && !set.is_empty());
        if !plain && !whole {
            out.sets = sets;
        }
        Ok(out)
    }

    fn bind_group_item(
        &mut self,
        item: &GroupItem,
        targets: &[TargetEntry],
        exprs: &mut Vec<Expr>,
    ) -> Result<Vec<Vec<u32>>> {
        match item {
            GroupItem::Empty => Ok(vec![Vec::new()]),
            GroupItem::Expr(id) => Ok(vec![self.bind_group_expr(*id, targets, exprs)?]),
            GroupItem::Rollup(ids) => {
                let mut groups = Vec::with_capacity(ids.len());
                for &id in ids {
                    groups.push(self.bind_group_expr(id, targets, exprs)?);
                }
                Ok((0..=groups.len()).rev().map(|n| groups[..n].concat()).collect())
            }
            GroupItem::Cube(ids) => {
                if ids.len() > 12 {
                    bail!(TOO_MANY_COLUMNS, "CUBE is limited to 12 elements");
                }
                let mut groups = Vec::with_capacity(ids.len());
                for &id in ids {
                    groups.push(self.bind_group_expr(id, targets, exprs)?);
                }
                let n = groups.len();
                let set = |mask: usize| {
                    (0..n)
                        .filter(|i| mask & (1 << (n - 1 - i)) != 0)
                        .flat_map(|i| groups[i].clone())
                        .collect()
                };
                Ok((0..1usize << n).rev().map(set).collect())
            }
            GroupItem::Sets(items) => {
                let mut all = Vec::new();
                for item in items {
                    all.extend(self.nested(|b| b.bind_group_item(item, targets, exprs))?);
                }
                Ok(all)
            }
        }
    }

    /// Binds one grouping expression (a row stands for its fields) and returns the indexes.
    fn bind_group_expr(
        &mut self,
        id: crate::parse::ast::ExprId,
        targets: &[TargetEntry],
        exprs: &mut Vec<Expr>,
    ) -> Result<Vec<u32>> {
        let ast = self.ast;
        if let A::Row { items, explicit: false } = &ast[id].kind {
            let mut out = Vec::new();
            for &item in items {
                out.extend(self.bind_group_expr(item, targets, exprs)?);
            }
            return Ok(out);
        }
        let mut list: Vec<TargetEntry> = targets
            .iter()
            .map(|t| TargetEntry { name: t.name.clone(), expr: t.expr.clone(), junk: t.junk })
            .collect();
        let index = self.find_target(id, &mut list, "GROUP BY", false)?;
        let expr = self.settle(list.swap_remove(index).expr)?;
        let pos = ast.start_of(id);
        if let Some(inner) =
            first_of(&expr, &|e| matches!(e.kind, ExprKind::Aggregate(_) | ExprKind::Grouping(_)))
        {
            return Err(sql_err!(GROUPING_ERROR, "aggregate functions are not allowed in GROUP BY").at(inner));
        }
        if let Some(inner) = first_of(&expr, &|e| matches!(e.kind, ExprKind::Window(_))) {
            return Err(sql_err!(WINDOWING_ERROR, "window functions are not allowed in GROUP BY").at(inner));
        }
        equality_operator(expr.ty.oid).map_err(|e| e.at(pos))?;
        self.note_expr(id, &expr);
        let found = exprs.iter().position(|e| same(e, &expr));
        Ok(vec![found.unwrap_or_else(|| {
            exprs.push(expr);
            exprs.len() - 1
        }) as u32])
    }

    /// Puts the aggregation (and HAVING) on top of `plan` and rewrites the targets over it.
    pub(crate) fn apply_grouping(
        &mut self,
        plan: Logical,
        grouping: Grouping,
        targets: &mut [TargetEntry],
        having: Option<Expr>,
    ) -> Result<Logical> {
        let block = self.scope().block;
        let group = grouping
            .exprs
            .into_iter()
            .map(|e| {
                let id = self.column_for(&e);
                (id, e)
            })
            .collect();
        let mut rewrite = Rewrite {
            block,
            group,
            sets: grouping.sets,
            grouping_mask: None,
            aggregates: Vec::new(),
            in_subquery: false,
        };
        for target in targets.iter_mut() {
            // A constant that is grouped by is NULL in the rows of sets without it.
            let constant = matches!(target.expr.kind, ExprKind::Const(_)) && !rewrite.sets.is_empty();
            if let Some((id, _)) = rewrite.group.iter().find(|(_, g)| constant && same(g, &target.expr)) {
                target.expr = self.column(*id);
            }
            self.regroup(&mut target.expr, &mut rewrite)?;
        }
        let having = match having {
            Some(mut e) => {
                self.regroup(&mut e, &mut rewrite)?;
                let mut list = Vec::new();
                super::coerce::conjuncts(e, &mut list);
                list
            }
            None => Vec::new(),
        };
        // Sets in grouping expressions are made before the groups.
        let plan = self.apply_sets(plan, rewrite.group.iter_mut().map(|(_, e)| e).collect());
        let plan = Logical::Aggregate {
            input: Box::new(plan),
            group: rewrite.group,
            sets: rewrite.sets,
            grouping_mask: rewrite.grouping_mask,
            aggregates: rewrite.aggregates,
        };
        Ok(plan.filter(having))
    }

    /// Rewrites an expression over FROM into one over the aggregation.
    fn regroup(&mut self, e: &mut Expr, rewrite: &mut Rewrite) -> Result<()> {
        let at = e.at;
        // Constants are never replaced: a grouping constant stays what it is.
        if !matches!(e.kind, ExprKind::Const(_))
            && let Some((id, _)) = rewrite.group.iter().find(|(_, g)| same(g, e))
        {
            *e = self.column(*id);
            e.at = at;
            return Ok(());
        }
        match &mut e.kind {
            ExprKind::Aggregate(call) => {
                let level = self.aggregate_level(call);
                if self.scopes.get(level).is_some_and(|s| s.block == rewrite.block)
                    || self.is_own(call, rewrite.block)
                {
                    self.check_direct(call, rewrite)?;
                    let known = rewrite.aggregates.iter().find(|(_, c)| same_aggregate(c, call)).map(|c| c.0);
                    let (ty, collation) = (e.ty, e.collation);
                    let id = match known {
                        Some(id) => id,
                        None => {
                            let id = self.new_column(ty);
                            self.s.collations[id as usize] = collation;
                            self.s.blocks[id as usize] = rewrite.block;
                            rewrite.aggregates.push((id, (**call).clone()));
                            id
                        }
                    };
                    *e = self.column(id);
                    e.at = at;
                }
                Ok(())
            }
            ExprKind::Grouping(args) => {
                let args = std::mem::take(args);
                *e = self.regroup_grouping(&args, rewrite, at)?;
                Ok(())
            }
            ExprKind::Column(id) => {
                let id = *id;
                if self.s.blocks[id as usize] != rewrite.block
                    || rewrite.aggregates.iter().any(|a| a.0 == id)
                    || rewrite.group.iter().any(|g| g.0 == id)
                {
                    return Ok(());
                }
                if rewrite.sets.is_empty() && self.depends_on_group(id, rewrite) {
                    let new = self.column_for(&self.column(id));
                    rewrite.group.push((new, self.column(id)));
                    *e = self.column(new);
                    e.at = at;
                    return Ok(());
                }
                let name = self.qualified_name(id);
                let error = if rewrite.in_subquery {
                    sql_err!(GROUPING_ERROR, "subquery uses ungrouped column \"{name}\" from outer query")
                } else {
                    ungrouped(&name)
                };
                Err(if at == u32::MAX { error } else { error.at(at) })
            }
            ExprKind::Subquery { query, .. } => {
                let query = *query;
                self.regroup_children(e, rewrite)?;
                self.regroup_subquery(query, rewrite)
            }
            _ => self.regroup_children(e, rewrite),
        }
    }

    /// 42803 for a direct argument of an ordered-set aggregate that varies within a group.
    fn check_direct(&mut self, call: &AggregateCall, rewrite: &Rewrite) -> Result<()> {
        let direct = match call.func.direct_args {
            None => return Ok(()),
            Some(HYPOTHETICAL) => call.order.len(),
            Some(n) => usize::from(n),
        };
        let grouped = |e: &Expr| rewrite.group.iter().any(|(_, g)| same(g, e));
        let own = |id: ColumnId| self.s.blocks[id as usize] == rewrite.block;
        match call.args.iter().take(direct).find_map(|arg| loose_column(arg, &grouped, &own)) {
            Some((id, _)) if rewrite.sets.is_empty() && self.depends_on_group(id, rewrite) => Ok(()),
            Some((id, at)) => {
                let name = self.qualified_name(id);
                let error = ungrouped(&name)
                    .detail("Direct arguments of an ordered-set aggregate must use only grouped columns.");
                Err(if at == u32::MAX { error } else { error.at(at) })
            }
            None => Ok(()),
        }
    }

    /// Whether an aggregate met inside a subquery belongs to the block (its columns are of it).
    fn is_own(&self, call: &AggregateCall, block: u32) -> bool {
        let columns = super::aggregate::aggregate_columns(call);
        !columns.is_empty() && columns.iter().all(|&c| self.s.blocks[c as usize] == block)
    }

    fn regroup_children(&mut self, e: &mut Expr, rewrite: &mut Rewrite) -> Result<()> {
        let mut result = Ok(());
        e.each_child_mut(&mut |child| {
            if result.is_ok() {
                result = self.regroup(child, rewrite);
            }
        });
        result
    }

    fn regroup_subquery(&mut self, query: u32, rewrite: &mut Rewrite) -> Result<()> {
        let Some(mut subquery) = self.s.subqueries[query as usize].take() else { return Ok(()) };
        let outer = std::mem::replace(&mut rewrite.in_subquery, true);
        let result = self.regroup_plan(&mut subquery.plan, rewrite);
        rewrite.in_subquery = outer;
        self.s.subqueries[query as usize] = Some(subquery);
        result
    }

    fn regroup_plan(&mut self, plan: &mut Logical, rewrite: &mut Rewrite) -> Result<()> {
        let mut result = Ok(());
        plan.each_expr_mut(&mut |e| {
            if result.is_ok() {
                result = self.regroup_inner(e, rewrite);
            }
        });
        plan.each_input_mut(&mut |input| {
            if result.is_ok() {
                result = self.regroup_plan(input, rewrite);
            }
        });
        result
    }

    /// In a subquery only the level's columns and aggregates are touched.
    fn regroup_inner(&mut self, e: &mut Expr, rewrite: &mut Rewrite) -> Result<()> {
        match &e.kind {
            ExprKind::Column(_) => self.regroup(e, rewrite),
            ExprKind::Aggregate(call) if self.is_own(call, rewrite.block) => self.regroup(e, rewrite),
            _ => {
                if let ExprKind::Subquery { query, .. } = e.kind {
                    self.regroup_subquery(query, rewrite)?;
                }
                let mut result = Ok(());
                e.each_child_mut(&mut |child| {
                    if result.is_ok() {
                        result = self.regroup_inner(child, rewrite);
                    }
                });
                result
            }
        }
    }

    /// `GROUPING(...)`: the bit of an argument is set where the row's grouping set leaves it out.
    fn regroup_grouping(&mut self, args: &[u32], rewrite: &mut Rewrite, at: u32) -> Result<Expr> {
        let mut positions = Vec::with_capacity(args.len());
        for &arg in args {
            let expr = self.scope().grouping[arg as usize].clone();
            match rewrite.group.iter().position(|(_, g)| same(g, &expr)) {
                Some(i) => positions.push(i as u32),
                None => {
                    return Err(sql_err!(
                        GROUPING_ERROR,
                        "arguments to GROUPING must be grouping expressions of the associated query level"
                    )
                    .at(expr.at));
                }
            }
        }
        let int = DataType::of(oid::INT4);
        if rewrite.sets.is_empty() {
            return Ok(super::expr::at(Expr::constant(Datum::Int4(0), int), at));
        }
        let index = match rewrite.grouping_mask {
            Some(id) => id,
            None => {
                let id = self.new_column(int);
                rewrite.grouping_mask = Some(id);
                id
            }
        };
        if rewrite.group.len() > 31 {
            return Err(SqlError::unsupported("GROUPING over more than 31 grouping expressions").at(at));
        }
        let all: Vec<u32> = (0..rewrite.group.len() as u32).collect();
        let mask =
            |set: &[u32], of: &[u32]| of.iter().fold(0i32, |m, p| (m << 1) | i32::from(!set.contains(p)));
        // CASE mask of all expressions WHEN .. THEN mask of the arguments ..
        let column = self.column(index);
        let mut case_arms: Vec<(Expr, Expr)> = Vec::with_capacity(rewrite.sets.len());
        for set in rewrite.sets.clone() {
            let test = Expr::new(ExprKind::CaseTest, int);
            let whole = Expr::constant(Datum::Int4(mask(&set, &all)), int);
            let test = self.make_operator("=", Some(test), whole, at)?;
            case_arms.push((test, Expr::constant(Datum::Int4(mask(&set, &positions)), int)));
        }
        let kind = ExprKind::Case { operand: Some(Box::new(column)), arms: case_arms, otherwise: None };
        Ok(super::expr::at(Expr::new(kind, int), at))
    }

    /// Whether the grouping columns contain the primary key of the column's table.
    fn depends_on_group(&mut self, id: ColumnId, rewrite: &Rewrite) -> bool {
        let grouped =
            |c: ColumnId| rewrite.group.iter().any(|(_, g)| matches!(g.kind, ExprKind::Column(x) if x == c));
        let Some((relation, columns)) = self.item_of(id) else { return false };
        let Some(key) = relation.indexes.iter().find(|i| i.primary && i.unique) else { return false };
        key.columns.iter().all(|c| match c.key {
            IndexKey::Column(i) => columns.iter().any(|&(attribute, c)| attribute == i && grouped(c)),
            IndexKey::Expression(_) => false,
        })
    }

    /// The table that a column is scanned from, with the ids of all its columns by index.
    fn item_of(&self, id: ColumnId) -> Option<TableColumns> {
        let scope = self.scopes.last()?;
        let is = |e: &Expr, id: ColumnId| matches!(e.kind, ExprKind::Column(x) if x == id);
        let item =
            scope.items.iter().find(|i| i.relation.is_some() && i.columns.iter().any(|c| is(&c.expr, id)))?;
        let relation = item.relation.clone()?;
        let columns =
            relation.live_columns().map(|(i, _)| i).zip(item.columns.iter().filter_map(
                |c| match c.expr.kind {
                    ExprKind::Column(id) => Some(id),
                    _ => None,
                },
            ));
        let columns = columns.collect();
        Some((relation, columns))
    }

    /// `table.column`, as messages name a column.
    fn qualified_name(&self, id: ColumnId) -> String {
        for item in self.scopes.iter().rev().flat_map(|s| &s.items) {
            let Some(alias) = item.name.as_deref() else { continue };
            let mut columns = item.columns.iter().chain(&item.system);
            if let Some(c) = columns.find(|c| matches!(c.expr.kind, ExprKind::Column(x) if x == id)) {
                return format!("{alias}.{}", c.name);
            }
        }
        "?column?".to_owned()
    }

    // Windows.

    pub(crate) fn bind_named_windows(&mut self, windows: &[(Ident, AstWindow)]) -> Result<()> {
        for (name, spec) in windows {
            if self.scope().windows.iter().any(|(n, _)| *n.name == *name.name) {
                let error = sql_err!(WINDOWING_ERROR, "window \"{}\" is already defined", name.name);
                return Err(error.at(name.pos));
            }
            let window = self.within(Clause::Select, |b| b.bind_window(spec))?;
            self.scope().windows.push((name.clone(), window));
        }
        Ok(())
    }

    pub(crate) fn bind_window(&mut self, spec: &AstWindow) -> Result<BoundWindow> {
        let base = match &spec.base {
            None => None,
            Some(name) => match self.scope().windows.iter().find(|(n, _)| *n.name == *name.name) {
                Some((_, w)) => Some((name, w.clone())),
                None => {
                    return Err(
                        sql_err!(UNDEFINED_OBJECT, "window \"{}\" does not exist", name.name).at(spec.pos)
                    );
                }
            },
        };
        let mut partition = self.within(Clause::WindowPartition, |b| b.bind_exprs(&spec.partition_by))?;
        for e in &mut partition {
            let taken = std::mem::replace(e, Expr::new(ExprKind::CaseTest, DataType::of(oid::TEXT)));
            *e = self.settle(taken)?;
            self.check_sortable(e.ty, e.at)?;
        }
        let mut order = self.within(Clause::WindowOrder, |b| b.bind_sort_items(&spec.order_by))?;
        if let Some((name, base)) = base {
            let refuse = |what: &str| {
                Err(sql_err!(WINDOWING_ERROR, "{what} clause of window \"{}\"", name.name).at(spec.pos))
            };
            if !partition.is_empty() {
                return refuse("cannot override PARTITION BY");
            }
            if !order.is_empty() && !base.order.is_empty() {
                return refuse("cannot override ORDER BY");
            }
            if base.framed {
                return Err(sql_err!(
                    WINDOWING_ERROR,
                    "cannot copy window \"{}\" because it has a frame clause",
                    name.name
                )
                .at(spec.pos));
            }
            partition = base.partition;
            if order.is_empty() {
                order = base.order;
            }
        }
        let frame = match &spec.frame {
            None => Frame {
                unit: FrameUnit::Range,
                start: FrameBound::UnboundedPreceding,
                end: FrameBound::CurrentRow,
                exclude: FrameExclude::NoOthers,
            },
            Some(frame) => {
                let unit = match frame.units {
                    FrameUnits::Rows => FrameUnit::Rows,
                    FrameUnits::Range => FrameUnit::Range,
                    FrameUnits::Groups => FrameUnit::Groups,
                };
                if unit == FrameUnit::Groups && order.is_empty() {
                    return Err(
                        sql_err!(WINDOWING_ERROR, "GROUPS mode requires an ORDER BY clause").at(frame.pos)
                    );
                }
                let start = self.bind_bound(frame.start, unit, &order)?;
                let end = self.bind_bound(frame.end, unit, &order)?;
                let exclude = match frame.exclude {
                    AstExclude::NoOthers => FrameExclude::NoOthers,
                    AstExclude::CurrentRow => FrameExclude::CurrentRow,
                    AstExclude::Group => FrameExclude::Group,
                    AstExclude::Ties => FrameExclude::Ties,
                };
                Frame { unit, start, end, exclude }
            }
        };
        Ok(BoundWindow { partition, order, frame, framed: spec.frame.is_some(), pos: spec.pos })
    }

    /// The offset of a RANGE frame, coerced to the type that moves values of the order column's type.
    fn range_offset(&mut self, e: Expr, key: Oid) -> Result<Expr> {
        let offsets: &[Oid] = match key {
            oid::INT2 | oid::INT4 => &[oid::INT2, oid::INT4, oid::INT8],
            oid::INT8 => &[oid::INT8],
            oid::FLOAT4 | oid::FLOAT8 => &[oid::FLOAT8],
            oid::NUMERIC => &[oid::NUMERIC],
            oid::DATE | oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::TIME | oid::TIMETZ | oid::INTERVAL => {
                &[oid::INTERVAL]
            }
            _ => &[],
        };
        let (from, at) = (e.ty.oid, e.at);
        let shown = display(if key == oid::VARCHAR { oid::TEXT } else { key });
        let refuse = |what: String| {
            sql_err!(FEATURE_NOT_SUPPORTED, "RANGE with offset PRECEDING/FOLLOWING {what}").at(at)
        };
        if offsets.is_empty() {
            return Err(refuse(format!("is not supported for column type {shown}")));
        }
        let preferred = if from == oid::UNKNOWN { key } else { from };
        let fits = |to: &&Oid| crate::func::resolve::can_coerce(from, **to, CastContext::Implicit);
        let mut fitting = offsets.iter().filter(fits);
        let chosen = match (offsets.contains(&preferred), fitting.next(), fitting.next()) {
            (true, ..) => preferred,
            (false, Some(only), None) => *only,
            (false, None, _) => {
                let types = format!("column type {shown} and offset type {}", display(from));
                return Err(refuse(format!("is not supported for {types}"))
                    .hint("Cast the offset value to an appropriate type."));
            }
            (false, Some(_), Some(_)) => {
                let types = format!("column type {shown} and offset type {}", display(from));
                return Err(refuse(format!("has multiple interpretations for {types}"))
                    .hint("Cast the offset value to the exact intended type."));
            }
        };
        self.coerce_to_specific(e, chosen, "RANGE")
    }

    fn bind_bound(&mut self, bound: AstBound, unit: FrameUnit, order: &[SortKey]) -> Result<FrameBound> {
        let (id, preceding) = match bound {
            AstBound::UnboundedPreceding => return Ok(FrameBound::UnboundedPreceding),
            AstBound::CurrentRow => return Ok(FrameBound::CurrentRow),
            AstBound::UnboundedFollowing => return Ok(FrameBound::UnboundedFollowing),
            AstBound::Preceding(id) => (id, true),
            AstBound::Following(id) => (id, false),
        };
        let e = self.within(Clause::WindowFrame, |b| b.bind_expr(id))?;
        let at = e.at;
        let e = match unit {
            FrameUnit::Rows => self.coerce_to_specific(e, oid::INT8, "ROWS")?,
            FrameUnit::Groups => self.coerce_to_specific(e, oid::INT8, "GROUPS")?,
            FrameUnit::Range => {
                let [key] = order else {
                    return Err(sql_err!(
                        WINDOWING_ERROR,
                        "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column"
                    )
                    .at(at));
                };
                let key = key.expr.ty.oid;
                self.range_offset(e, key)?
            }
        };
        let block = self.scope().block;
        if e.any(&mut |e| matches!(e.kind, ExprKind::Column(id) if self.s.blocks[id as usize] == block)) {
            let word = match unit {
                FrameUnit::Rows => "ROWS",
                FrameUnit::Range => "RANGE",
                FrameUnit::Groups => "GROUPS",
            };
            return Err(
                sql_err!(INVALID_COLUMN_REFERENCE, "argument of {word} must not contain variables").at(at)
            );
        }
        Ok(if preceding { FrameBound::Preceding(e) } else { FrameBound::Following(e) })
    }

    /// Takes the window calls out of the targets and computes them below.
    pub(crate) fn apply_windows(
        &mut self,
        mut plan: Logical,
        targets: &mut [TargetEntry],
    ) -> Result<Logical> {
        let mut calls: Vec<(ColumnId, WindowCall)> = Vec::new();
        for target in targets.iter_mut() {
            self.take_windows(&mut target.expr, &mut calls);
        }
        // Partition and order keys that are no columns are computed first.
        let mut extra: Vec<(ColumnId, Expr)> = Vec::new();
        for (_, call) in &mut calls {
            let keys =
                call.window.partition.iter_mut().chain(call.window.order.iter_mut().map(|k| &mut k.expr));
            for key in keys {
                if matches!(key.kind, ExprKind::Column(_)) {
                    continue;
                }
                let id = match extra.iter().find(|(_, e)| same(e, key)) {
                    Some((id, _)) => *id,
                    None => {
                        let id = self.column_for(key);
                        extra.push((id, key.clone()));
                        id
                    }
                };
                *key = self.column(id);
            }
        }
        if !extra.is_empty() {
            plan = self.extend(plan, extra);
        }
        while !calls.is_empty() {
            let window = calls[0].1.window.clone();
            let (here, rest): (Vec<_>, Vec<_>) =
                calls.into_iter().partition(|(_, c)| same_window(&c.window, &window));
            calls = rest;
            let mut keys: Vec<SortKey> = window
                .partition
                .iter()
                .map(|e| SortKey { expr: e.clone(), descending: false, nulls_first: false })
                .collect();
            for key in &window.order {
                if !keys.iter().any(|k| same(&k.expr, &key.expr)) {
                    keys.push(key.clone());
                }
            }
            plan = Logical::Window { input: Box::new(sorted(plan, keys)), calls: here };
        }
        Ok(plan)
    }

    fn take_windows(&mut self, e: &mut Expr, calls: &mut Vec<(ColumnId, WindowCall)>) {
        if let ExprKind::Window(call) = &e.kind {
            let probe = e.clone();
            let known = calls.iter().find(|(_, c)| {
                let other = Expr { kind: ExprKind::Window(Box::new(c.clone())), ..probe.clone() };
                same(&other, &probe)
            });
            let id = match known {
                Some((id, _)) => *id,
                None => {
                    let id = self.new_column(e.ty);
                    self.s.collations[id as usize] = e.collation;
                    calls.push((id, (**call).clone()));
                    id
                }
            };
            let at = e.at;
            *e = self.column(id);
            e.at = at;
            return;
        }
        e.each_child_mut(&mut |child| self.take_windows(child, calls));
    }

    /// A projection that passes everything on and adds columns.
    pub(crate) fn extend(&mut self, plan: Logical, extra: Vec<(ColumnId, Expr)>) -> Logical {
        let mut exprs: Vec<(ColumnId, Expr)> =
            plan.outputs().into_iter().map(|c| (c, self.column(c))).collect();
        exprs.extend(extra);
        Logical::Project { input: Box::new(plan), exprs }
    }

    // Set-returning targets.

    /// Takes set-returning calls out of the expressions, innermost first; calls of one depth run side by side.
    pub(crate) fn apply_sets(&mut self, mut plan: Logical, mut over: Vec<&mut Expr>) -> Logical {
        loop {
            let mut found: Vec<(ColumnId, Expr)> = Vec::new();
            for expr in &mut over {
                self.take_sets(expr, &mut found);
            }
            if found.is_empty() {
                return plan;
            }
            let mut exprs: Vec<(ColumnId, Expr)> =
                plan.outputs().into_iter().map(|c| (c, self.column(c))).collect();
            exprs.extend(found);
            plan = Logical::ProjectSet { input: Box::new(plan), exprs };
        }
    }

    fn take_sets(&mut self, e: &mut Expr, found: &mut Vec<(ColumnId, Expr)>) {
        if e.is_set() {
            let mut inside = false;
            e.each_child(&mut |child| inside = inside || child.any(&mut |x| x.is_set()));
            if !inside {
                let id = self.column_for(e);
                let mut column = self.column(id);
                column.at = e.at;
                found.push((id, std::mem::replace(e, column)));
                return;
            }
        }
        e.each_child_mut(&mut |child| self.take_sets(child, found));
    }
}

fn first_of(e: &Expr, test: &dyn Fn(&Expr) -> bool) -> Option<u32> {
    let mut at = None;
    e.any(&mut |e| {
        let hit = test(e);
        if hit {
            at = Some(e.at);
        }
        hit
    });
    at
}
