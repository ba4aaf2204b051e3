//! A reference executor for tests: physical plans over rows in memory, by the definitions of the operators.
//!
//! Statements of `testdata/results.golden` are planned and run here, and their rows compared with PostgreSQL's: what is
//! checked is that binding, rewriting and lowering keep the meaning.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::error::{Result, SqlError};
use crate::func::eval::{ConstantHost, Evaluator, SubPlans};
use crate::func::{Body, EvalCx};
use crate::plan::expr::{AggregateCall, Expr, ExprKind, SubPlanMode};
use crate::plan::physical::{JoinKind, Node, Op, PhysicalPlan, Scan, ScanColumn, SetOp, SortSlot, Write};
use crate::testing::MemoryCatalog;
use crate::types::compare::{compare, sort_order};
use crate::types::{DataType, Datum, IoContext, Oid};

type Row = Vec<Datum>;
type Tables = HashMap<Oid, Vec<Row>>;

struct Interpreter<'a> {
    catalog: &'a MemoryCatalog,
    plan: &'a PhysicalPlan,
    tables: &'a Tables,
    exec: Vec<Datum>,
    work: HashMap<u32, Vec<Row>>,
}

impl SubPlans for Interpreter<'_> {
    fn run(
        &mut self,
        plan: u32,
        mode: &SubPlanMode,
        params: &[(u32, Expr)],
        row: &[Datum],
        _: &mut EvalCx<'_>,
    ) -> Result<Datum> {
        for (slot, e) in params {
            self.exec[*slot as usize] = self.eval(e, row)?;
        }
        let node = &self.plan.subplans[plan as usize];
        let rows = self.rows(node)?;
        match mode {
            SubPlanMode::Exists => Ok(Datum::Bool(!rows.is_empty())),
            SubPlanMode::Scalar | SubPlanMode::RowColumn(_) => {
                let column = if let SubPlanMode::RowColumn(i) = mode { *i as usize } else { 0 };
                match rows.as_slice() {
                    [] => Ok(Datum::Null),
                    [row] => Ok(row[column].clone()),
                    _ => Err(crate::sql_err!(
                        CARDINALITY_VIOLATION,
                        "more than one row returned by a subquery used as an expression"
                    )),
                }
            }
            SubPlanMode::Array => Err(SqlError::unsupported("ARRAY in the reference executor")),
            SubPlanMode::Quantified { any, left, compare } => {
                let mut unknown = false;
                let values = left.iter().map(|e| self.eval(e, row)).collect::<Result<Vec<_>>>()?;
                for inner in rows {
                    let mut all = Some(true);
                    for (value, test) in values.iter().zip(compare) {
                        let mut test = test.clone();
                        set_case(&mut test, value);
                        match self.eval(&test, &inner)? {
                            Datum::Bool(true) => {}
                            Datum::Bool(_) => all = Some(false),
                            _ if all == Some(true) => all = None,
                            _ => {}
                        }
                    }
                    match (all, any) {
                        (Some(true), true) => return Ok(Datum::Bool(true)),
                        (Some(false), false) => return Ok(Datum::Bool(false)),
                        (None, _) => unknown = true,
                        _ => {}
                    }
                }
                Ok(if unknown { Datum::Null } else { Datum::Bool(!*any) })
            }
        }
    }
}

fn set_case(e: &mut Expr, value: &Datum) {
    if matches!(e.kind, ExprKind::CaseTest) {
        e.kind = ExprKind::Const(value.clone());
    }
    e.each_child_mut(&mut |child| set_case(child, value));
}

