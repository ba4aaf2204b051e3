//! Join ordering.
//!
//! A tree of inner, left, semi and anti joins is taken apart into units (what is joined) and edges (conditions). An inner
//! condition may be applied as soon as its units are together. An outer, semi or anti join is an edge with a fixed right
//! side, a unit of its own, and may be applied once the units that its condition names - its eligibility set - are on the
//! left; what names the right unit of a left join waits for that join. Every order that respects these sets is valid.
//!
//! Up to [`MAX_EXACT`] units all orders without cross products are compared by dynamic programming over sets; beyond, the
//! cheapest pair is joined greedily. Costs are the rows that are read, taken into hash tables, looked up and put out.
//!
//! Sources: Moerkotte, Fender and Eich 2013, "On the correct and complete enumeration of the core search space" (eligibility
//! sets, here the conservative form); Fegaras 1998, "A New Heuristic for Optimizing Large Queries" (greedy operator ordering).

use super::columns::{ColumnSet, Parts};
use super::equivalence;
use super::estimate::{Estimator, comparison, operator_name, plain_column};
use crate::catalog::IndexKey;
use crate::plan::expr::{Expr, ExprKind};
use crate::plan::logical::{Logical, LogicalScan};
use crate::plan::physical::{JoinKind, ScanColumn};

/// Units up to which all orders are compared.
const MAX_EXACT: usize = 10;

/// A set of units.
type Units = u64;

struct Unit {
    plan: Logical,
    columns: ColumnSet,
    rows: f64,
    /// Cost of reading it.
    cost: f64,
}

/// A condition of inner joins.
struct Condition {
    expr: Expr,
    /// Units that must be together.
    needs: Units,
    selectivity: f64,
    /// The class of equal columns it belongs to: one of a class's conditions does for a join.
    class: Option<usize>,
}

impl Condition {
    fn new(expr: Expr, needs: Units, estimator: &Estimator<'_>) -> Condition {
        Condition { selectivity: estimator.selectivity(&expr), expr, needs, class: None }
    }
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
                _ => {
                    graph.derive_equalities(estimator, parts);
                    graph.solve(estimator)
                }
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
                        self.conditions.push(Condition::new(expr, needs, estimator));
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
                        self.conditions.push(Condition::new(expr, needs, estimator));
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
        let cost = reading_cost(&plan, rows, estimator);
        self.units.push(Unit { columns: ColumnSet::of(plan.outputs()), plan, rows, cost });
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

    /// Adds the equalities that follow from others, so that every two units with equal columns can be joined by them.
    fn derive_equalities(&mut self, estimator: &Estimator<'_>, parts: &Parts<'_>) {
        let classes = equivalence::classes(self.conditions.iter().map(|c| &c.expr));
        for (number, class) in classes.iter().enumerate() {
            let unit = |column| self.units.iter().position(|u| u.columns.contains(column));
            let units: Vec<Option<usize>> = class.members.iter().map(|m| unit(m.0)).collect();
            // Two equal columns of one unit would need both their conditions; what an outer join fills in equals nothing.
            let plain = units.iter().enumerate().all(|(i, u)| {
                u.is_some_and(|u| self.fixed_rights() & (1 << u) == 0) && !units[..i].contains(u)
            });
            if !plain {
                continue;
            }
            for &i in &class.conditions {
                self.conditions[i].class = Some(number);
            }
            let like = self.conditions[class.conditions[0]].expr.clone();
            for right in 1..class.members.len() {
                for left in 0..right {
                    let Some(expr) = class.equality(&like, left, right) else { continue };
                    let needs = self.needs(&parts.columns_of(&expr));
                    if class.conditions.iter().all(|&i| self.conditions[i].needs != needs) {
                        let derived =
                            Condition { class: Some(number), ..Condition::new(expr, needs, estimator) };
                        self.conditions.push(derived);
                    }
                }
            }
        }
    }

