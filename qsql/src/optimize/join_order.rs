//! Join ordering.
//!
//! A tree of inner, left, semi and anti joins is taken apart into units (what is joined) and edges (conditions). An inner
//! condition may be applied as soon as its units are together. An outer, semi or anti join is an edge with a fixed right
//! side, a unit of its own, and may be applied once the units that its condition names - its eligibility set - are on the
//! left; what names the right unit of a left join waits for that join. Every order that respects these sets is valid.
//!
//! Up to [`MAX_EXACT`] units all orders without cross products are compared by dynamic programming over sets; beyond, the
//! cheapest pair is joined greedily. Costs are the rows that hash tables take in and that joins put out, with a discount for a
//! right side that an index can look up.
//!
//! Sources: Moerkotte, Fender and Eich 2013, "On the correct and complete enumeration of the core search space" (eligibility
//! sets, here the conservative form); Fegaras 1998, "A New Heuristic for Optimizing Large Queries" (greedy operator ordering).

use super::columns::{ColumnSet, Parts};
use super::estimate::{Estimator, operator_name};
use crate::catalog::IndexKey;
use crate::plan::expr::{Expr, ExprKind};
use crate::plan::logical::Logical;
use crate::plan::physical::{JoinKind, ScanColumn};

/// Units up to which all orders are compared.
const MAX_EXACT: usize = 10;

/// A set of units.
type Units = u64;

struct Unit {
    plan: Logical,
    columns: ColumnSet,
    rows: f64,
}

/// A condition of inner joins.
struct Condition {
    expr: Expr,
    /// Units that must be together.
    needs: Units,
    selectivity: f64,
}

/// A left, semi or anti join.
struct Fixed {
    kind: JoinKind,
    right: usize,
    on: Vec<Expr>,
    /// Units that must be on the left.
    needs: Units,
}

#[derive(Default)]
struct Graph {
    units: Vec<Unit>,
    conditions: Vec<Condition>,
    fixed: Vec<Fixed>,
}

/// The best way to join a set of units.
#[derive(Clone)]
struct Entry {
    left: Units,
    right: Units,
    /// The fixed join that makes it, if any.
    fixed: Option<usize>,
    rows: f64,
    cost: f64,
}

/// Reorders the joins of a plan.
pub(crate) fn order_joins(plan: Logical, estimator: &Estimator<'_>, parts: &Parts<'_>) -> Logical {
    match plan {
        Logical::Join { kind, .. } if reorderable(kind) && !is_lateral(&plan, parts) => {
            let mut graph = Graph::default();
            let rest = graph.collect(plan, estimator, parts);
            let ordered = match graph.units.len() {
                0 | 1 => graph.units.pop().map_or_else(Logical::one_row, |u| u.plan),
                _ => graph.solve(estimator),
            };
            ordered.filter(rest)
        }
        mut other => {
            other.each_input_mut(&mut |input| {
                let taken = std::mem::replace(input, Logical::one_row());
                *input = order_joins(taken, estimator, parts);
            });
            other
        }
    }
}

fn reorderable(kind: JoinKind) -> bool {
    matches!(
        kind,
        JoinKind::Inner | JoinKind::Left | JoinKind::Semi | JoinKind::Anti | JoinKind::NullAwareAnti
    )
}

fn is_lateral(plan: &Logical, parts: &Parts<'_>) -> bool {
    match plan {
        Logical::Join { left, right, .. } => parts.free(right).intersects(&ColumnSet::of(left.outputs())),
        _ => false,
    }
}

impl Graph {
    /// Takes a join tree apart; returns conditions that name no unit at all.
    fn collect(&mut self, plan: Logical, estimator: &Estimator<'_>, parts: &Parts<'_>) -> Vec<Expr> {
        let mut rest = Vec::new();
        self.add(plan, estimator, parts, &mut rest);
        rest
    }