impl Interpreter<'_> {
    fn with_cx<T>(
        &mut self,
        ty: DataType,
        types: &[DataType],
        f: impl FnOnce(&mut Self, &mut EvalCx<'_>) -> Result<T>,
    ) -> Result<T> {
        let io = IoContext::default();
        let catalog = self.catalog;
        let mut host = ConstantHost { catalog, time: 0 };
        let mut cx = EvalCx { io: &io, host: &mut host, arg_types: types, result: ty };
        f(self, &mut cx)
    }

    fn eval(&mut self, e: &Expr, row: &[Datum]) -> Result<Datum> {
        let exec = self.exec.clone();
        self.with_cx(e.ty, &[], |me, cx| {
            let mut evaluator = Evaluator::new(row, &[]);
            evaluator.exec_params = &exec;
            evaluator.subplans = Some(me);
            evaluator.eval(e, cx)
        })
    }

    fn holds(&mut self, conditions: &[Expr], row: &[Datum]) -> Result<bool> {
        for e in conditions {
            if !matches!(self.eval(e, row)?, Datum::Bool(true)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn filter(&mut self, rows: Vec<Row>, conditions: &[Expr]) -> Result<Vec<Row>> {
        let mut out = Vec::new();
        for row in rows {
            if self.holds(conditions, &row)? {
                out.push(row);
            }
        }
        Ok(out)
    }

    fn eval_row(&mut self, exprs: &[Expr], row: &[Datum]) -> Result<Row> {
        exprs.iter().map(|e| self.eval(e, row)).collect()
    }

    fn rows(&mut self, node: &Node) -> Result<Vec<Row>> {
        let rows = self.run_node(node)?;
        if let Some(row) = rows.first() {
            assert_eq!(row.len(), node.types.len(), "row width of {:?}", node.op);
        }
        Ok(rows)
    }

    fn run_node(&mut self, node: &Node) -> Result<Vec<Row>> {
        match &node.op {
            Op::Empty => Ok(Vec::new()),
            Op::Result(exprs) => Ok(vec![self.eval_row(exprs, &[])?]),
            Op::Values(rows) => rows.iter().map(|r| self.eval_row(r, &[])).collect(),
            Op::SeqScan(scan) => {
                let rows = self.scanned(scan, None);
                self.filter(rows, &scan.filter)
            }
            Op::IndexSearch { scan, recheck, .. } => {
                let rows = self.scanned(scan, None);
                let rows = self.filter(rows, recheck)?;
                self.filter(rows, &scan.filter)
            }
            Op::IndexScan { scan, index, range, backward, .. } => {
                let keys: Vec<usize> = index
                    .columns
                    .iter()
                    .map(|c| match c.key {
                        crate::catalog::IndexKey::Column(i) => i,
                        crate::catalog::IndexKey::Expression(_) => panic!("no expression indexes here"),
                    })
                    .collect();
                let mut stored: Vec<(usize, Row)> =
                    self.tables[&scan.relation.oid].iter().cloned().enumerate().collect();
                stored.sort_by(|a, b| {
                    let order = keys
                        .iter()
                        .zip(&index.columns)
                        .map(|(&k, c)| sort_order(&a.1[k], &b.1[k], c.ty.oid, c.descending, c.nulls_first));
                    let order = order.fold(Ordering::Equal, Ordering::then);
                    if *backward { order.reverse() } else { order }
                });
                let equal = self.eval_row(&range.equal, &[])?;
                let at = keys.get(equal.len()).copied();
                let lower = range
                    .lower
                    .as_ref()
                    .map(|(e, i)| Ok::<_, SqlError>((self.eval(e, &[])?, *i)))
                    .transpose()?;
                let upper = range
                    .upper
                    .as_ref()
                    .map(|(e, i)| Ok::<_, SqlError>((self.eval(e, &[])?, *i)))
                    .transpose()?;
                let any = range.any.as_ref().map(|e| self.eval(e, &[])).transpose()?;
                let mut kept = Vec::new();
                for (n, row) in stored {
                    let same = |v: &Datum, k: usize| {
                        !v.is_null()
                            && !row[k].is_null()
                            && compare(v, &row[k], scan.relation.columns[k].ty.oid) == Ordering::Equal
                    };
                    let mut hit = equal.iter().zip(&keys).all(|(v, &k)| same(v, k));
                    if let Some(k) = at {
                        let ty = scan.relation.columns[k].ty.oid;
                        if let Some((v, inclusive)) = &lower {
                            let o = compare(&row[k], v, ty);
                            hit &= !row[k].is_null()
                                && !v.is_null()
                                && (o == Ordering::Greater || *inclusive && o == Ordering::Equal);
                        }
                        if let Some((v, inclusive)) = &upper {
                            let o = compare(&row[k], v, ty);
                            hit &= !row[k].is_null()
                                && !v.is_null()
                                && (o == Ordering::Less || *inclusive && o == Ordering::Equal);
                        }
                        match &any {
                            Some(Datum::Array(a)) => hit &= a.items.iter().any(|v| same(v, k)),
                            Some(_) => hit = false,
                            None => {}
                        }
                        hit &= !range.is_null || row[k].is_null();
                    }
                    if hit {
                        kept.push(n);
                    }
                }
                let rows = self.scanned(scan, Some(&kept));
                self.filter(rows, &scan.filter)
            }
            Op::FunctionScan { calls, ordinality, filter, .. } => {
                let mut columns: Vec<Vec<Row>> = Vec::new();
                for call in calls {
                    columns.push(self.set(call, &[])?);
                }
                let longest = columns.iter().map(Vec::len).max().unwrap_or(0);
                let mut out = Vec::new();
                for i in 0..longest {
                    let mut row: Row = columns
                        .iter()
                        .flat_map(|c| c.get(i).cloned().unwrap_or_else(|| vec![Datum::Null]))
                        .collect();
                    if *ordinality {
                        row.push(Datum::Int8(i as i64 + 1));
                    }
                    out.push(row);
                }
                self.filter(out, filter)
            }
            Op::CteScan { cte, filter, .. } => {
                let node = &self.plan.ctes[*cte as usize].plan;
                let rows = self.rows(node)?;
                self.filter(rows, filter)
            }
            Op::WorkTableScan { cte } => Ok(self.work.get(cte).cloned().unwrap_or_default()),
            Op::RecursiveUnion { cte, base, step, distinct } => {
                let mut round = self.rows(base)?;
                if *distinct {
                    dedup(&mut round, &node.types);
                }
                let mut all = round.clone();
                while !round.is_empty() {
                    self.work.insert(*cte, round);
                    round = self.rows(step)?;
                    if *distinct {
                        dedup(&mut round, &node.types);
                        round.retain(|r| !all.iter().any(|a| equal_rows(a, r, &node.types)));
                    }
                    all.extend(round.iter().cloned());
                }
                Ok(all)
            }
            Op::Filter { input, conditions } => {
                let rows = self.rows(input)?;
                self.filter(rows, conditions)
            }
            Op::Project { input, exprs } => {
                let rows = self.rows(input)?;
                rows.iter().map(|r| self.eval_row(exprs, r)).collect()
            }
            Op::ProjectSet { input, exprs } => {
                let mut out = Vec::new();
                for row in self.rows(input)? {
                    let mut sets = Vec::new();
                    for e in exprs {
                        sets.push(if e.is_set() { Some(self.set(e, &row)?) } else { None });
                    }
                    let longest = sets.iter().flatten().map(Vec::len).max().unwrap_or(0);
                    for i in 0..longest {
                        let mut made = Vec::new();
                        for (e, set) in exprs.iter().zip(&sets) {
                            made.push(match set {
                                Some(rows) => rows.get(i).map_or(Datum::Null, |r| r[0].clone()),
                                None => self.eval(e, &row)?,
                            });
                        }
                        out.push(made);
                    }
                }
                Ok(out)
            }
            Op::HashJoin { kind, left, right, keys, residual }
            | Op::MergeJoin { kind, left, right, keys, residual } => {
                self.join(*kind, left, right, keys, &[], residual)
            }
            Op::NestedLoop { kind, left, right, params, conditions } => {
                self.join(*kind, left, right, &[], params, conditions)
            }
            Op::Aggregate { input, group, sets, aggregates, .. } => {
                self.aggregate(node, input, group, sets, aggregates)
            }
            Op::Window { .. } => Err(SqlError::unsupported("windows in the reference executor")),
            Op::Sort { input, keys, top, .. } => {
                let mut rows = self.rows(input)?;
                rows.sort_by(|a, b| rows_order(a, b, keys));
                if let Some(top) = top
                    && let Datum::Int8(n) = self.eval(top, &[])?
                {
                    rows.truncate(n as usize);
                }
                Ok(rows)
            }
            Op::Distinct { input, slots, .. } => {
                let types: Vec<DataType> = slots.iter().map(|&s| node.types[s as usize]).collect();
                let mut out: Vec<Row> = Vec::new();
                let pick = |row: &Row| -> Row { slots.iter().map(|&s| row[s as usize].clone()).collect() };
                for row in self.rows(input)? {
                    if !out.iter().any(|o| equal_rows(&pick(o), &pick(&row), &types)) {
                        out.push(row);
                    }
                }
                Ok(out)
            }
            Op::Limit { input, offset, count, .. } => {
                let rows = self.rows(input)?;
                let mut number = |e: &Option<Expr>, default: usize| -> Result<usize> {
                    Ok(match e.as_ref().map(|e| self.eval(e, &[])).transpose()? {
                        Some(Datum::Int8(n)) => n as usize,
                        _ => default,
                    })
                };
                let (skip, take) = (number(offset, 0)?, number(count, usize::MAX)?);
                Ok(rows.into_iter().skip(skip).take(take).collect())
            }
            Op::Append(inputs) => {
                let mut out = Vec::new();
                for input in inputs {
                    out.extend(self.rows(input)?);
                }
                Ok(out)
            }
            Op::SetOp { op, left, right } => {
                let left = self.rows(left)?;
                let mut right = self.rows(right)?;
                let mut out: Vec<Row> = Vec::new();
                for row in left {
                    let found = right.iter().position(|r| equal_rows(r, &row, &node.types));
                    let keep = matches!(op, SetOp::Intersect | SetOp::IntersectAll) == found.is_some();
                    if let (SetOp::IntersectAll | SetOp::ExceptAll, Some(i)) = (op, found) {
                        right.remove(i);
                    }
                    if keep {
                        out.push(row);
                    }
                }
                if matches!(op, SetOp::Intersect | SetOp::Except) {
                    dedup(&mut out, &node.types);
                }
                Ok(out)
            }
            Op::Materialize(input) | Op::LockRows { input, .. } => self.rows(input),
            Op::Modify { input, write: Write::Insert { .. }, .. } => self.rows(input),
            Op::Modify { .. } => Err(SqlError::unsupported("updates in the reference executor")),
        }
    }

    fn scanned(&self, scan: &Scan, only: Option<&[usize]>) -> Vec<Row> {
        let stored = &self.tables[&scan.relation.oid];
        let all: Vec<usize> = (0..stored.len()).collect();
        let pick = |n: usize| {
            scan.columns
                .iter()
                .map(|c| match c {
                    ScanColumn::Attribute(i) => stored[n][*i].clone(),
                    ScanColumn::TableOid => Datum::Oid(scan.relation.oid),
                    _ => Datum::Int8(n as i64),
                })
                .collect()
        };
        only.unwrap_or(&all).iter().map(|&n| pick(n)).collect()
    }

    fn set(&mut self, call: &Expr, row: &[Datum]) -> Result<Vec<Row>> {
        let ExprKind::Call { func, args, .. } = &call.kind else {
            return Ok(vec![vec![self.eval(call, row)?]]);
        };
        let Body::Set { body, .. } = func.body else { return Ok(vec![vec![self.eval(call, row)?]]) };
        let values = self.eval_row(args, row)?;
        if func.strict && values.iter().any(Datum::is_null) {
            return Ok(Vec::new());
        }
        let types: Vec<DataType> = args.iter().map(|a| a.ty).collect();
        self.with_cx(call.ty, &types, |_, cx| {
            let mut rows = body(cx, &values)?;
            let mut out = Vec::new();
            while let Some(row) = rows.next(cx)? {
                out.push(row);
            }
            Ok(out)
        })
    }

    fn join(
        &mut self,
        kind: JoinKind,
        left: &Node,
        right: &Node,
        keys: &[(Expr, Expr)],
        params: &[(u32, Expr)],
        conditions: &[Expr],
    ) -> Result<Vec<Row>> {
        let left_rows = self.rows(left)?;
        let mut right_rows = if params.is_empty() { self.rows(right)? } else { Vec::new() };
        let mut right_hit = vec![false; right_rows.len()];
        let mut out = Vec::new();
        for l in &left_rows {
            if !params.is_empty() {
                for (slot, e) in params {
                    self.exec[*slot as usize] = self.eval(e, l)?;
                }
                right_rows = self.rows(right)?;
            }
            let (mut hit, mut unknown) = (false, false);
            for (n, r) in right_rows.iter().enumerate() {
                let mut matches = true;
                for (a, b) in keys {
                    let (x, y) = (self.eval(a, l)?, self.eval(b, r)?);
                    unknown |= x.is_null() || y.is_null();
                    matches &= !x.is_null() && !y.is_null() && compare(&x, &y, a.ty.oid) == Ordering::Equal;
                }
                let both: Row = l.iter().chain(r).cloned().collect();
                if matches && self.holds(conditions, &both)? {
                    hit = true;
                    if let Some(flag) = right_hit.get_mut(n) {
                        *flag = true;
                    }
                    if matches!(kind, JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full) {
                        out.push(both);
                    }
                }
            }
            match kind {
                JoinKind::Left | JoinKind::Full if !hit => {
                    out.push(l.iter().cloned().chain(right.types.iter().map(|_| Datum::Null)).collect());
                }
                JoinKind::Semi if hit => out.push(l.clone()),
                JoinKind::Anti if !hit => out.push(l.clone()),
                JoinKind::NullAwareAnti if !hit && !unknown => out.push(l.clone()),
                _ => {}
            }
        }
        if matches!(kind, JoinKind::Right | JoinKind::Full) {
            for (r, _) in right_rows.iter().zip(&right_hit).filter(|(_, hit)| !**hit) {
                out.push(left.types.iter().map(|_| Datum::Null).chain(r.iter().cloned()).collect());
            }
        }
        Ok(out)
    }

    fn aggregate(
        &mut self,
        node: &Node,
        input: &Node,
        group: &[Expr],
        sets: &[Vec<u32>],
        calls: &[AggregateCall],
    ) -> Result<Vec<Row>> {
        let rows = self.rows(input)?;
        let all = vec![(0..group.len() as u32).collect::<Vec<u32>>()];
        let types: Vec<DataType> = group.iter().map(|g| g.ty).collect();
        let mut out = Vec::new();
        for set in if sets.is_empty() { &all } else { sets } {
            let mut groups: Vec<(Row, Vec<Row>)> = Vec::new();
            if set.is_empty() {
                groups.push((vec![Datum::Null; group.len()], Vec::new()));
            }
            for row in &rows {
                let mut key = Vec::new();
                for (i, e) in group.iter().enumerate() {
                    key.push(if set.contains(&(i as u32)) { self.eval(e, row)? } else { Datum::Null });
                }
                match groups.iter_mut().find(|g| equal_rows(&g.0, &key, &types)) {
                    Some(g) => g.1.push(row.clone()),
                    None => groups.push((key, vec![row.clone()])),
                }
            }
            for (key, members) in groups {
                let mut row = key;
                for call in calls {
                    row.push(self.aggregate_one(call, &members)?);
                }
                if node.types.len() > row.len() {
                    let mask =
                        (0..group.len() as u32).fold(0, |m, i| (m << 1) | i32::from(!set.contains(&i)));
                    row.push(Datum::Int4(mask));
                }
                out.push(row);
            }
        }
        Ok(out)
    }

    fn aggregate_one(&mut self, call: &AggregateCall, members: &[Row]) -> Result<Datum> {
        let Body::Aggregate(make) = call.func.body else {
            return Err(SqlError::internal("not an aggregate"));
        };
        let types: Vec<DataType> = call.args.iter().map(|a| a.ty).collect();
        let mut seen: Vec<Row> = Vec::new();
        let mut rows: Vec<(Row, Row)> = Vec::new();
        for row in members {
            if let Some(filter) = &call.filter
                && !self.holds(std::slice::from_ref(filter), row)?
            {
                continue;
            }
            let args = self.eval_row(&call.args, row)?;
            if call.func.strict && args.iter().any(Datum::is_null) {
                continue;
            }
            if call.distinct {
                if seen.iter().any(|s| equal_rows(s, &args, &types)) {
                    continue;
                }
                seen.push(args.clone());
            }
            let mut keys = Vec::new();
            for key in &call.order {
                keys.push(self.eval(&key.expr, row)?);
            }
            rows.push((keys, args));
        }
        rows.sort_by(|a, b| {
            let each = call
                .order
                .iter()
                .enumerate()
                .map(|(i, k)| sort_order(&a.0[i], &b.0[i], k.expr.ty.oid, k.descending, k.nulls_first));
            each.fold(Ordering::Equal, Ordering::then)
        });
        let mut state = make(&types);
        self.with_cx(call.ty, &types, |_, cx| {
            for (_, args) in &rows {
                state.add(cx, args)?;
            }
            state.finish(cx)
        })
    }
}

fn rows_order(a: &Row, b: &Row, keys: &[SortSlot]) -> Ordering {
    let each = keys
        .iter()
        .map(|k| sort_order(&a[k.slot as usize], &b[k.slot as usize], k.ty.oid, k.descending, k.nulls_first));
    each.fold(Ordering::Equal, Ordering::then)
}

fn equal_rows(a: &[Datum], b: &[Datum], types: &[DataType]) -> bool {
    a.iter().zip(b).zip(types).all(|((x, y), t)| match (x.is_null(), y.is_null()) {
        (false, false) => compare(x, y, t.oid) == Ordering::Equal,
        (x, y) => x == y,
    })
}

fn dedup(rows: &mut Vec<Row>, types: &[DataType]) {
    let mut out: Vec<Row> = Vec::new();
    for row in rows.drain(..) {
        if !out.iter().any(|o| equal_rows(o, &row, types)) {
            out.push(row);
        }
    }
    *rows = out;
}

fn run(catalog: &MemoryCatalog, tables: &Tables, sql: &str) -> Result<Vec<Row>> {
    let plan = catalog.plan(sql)?;
    let exec = vec![Datum::Null; plan.exec_params as usize];
    let rows = Interpreter { catalog, plan: &plan, tables, exec, work: HashMap::new() }.rows(&plan.root)?;
    Ok(rows
        .into_iter()
        .map(|mut r| {
            r.truncate(plan.columns.len().max(1));
            r
        })
        .collect())
}

/// Rows as psql prints them unaligned; sorted unless the statement orders them.
fn print(catalog: &MemoryCatalog, tables: &Tables, sql: &str) -> String {
    let types = match catalog.bind(sql) {
        Ok(bound) => bound.columns.iter().map(|c| c.ty).collect::<Vec<_>>(),
        Err(e) => return format!("!{} {}", e.code().as_str(), e.message()),
    };
    let rows = match run(catalog, tables, sql) {
        Ok(rows) => rows,
        Err(e) => return format!("!{} {}", e.code().as_str(), e.message()),
    };
    let io = IoContext::default();
    let show = |(v, t): (&Datum, &DataType)| match v {
        Datum::Null => String::new(),
        v => crate::types::io_text::to_text(v, t.oid, &io).unwrap_or_else(|e| e.to_string()),
    };
    let mut lines: Vec<String> =
        rows.iter().map(|r| r.iter().zip(&types).map(show).collect::<Vec<_>>().join("|")).collect();
    if !sql.contains("order by") {
        lines.sort();
    }
    lines.join(";")
}

#[test]
fn results() {
    let mut catalog = MemoryCatalog::sample();
    let mut tables = Tables::new();
    for name in ["t", "u", "p"] {
        tables.insert(catalog.table_oid(name), Vec::new());
    }
    for line in include_str!("testdata/data.sql").lines().filter(|l| !l.is_empty()) {
        let plan = catalog.plan(line).expect("data binds");
        let Op::Modify { input, target, .. } = &plan.root.op else { panic!("not an insert") };
        let rows = Interpreter {
            catalog: &catalog,
            plan: &plan,
            tables: &Tables::new(),
            exec: Vec::new(),
            work: HashMap::new(),
        }
        .rows(input)
        .expect("data evaluates");
        let generated = target.generated.clone();
        let stored = tables.entry(target.relation.oid).or_default();
        for mut row in rows {
            for (i, e) in &generated {
                let empty = Tables::new();
                let mut one = Interpreter {
                    catalog: &catalog,
                    plan: &plan,
                    tables: &empty,
                    exec: Vec::new(),
                    work: HashMap::new(),
                };
                row[*i] = one.eval(e, &row).expect("generated column evaluates");
            }
            stored.push(row);
        }
    }

    let mut failures = Vec::new();
    // Every way to join and to read must give the same rows.
    let settings: [&[&'static str]; 4] = [
        &[],
        &["enable_hashjoin"],
        &["enable_nestloop", "enable_indexscan"],
        &["enable_seqscan", "enable_hashjoin", "enable_mergejoin"],
    ];
    for off in settings {
        catalog.off = off.to_vec();
        for line in include_str!("testdata/results.golden").lines() {
            let (sql, expected) = line.split_once('\t').expect("golden line has a tab");
            let found = print(&catalog, &tables, sql);
            if found != expected {
                let plan = catalog.explain_or_error(sql);
                failures.push(format!(
                    "{sql}\n  expected {expected}\n  found    {found}\n  without {off:?}\n{plan}"
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
}