    /// Conditions that become applicable when two sets are joined; of those that say the same, one.
    fn between(&self, left: Units, right: Units) -> impl Iterator<Item = &Condition> + Clone {
        let both = left | right;
        let applies =
            move |c: &&Condition| c.needs & !both == 0 && c.needs & !left != 0 && c.needs & !right != 0;
        self.conditions
            .iter()
            .enumerate()
            .filter(move |(i, c)| {
                applies(c)
                    && (c.class.is_none()
                        || !self.conditions[..*i].iter().any(|o| o.class == c.class && applies(&o)))
            })
            .map(|(_, c)| c)
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
            let hashed = r.cost + step_cost(l.rows, r.rows, rows);
            let looked_up = self.lookup_cost(right, l.rows, fixed.on.iter(), estimator) + rows;
            let cost = l.cost + hashed.min(looked_up);
            return Some(Entry { left, right, fixed: Some(index), rows, cost });
        }
        if left.count_ones() == 1 && self.fixed_rights() & left != 0 {
            return None;
        }
        let connected = self.between(left, right).next().is_some();
        if !connected && !cross {
            return None;
        }
        let rows = (l.rows * r.rows * self.selectivity(left, right, estimator)).max(1.0);
        // The smaller side is hashed; a side that an index looks up need not be read.
        let (probe, build) = if l.rows >= r.rows { (l.rows, r.rows) } else { (r.rows, l.rows) };
        let mut cost = l.cost + r.cost + step_cost(probe, build, rows);
        if right.count_ones() == 1 {
            let on = self.between(left, right).map(|c| &c.expr);
            let lookup = self.lookup_cost(right, l.rows, on, estimator);
            cost = cost.min(l.cost + lookup + rows);
        }
        if !connected {
            cost += l.rows * r.rows;
        }
        Some(Entry { left, right, fixed: None, rows, cost })
    }

    /// The share of the pairs of two sets that satisfies the conditions between them.
    fn selectivity(&self, left: Units, right: Units, estimator: &Estimator<'_>) -> f64 {
        let product = self.between(left, right).fold(1.0, |s, c| s * c.selectivity);
        if self.between(left, right).nth(1).is_none() {
            return product;
        }
        estimator.unique_share(self.between(left, right).map(|c| &c.expr)).max(product)
    }

    /// The relation that a unit scans, if it is nothing but a filtered scan.
    fn scan(&self, unit: usize) -> Option<&LogicalScan> {
        scan_of(&self.units[unit].plan)
    }

    /// Cost of looking up a unit by an index for each of `rows` rows; infinite without a usable index.
    fn lookup_cost<'e>(
        &self,
        unit: Units,
        rows: f64,
        on: impl Iterator<Item = &'e Expr> + Clone,
        estimator: &Estimator<'_>,
    ) -> f64 {
        if unit.count_ones() != 1 {
            return f64::INFINITY;
        }
        let Some(scan) = self.scan(unit.trailing_zeros() as usize) else { return f64::INFINITY };
        let size = estimator.relation_rows(&scan.relation);
        let candidates =
            scan.relation.indexes.iter().filter(|i| i.valid && i.predicate.is_none()).map(|index| {
                // The rows that one look-up finds, by the leading key columns that are equated.
                let mut found = size;
                let mut used = 0;
                let mut correlation = 0.0;
                for column in &index.columns {
                    let IndexKey::Column(attribute) = column.key else { break };
                    if !equated(scan, attribute, on.clone()) {
                        break;
                    }
                    used += 1;
                    if let Some(&(id, _)) =
                        scan.columns.iter().find(|c| c.1 == ScanColumn::Attribute(attribute))
                    {
                        found /= estimator.distinct(id, size);
                        if used == 1 {
                            correlation = estimator.correlation(id);
                        }
                    }
                }
                match used {
                    0 => f64::INFINITY,
                    _ if index.unique && used == index.columns.len() => VISIT + FETCH,
                    _ => {
                        (1.0 + (found - 1.0).max(0.0) * (1.0 - correlation * correlation)) * VISIT
                            + found * FETCH
                    }
                }
            });
        rows * (LOOKUP + candidates.fold(f64::INFINITY, f64::min))
    }

    fn leaf(&self, i: usize) -> Entry {
        let unit = &self.units[i];
        Entry { left: 1 << i, right: 0, fixed: None, rows: unit.rows, cost: unit.cost }
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

/// Reading a row of a relation from end to end, in units of a joined row (about 50 ns).
const READ: f64 = 1.0;
/// Searching an index.
const LOOKUP: f64 = 8.0;
/// Visiting a leaf of the table.
const VISIT: f64 = 10.0;
/// Fetching a row from it by its id.
const FETCH: f64 = 3.0;

/// Rows taken into the hash table count more than rows that probe it.
fn step_cost(probe: f64, build: f64, out: f64) -> f64 {
    probe * 0.6 + build * 2.0 + out
}

/// Cost of reading a unit: the whole relation, or the part of it that an index finds.
fn reading_cost(plan: &Logical, rows: f64, estimator: &Estimator<'_>) -> f64 {
    let Some(scan) = scan_of(plan) else { return rows };
    let size = estimator.relation_rows(&scan.relation);
    let Logical::Filter { conditions, .. } = plan else { return size * READ };
    let by_index = scan.relation.indexes.iter().filter(|i| i.valid && i.predicate.is_none()).map(|index| {
        let Some(IndexKey::Column(attribute)) = index.columns.first().map(|c| &c.key) else { return size };
        let answered = |e: &&Expr| {
            comparison(e).is_some_and(|c| {
                let key = (c.column, ScanColumn::Attribute(*attribute));
                c.op != "<>" && scan.columns.contains(&key)
            })
        };
        let answered: Vec<Expr> = conditions.iter().filter(answered).cloned().collect();
        size * estimator.conjunction(&answered)
    });
    (size * READ).min(by_index.fold(size, f64::min) * (FETCH + VISIT * 0.5) + LOOKUP)
}

fn scan_of(plan: &Logical) -> Option<&LogicalScan> {
    match plan {
        Logical::Scan(scan) => Some(scan),
        Logical::Filter { input, .. } => match &**input {
            Logical::Scan(scan) => Some(scan),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a condition compares the column with something by `=`.
fn equated<'e>(scan: &LogicalScan, attribute: usize, mut on: impl Iterator<Item = &'e Expr>) -> bool {
    let Some(&(id, _)) = scan.columns.iter().find(|c| c.1 == ScanColumn::Attribute(attribute)) else {
        return false;
    };
    on.any(|e| {
        operator_name(e) == Some("=")
            && matches!(&e.kind, ExprKind::Call { args, .. } if args.iter().any(|a| plain_column(a) == Some(id)))
    })
}