    fn add(&mut self, plan: Logical, estimator: &Estimator<'_>, parts: &Parts<'_>, rest: &mut Vec<Expr>) {
        if is_lateral(&plan, parts) || self.units.len() >= 60 {
            return self.add_unit(plan, estimator, parts);
        }
        match plan {
            Logical::Join { kind: JoinKind::Inner, left, right, on, .. } => {
                self.add(*left, estimator, parts, rest);
                self.add(*right, estimator, parts, rest);
                for expr in on {
                    let needs = self.needs(&parts.columns_of(&expr));
                    if needs == 0 {
                        rest.push(expr);
                    } else {
                        self.conditions.push(Condition {
                            selectivity: estimator.selectivity(&expr),
                            expr,
                            needs,
                        });
                    }
                }
            }
            Logical::Join { kind, left, right, on, mark: None } if reorderable(kind) => {
                let first = self.units.len();
                self.add(*left, estimator, parts, rest);
                let left_units = (1u64 << self.units.len()) - (1u64 << first);
                let right = order_joins(*right, estimator, parts);
                self.add_unit(right, estimator, parts);
                let right = self.units.len() - 1;
                let columns = parts.columns_of_all(&on);
                let mut needs = self.needs(&columns) & !(1 << right);
                // A join without a condition on the left, or one that asks about all rows, waits for its whole left side.
                if needs == 0 || kind == JoinKind::NullAwareAnti {
                    needs = left_units;
                }
                self.fixed.push(Fixed { kind, right, on, needs });
            }
            // A filter above a join: its conditions are conditions of the graph.
            Logical::Filter { input, conditions } if matches!(&*input, Logical::Join { kind, .. } if reorderable(*kind)) =>
            {
                self.add(*input, estimator, parts, rest);
                for expr in conditions {
                    let needs = self.needs(&parts.columns_of(&expr));
                    if needs == 0 {
                        rest.push(expr);
                    } else {
                        self.conditions.push(Condition {
                            selectivity: estimator.selectivity(&expr),
                            expr,
                            needs,
                        });
                    }
                }
            }
            other => {
                let other = order_joins(other, estimator, parts);
                self.add_unit(other, estimator, parts);
            }
        }
    }

    fn add_unit(&mut self, mut plan: Logical, estimator: &Estimator<'_>, parts: &Parts<'_>) {
        if is_lateral(&plan, parts) {
            plan.each_input_mut(&mut |input| {
                let taken = std::mem::replace(input, Logical::one_row());
                *input = order_joins(taken, estimator, parts);
            });
        }
        let rows = estimator.rows(&plan);
        self.units.push(Unit { columns: ColumnSet::of(plan.outputs()), plan, rows });
    }

    /// The units whose columns are used, with what their left joins need.
    fn needs(&self, columns: &ColumnSet) -> Units {
        let mut needs = 0;
        for (i, unit) in self.units.iter().enumerate() {
            if unit.columns.intersects(columns) {
                needs |= 1 << i;
            }
        }
        // Columns of a nullable side exist only after its join.
        loop {
            let mut more = needs;
            for fixed in &self.fixed {
                if needs & (1 << fixed.right) != 0 {
                    more |= fixed.needs;
                }
            }
            if more == needs {
                return needs;
            }
            needs = more;
        }
    }

    /// Conditions that become applicable when two sets are joined.
    fn between(&self, left: Units, right: Units) -> impl Iterator<Item = &Condition> + Clone {
        let both = left | right;
        self.conditions
            .iter()
            .filter(move |c| c.needs & !both == 0 && c.needs & !left != 0 && c.needs & !right != 0)
    }

    /// The right units of fixed joins: they never stand in an inner join by themselves.
    fn fixed_rights(&self) -> Units {
        self.fixed.iter().fold(0, |set, f| set | 1 << f.right)
    }

    /// Joins two solved sets, if that is allowed and (unless `cross`) connected.
    fn join(
        &self,
        a: (Units, &Entry),
        b: (Units, &Entry),
        cross: bool,
        estimator: &Estimator<'_>,
    ) -> Option<Entry> {
        let ((left, l), (right, r)) = (a, b);
        if let Some(index) = self.fixed.iter().position(|f| 1 << f.right == right) {
            let fixed = &self.fixed[index];
            if fixed.needs & !left != 0 {
                return None;
            }
            let rows = estimator.join_rows(fixed.kind, l.rows, r.rows, &fixed.on);
            let rows = self.between(left, right).fold(rows, |rows, c| rows * c.selectivity).max(1.0);
            let lookup = self.lookup_cost(right, l.rows, fixed.on.iter());
            let cost = l.cost + r.cost.min(lookup) + step_cost(l.rows, r.rows, rows);
            return Some(Entry { left, right, fixed: Some(index), rows, cost });
        }
        if left.count_ones() == 1 && self.fixed_rights() & left != 0 {
            return None;
        }
        let connected = self.between(left, right).next().is_some();
        if !connected && !cross {
            return None;
        }
        let rows = self.between(left, right).fold(l.rows * r.rows, |rows, c| rows * c.selectivity).max(1.0);
        // The smaller side is hashed; a side that an index looks up need not be read.
        let (probe, build) = if l.rows >= r.rows { (l.rows, r.rows) } else { (r.rows, l.rows) };
        let mut cost = l.cost + r.cost + step_cost(probe, build, rows);
        if right.count_ones() == 1 {
            let lookup = self.lookup_cost(right, l.rows, self.between(left, right).map(|c| &c.expr));
            cost = cost.min(l.cost + lookup + rows);
        }
        if !connected {
            cost += l.rows * r.rows;
        }
        Some(Entry { left, right, fixed: None, rows, cost })
    }

    /// Cost of looking up a unit by an index for each of `rows` rows; infinite without a usable index.
    fn lookup_cost<'e>(&self, unit: Units, rows: f64, on: impl Iterator<Item = &'e Expr> + Clone) -> f64 {
        if unit.count_ones() != 1 {
            return f64::INFINITY;
        }
        let plan = &self.units[unit.trailing_zeros() as usize].plan;
        let scan = match plan {
            Logical::Scan(scan) => scan,
            Logical::Filter { input, .. } => match &**input {
                Logical::Scan(scan) => scan,
                _ => return f64::INFINITY,
            },
            _ => return f64::INFINITY,
        };
        let equated = |attribute: usize| {
            let Some(&(id, _)) = scan.columns.iter().find(|c| c.1 == ScanColumn::Attribute(attribute)) else {
                return false;
            };
            on.clone().any(|e| {
                operator_name(e) == Some("=")
                    && matches!(&e.kind, ExprKind::Call { args, .. } if args.iter().any(|a| matches!(a.kind, ExprKind::Column(c) if c == id)))
            })
        };
        let usable = scan.relation.indexes.iter().any(|i| {
            i.valid
                && i.predicate.is_none()
                && i.columns.first().is_some_and(|c| matches!(c.key, IndexKey::Column(a) if equated(a)))
        });
        if usable { rows * 4.0 } else { f64::INFINITY }
    }

    fn leaf(&self, i: usize) -> Entry {
        // Reading is paid once, unless an index looks the rows up.
        let rows = self.units[i].rows;
        Entry { left: 1 << i, right: 0, fixed: None, rows, cost: rows * 0.1 }
    }

    fn solve(mut self, estimator: &Estimator<'_>) -> Logical {
        let n = self.units.len();
        let entries = if n <= MAX_EXACT { self.exact(estimator) } else { None };
        let entries = match entries {
            Some(entries) => entries,
            None => self.greedy(estimator),
        };
        let all = if n == 64 { u64::MAX } else { (1 << n) - 1 };
        let lookup = |set: Units| entries.iter().find(|e| e.0 == set).map(|e| e.1.clone());
        self.build(all, &lookup)
    }

    /// The best entry of every connected set; `None` if not all units are connected.
    fn exact(&self, estimator: &Estimator<'_>) -> Option<Vec<(Units, Entry)>> {
        let n = self.units.len();
        let all: Units = (1 << n) - 1;
        let mut table: Vec<Option<Entry>> = vec![None; 1 << n];
        for i in 0..n {
            table[1 << i] = Some(self.leaf(i));
        }
        for set in 1..=all {
            if set.count_ones() < 2 {
                continue;
            }
            let mut best: Option<Entry> = None;
            let mut right = (set - 1) & set;
            while right != 0 {
                let left = set & !right;
                if let (Some(l), Some(r)) = (&table[left as usize], &table[right as usize])
                    && best.as_ref().is_none_or(|b| l.cost < b.cost)
                    && let Some(entry) = self.join((left, l), (right, r), false, estimator)
                    && best.as_ref().is_none_or(|b| entry.cost < b.cost)
                {
                    best = Some(entry);
                }
                right = (right - 1) & set;
            }
            table[set as usize] = best;
        }
        table[all as usize].as_ref()?;
        Some(table.into_iter().enumerate().filter_map(|(set, e)| e.map(|e| (set as Units, e))).collect())
    }

    /// Joins the pair that makes the cheapest step until one set is left; cross products only when nothing else remains.
    fn greedy(&self, estimator: &Estimator<'_>) -> Vec<(Units, Entry)> {
        let mut done: Vec<(Units, Entry)> = Vec::new();
        let mut open: Vec<(Units, Entry)> = (0..self.units.len()).map(|i| (1 << i, self.leaf(i))).collect();
        done.extend(open.iter().cloned());
        while open.len() > 1 {
            let mut best: Option<(f64, usize, usize, Entry)> = None;
            for cross in [false, true] {
                for i in 0..open.len() {
                    for j in 0..open.len() {
                        if i == j {
                            continue;
                        }
                        let Some(entry) =
                            self.join((open[i].0, &open[i].1), (open[j].0, &open[j].1), cross, estimator)
                        else {
                            continue;
                        };
                        let value = entry.cost - open[i].1.cost - open[j].1.cost.min(entry.cost) + entry.rows;
                        if best.as_ref().is_none_or(|b| value < b.0) {
                            best = Some((value, i, j, entry));
                        }
                    }
                }
                if best.is_some() {
                    break;
                }
            }
            let Some((_, i, j, entry)) = best else { break };
            let set = open[i].0 | open[j].0;
            let (high, low) = (i.max(j), i.min(j));
            open.swap_remove(high);
            open.swap_remove(low);
            open.push((set, entry.clone()));
            done.push((set, entry));
        }
        done
    }

    /// The join tree of a set.
    fn build(&mut self, set: Units, lookup: &dyn Fn(Units) -> Option<Entry>) -> Logical {
        if set.count_ones() == 1 {
            let unit = &mut self.units[set.trailing_zeros() as usize];
            return std::mem::replace(&mut unit.plan, Logical::one_row());
        }
        let Some(entry) = lookup(set) else { return Logical::one_row() };
        let on: Vec<Expr> = self.between(entry.left, entry.right).map(|c| c.expr.clone()).collect();
        let left = Box::new(self.build(entry.left, lookup));
        let right = Box::new(self.build(entry.right, lookup));
        match entry.fixed {
            None => Logical::Join { kind: JoinKind::Inner, left, right, on, mark: None },
            Some(index) => {
                let fixed = &self.fixed[index];
                let (kind, conditions) = (fixed.kind, fixed.on.clone());
                Logical::Join { kind, left, right, on: conditions, mark: None }.filter(on)
            }
        }
    }
}

/// Rows taken into the hash table count more than rows that probe it.
fn step_cost(probe: f64, build: f64, out: f64) -> f64 {
    probe * 0.3 + build * 1.0 + out
}
