//! From physical nodes to what EXPLAIN shows of them.

mod search;

use std::collections::HashMap;
use std::sync::Arc;

use super::super::deparse::{
    deparse_aggregate, deparse_conjunction, deparse_expr, deparse_window, order_words, quote_identifier,
};
use super::super::expr::{Expr, ExprKind};
use super::super::physical::{
    AggregateStrategy, Command, Cost, JoinKind, Node, Op, PhysicalPlan, Scan, ScanColumn, SetOp, Write,
};
use super::slot::{Slot, SlotNames, join_slots, sort_keys};
use super::{ActualStats, ExplainOptions, NodeActual};
use crate::func::JSON_TABLE;

/// A shown node.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// `Hash Join`, `Seq Scan`: JSON's Node Type.
    pub kind: String,
    /// The text form's label where it differs: `Seq Scan on t a`.
    pub label: String,
    /// How it hangs in its parent: `Outer`, `Inner`, `InitPlan`, `SubPlan`, `Member`.
    pub relationship: &'static str,
    /// `InitPlan 1`, `CTE x`.
    pub subplan: Option<String>,
    /// JSON's further keys before the costs.
    pub facts: Vec<(&'static str, Fact)>,
    /// Estimates.
    pub cost: Cost,
    /// What it did, if it was run.
    pub actual: Option<NodeActual>,
    /// Details: `Filter: ...`.
    pub details: Vec<(String, Fact)>,
    /// Inputs.
    pub children: Vec<Block>,
}

/// A value of a detail.
#[derive(Clone, Debug)]
pub enum Fact {
    /// Text.
    Text(String),
    /// A list; printed with commas in text.
    List(Vec<String>),
    /// A number.
    Count(f64),
}

pub(super) struct Builder<'a> {
    plan: &'a PhysicalPlan,
    options: &'a ExplainOptions,
    actuals: Option<&'a ActualStats>,
    /// Number of a node in preorder, by address.
    numbers: HashMap<*const Node, usize>,
    /// Whether column names carry their table's.
    qualified: bool,
    params: HashMap<u32, String>,
    /// Subplans that are shown already.
    mentioned: Vec<u32>,
}

fn number(node: &Node, next: &mut usize, numbers: &mut HashMap<*const Node, usize>, relations: &mut usize) {
    numbers.insert(std::ptr::from_ref(node), *next);
    *next += 1;
    if matches!(
        node.op,
        Op::SeqScan(_)
            | Op::IndexScan { .. }
            | Op::IndexSearch { .. }
            | Op::FunctionScan { .. }
            | Op::CteScan { .. }
            | Op::WorkTableScan { .. }
            | Op::Values(_)
            | Op::Modify { .. }
    ) {
        *relations += 1;
    }
    node.inputs().into_iter().for_each(|n| number(n, next, numbers, relations));
}

/// Says after a filter how many rows it removed.
fn show_removed(block: &mut Block) {
    const REMOVED: [(&str, &str); 2] =
        [("Join Filter", "Rows Removed by Join Filter"), ("Filter", "Rows Removed by Filter")];
    let Some(actual) = block.actual.filter(|a| a.filtered > 0 && a.loops > 0) else { return };
    let find = |name: &str| block.details.iter().position(|d| d.0 == name);
    let found = REMOVED.iter().find_map(|(filter, removed)| Some((find(filter)?, *removed)));
    if let Some((at, removed)) = found {
        let line = (removed.to_owned(), Fact::Count((actual.filtered as f64 / actual.loops as f64).round()));
        match find(removed) {
            Some(there) => block.details[there] = line,
            None => block.details.insert(at + 1, line),
        }
    }
}

impl<'a> Builder<'a> {
    pub(super) fn new(
        plan: &'a PhysicalPlan,
        options: &'a ExplainOptions,
        actuals: Option<&'a ActualStats>,
    ) -> Self {
        let (mut numbers, mut next, mut relations) = (HashMap::new(), 0, 0);
        number(&plan.root, &mut next, &mut numbers, &mut relations);
        plan.subplans.iter().for_each(|n| number(n, &mut next, &mut numbers, &mut relations));
        plan.ctes.iter().for_each(|c| number(&c.plan, &mut next, &mut numbers, &mut relations));
        if plan.command != Command::Select && relations <= 2 {
            // The target and its scan are one table.
            relations = 1;
        }
        let qualified = options.verbose || relations > 1;
        Builder { plan, options, actuals, numbers, qualified, params: HashMap::new(), mentioned: Vec::new() }
    }

    pub(super) fn build(mut self) -> Block {
        let (mut root, _) = self.node(&self.plan.root);
        for cte in self.plan.ctes.iter().rev() {
            if matches!(cte.plan.op, Op::Empty) {
                continue;
            }
            let (mut block, _) = self.node(&cte.plan);
            block.relationship = "InitPlan";
            block.subplan = Some(format!("CTE {}", cte.name));
            root.children.insert(0, block);
        }
        root
    }

    fn names<'s>(&'s self, slots: &'s [Slot]) -> SlotNames<'s, 's> {
        SlotNames { slots, params: &self.params, own: false }
    }

    fn own_names<'s>(&'s self, slots: &'s [Slot]) -> SlotNames<'s, 's> {
        SlotNames { slots, params: &self.params, own: true }
    }

    fn slot_of(&self, e: &Expr, slots: &[Slot]) -> Slot {
        match &e.kind {
            ExprKind::Column(i) => {
                slots.get(*i as usize).cloned().unwrap_or(Slot { text: format!("?{i}?"), plain: true })
            }
            _ => Slot { text: deparse_expr(e, &self.names(slots)), plain: false },
        }
    }

    /// Describes a node; also the texts of its slots.
    fn node(&mut self, node: &Node) -> (Block, Vec<Slot>) {
        let (mut block, slots) = self.describe(node);
        if block.cost.rows == 0.0 && block.cost.total == 0.0 {
            block.cost = node.cost;
        }
        if block.actual.is_none() {
            block.actual = self.actual(node);
        }
        show_removed(&mut block);
        if let (Op::IndexScan { .. }, Some(actual)) = (&node.op, block.actual) {
            block.details.push(("Index Searches".to_owned(), Fact::Count(actual.searches as f64)));
        }
        (block, slots)
    }

    fn actual(&self, node: &Node) -> Option<NodeActual> {
        let number = self.numbers.get(&std::ptr::from_ref(node))?;
        self.actuals?.nodes.get(*number).copied()
    }

    fn describe(&mut self, node: &Node) -> (Block, Vec<Slot>) {
        match &node.op {
            Op::Empty => {
                let mut block = self.leaf("Result", node);
                block.details.push(("One-Time Filter".to_owned(), Fact::Text("false".to_owned())));
                let slots =
                    node.types.iter().map(|_| Slot { text: "NULL".to_owned(), plain: false }).collect();
                (block, slots)
            }
            Op::Result(exprs) => {
                let mut block = self.leaf("Result", node);
                let slots: Vec<Slot> = exprs.iter().map(|e| self.slot_of(e, &[])).collect();
                self.output(&mut block, &slots);
                self.attach_subplans(&mut block, exprs.iter(), &[]);
                (block, slots)
            }
            Op::Values(_) => {
                let mut block = self.leaf("Values Scan", node);
                block.label = "Values Scan on \"*VALUES*\"".to_owned();
                block.facts.push(("Alias", Fact::Text("*VALUES*".to_owned())));
                let slots: Vec<Slot> = (1..=node.types.len())
                    .map(|i| self.column_slot("\"*VALUES*\"", &format!("column{i}")))
                    .collect();
                self.output(&mut block, &slots);
                (block, slots)
            }
            Op::SeqScan(scan) => {
                let kind = if scan.sample.is_some() { "Sample Scan" } else { "Seq Scan" };
                self.scan(node, scan, kind, None)
            }
            Op::IndexScan { scan, index, backward, index_only, shown, .. } => {
                let kind = if *index_only { "Index Only Scan" } else { "Index Scan" };
                self.scan(node, scan, kind, Some((&index.name, *backward, shown)))
            }
            Op::IndexSearch { scan, index, shown, .. } => self.search(node, scan, index, shown),
            Op::FunctionScan { calls, alias, filter, .. } => {
                let name = match calls.first().map(|c| &c.kind) {
                    Some(ExprKind::Call { func, .. }) => func.name,
                    Some(ExprKind::Routine { target, .. }) => &target.routine.name,
                    _ => "function",
                };
                let table = matches!(calls.as_slice(), [Expr { kind: ExprKind::Call { func, .. }, .. }]
                    if std::ptr::eq(*func, &JSON_TABLE));
                let kind = if table { "Table Function Scan" } else { "Function Scan" };
                let mut block = self.leaf(kind, node);
                block.label = aliased(&format!("{kind} on {}", quote_identifier(name)), name, alias);
                let fact = if table { "Table Function Name" } else { "Function Name" };
                block.facts.push((fact, Fact::Text(name.to_owned())));
                block.facts.push(("Alias", Fact::Text(alias.to_string())));
                let slots: Vec<Slot> =
                    node.types.iter().enumerate().map(|(i, _)| self.function_slot(calls, alias, i)).collect();
                self.output(&mut block, &slots);
                if self.options.verbose {
                    let texts: Vec<String> =
                        calls.iter().map(|c| deparse_expr(c, &self.names(&[]))).collect();
                    let call = if table { "Table Function Call" } else { "Function Call" };
                    block.details.push((call.to_owned(), Fact::Text(texts.join(", "))));
                }
                self.filter_lines(&mut block, filter, &slots);
                (block, slots)
            }
            Op::CteScan { cte, alias, filter } => {
                let mut block = self.leaf("CTE Scan", node);
                let name = self.plan.ctes.get(*cte as usize).map_or(alias.clone(), |c| c.name.clone());
                block.label = aliased(&format!("CTE Scan on {}", quote_identifier(&name)), &name, alias);
                block.facts.push(("CTE Name", Fact::Text(name.to_string())));
                block.facts.push(("Alias", Fact::Text(alias.to_string())));
                let slots: Vec<Slot> = node
                    .types
                    .iter()
                    .enumerate()
                    .map(|(i, _)| self.column_slot(alias, &format!("column{}", i + 1)))
                    .collect();
                self.filter_lines(&mut block, filter, &slots);
                (block, slots)
            }
            Op::WorkTableScan { cte } => {
                let mut block = self.leaf("WorkTable Scan", node);
                let name = self.plan.ctes.get(*cte as usize).map_or(Arc::from("?"), |c| c.name.clone());
                block.label = format!("WorkTable Scan on {}", quote_identifier(&name));
                let slots = node
                    .types
                    .iter()
                    .enumerate()
                    .map(|(i, _)| self.column_slot(&name, &format!("column{}", i + 1)))
                    .collect();
                (block, slots)
            }
            Op::RecursiveUnion { base, step, .. } => {
                let mut block = self.leaf("Recursive Union", node);
                let (base, slots) = self.child(base, "Outer");
                let (step, _) = self.child(step, "Inner");
                block.children = vec![base, step];
                (block, slots)
            }
            Op::Filter { input, conditions } => {
                let (mut block, slots) = self.node(input);
                // Shown as part of the node below, after the filter.
                block.cost.rows = node.cost.rows;
                block.cost.total = node.cost.total;
                if let (Some(actual), Some(own)) = (&mut block.actual, self.actual(node)) {
                    let filtered = actual.filtered + own.filtered;
                    let NodeActual { startup_micros, searches, .. } = *actual;
                    *actual = NodeActual { startup_micros, filtered, searches, ..own };
                }
                let text = deparse_conjunction(conditions, &self.own_names(&slots));
                block.details.push(("Filter".to_owned(), Fact::Text(text)));
                self.attach_subplans(&mut block, conditions.iter(), &slots);
                (block, slots)
            }
            Op::Project { input, exprs } => {
                let (mut block, inner) = self.node(input);
                let slots: Vec<Slot> = exprs.iter().map(|e| self.slot_of(e, &inner)).collect();
                block.cost.total = node.cost.total;
                block.cost.width = node.cost.width;
                if let (Some(actual), Some(own)) = (&mut block.actual, self.actual(node)) {
                    let NodeActual { rows, filtered, searches, .. } = *actual;
                    *actual = NodeActual { rows, filtered, searches, ..own };
                }
                block.details.retain(|d| d.0 != "Output");
                self.output(&mut block, &slots);
                self.attach_subplans(&mut block, exprs.iter(), &inner);
                (block, slots)
            }
            Op::ProjectSet { input, exprs } => {
                let mut block = self.leaf("ProjectSet", node);
                let (child, inner) = self.child(input, "Outer");
                let slots: Vec<Slot> = exprs.iter().map(|e| self.slot_of(e, &inner)).collect();
                self.output(&mut block, &slots);
                block.children.push(child);
                (block, slots)
            }
            Op::HashJoin { kind, left, right, keys, residual } => {
                self.equi_join(node, "Hash", *kind, (left, right), keys, residual)
            }
            Op::MergeJoin { kind, left, right, keys, residual } => {
                self.equi_join(node, "Merge", *kind, (left, right), keys, residual)
            }
            Op::NestedLoop { kind, left, right, params, conditions } => {
                let (outer, left_slots) = self.child(left, "Outer");
                for (param, e) in params {
                    let slot = self.slot_of(e, &left_slots);
                    self.params.insert(*param, slot.referenced());
                }
                let (mut inner, right_slots) = self.child(right, "Inner");
                if params.is_empty() && !inner.children.is_empty()
                    || params.is_empty() && right.cost.rows > 1.0
                {
                    inner = self.wrapped("Materialize", inner, right);
                }
                let mut block = self.join_block(node, "Nested Loop", *kind);
                let both: Vec<Slot> = left_slots.iter().chain(&right_slots).cloned().collect();
                if !conditions.is_empty() {
                    let text = deparse_conjunction(conditions, &self.names(&both));
                    block.details.push(("Join Filter".to_owned(), Fact::Text(text)));
                    self.attach_subplans(&mut block, conditions.iter(), &both);
                }
                block.children = vec![outer, inner];
                let slots = join_slots(*kind, left_slots, both);
                self.output(&mut block, &slots);
                (block, slots)
            }
            Op::Aggregate { strategy, input, group, sets, aggregates } => {
                let (kind, word) = match strategy {
                    AggregateStrategy::Plain => ("Aggregate", "Plain"),
                    AggregateStrategy::Hash if !sets.is_empty() => ("MixedAggregate", "Mixed"),
                    AggregateStrategy::Hash => ("HashAggregate", "Hashed"),
                    AggregateStrategy::Sorted => ("GroupAggregate", "Sorted"),
                };
                let mut block = self.leaf("Aggregate", node);
                block.label = kind.to_owned();
                block.facts.push(("Strategy", Fact::Text(word.to_owned())));
                let (child, inner) = self.child(input, "Outer");
                let mut slots: Vec<Slot> = group.iter().map(|e| self.slot_of(e, &inner)).collect();
                let keys: Vec<String> =
                    group.iter().map(|e| self.slot_of(e, &inner).referenced_in(e)).collect();
                for call in aggregates {
                    slots.push(Slot { text: deparse_aggregate(call, &self.names(&inner)), plain: false });
                }
                if node.types.len() > slots.len() {
                    slots.push(Slot { text: "GROUPING".to_owned(), plain: false });
                }
                self.output(&mut block, &slots);
                if sets.is_empty() {
                    if !keys.is_empty() {
                        block.details.push(("Group Key".to_owned(), Fact::List(keys)));
                    }
                } else {
                    for set in sets {
                        let keys: Vec<String> =
                            set.iter().filter_map(|&i| keys.get(i as usize).cloned()).collect();
                        let name = if keys.is_empty() { "Group Key" } else { "Hash Key" };
                        let keys = if keys.is_empty() { vec!["()".to_owned()] } else { keys };
                        block.details.push((name.to_owned(), Fact::List(keys)));
                    }
                }
                for call in aggregates {
                    self.attach_subplans(&mut block, call.args.iter().chain(&call.filter), &inner);
                }
                block.children.insert(0, child);
                (block, slots)
            }
            Op::Window { input, calls } => {
                let mut block = self.leaf("WindowAgg", node);
                let (child, inner) = self.child(input, "Outer");
                let mut slots = inner.clone();
                for call in calls {
                    slots.push(Slot { text: deparse_window(call, &self.names(&inner)), plain: false });
                }
                self.output(&mut block, &slots);
                if let Some(call) = calls.first() {
                    let names = self.names(&inner);
                    let mut parts = Vec::new();
                    if !call.window.partition.is_empty() {
                        let keys: Vec<String> =
                            call.window.partition.iter().map(|e| deparse_expr(e, &names)).collect();
                        parts.push(format!("PARTITION BY {}", keys.join(", ")));
                    }
                    if !call.window.order.is_empty() {
                        let keys: Vec<String> = call
                            .window
                            .order
                            .iter()
                            .map(|k| {
                                format!(
                                    "{}{}",
                                    deparse_expr(&k.expr, &names),
                                    order_words(k.descending, k.nulls_first)
                                )
                            })
                            .collect();
                        parts.push(format!("ORDER BY {}", keys.join(", ")));
                    }
                    block
                        .details
                        .push(("Window".to_owned(), Fact::Text(format!("w1 AS ({})", parts.join(" ")))));
                }
                block.children.push(child);
                (block, slots)
            }
            Op::Sort { input, keys, presorted, .. } => {
                let kind = if *presorted > 0 { "Incremental Sort" } else { "Sort" };
                let mut block = self.leaf(kind, node);
                let (child, slots) = self.child(input, "Outer");
                self.output(&mut block, &slots);
                let shown = sort_keys(keys, &slots);
                let ready = shown[..(*presorted as usize).min(shown.len())].to_vec();
                block.details.push(("Sort Key".to_owned(), Fact::List(shown)));
                if *presorted > 0 {
                    block.details.push(("Presorted Key".to_owned(), Fact::List(ready)));
                }
                block.children.push(child);
                (block, slots)
            }
            Op::Distinct { input, slots: on, sorted } => {
                let (child, slots) = self.child(input, "Outer");
                let mut block =
                    if *sorted { self.leaf("Unique", node) } else { self.leaf("Aggregate", node) };
                self.output(&mut block, &slots);
                if !*sorted {
                    block.label = "HashAggregate".to_owned();
                    block.facts.push(("Strategy", Fact::Text("Hashed".to_owned())));
                    let keys =
                        on.iter().filter_map(|&i| slots.get(i as usize)).map(Slot::referenced).collect();
                    block.details.push(("Group Key".to_owned(), Fact::List(keys)));
                }
                block.children.push(child);
                (block, slots)
            }
            Op::Limit { input, offset, count, .. } => {
                let mut block = self.leaf("Limit", node);
                let (child, slots) = self.child(input, "Outer");
                self.output(&mut block, &slots);
                block.children.push(child);
                self.attach_subplans(&mut block, offset.iter().chain(count), &[]);
                (block, slots)
            }
            Op::Append(inputs) => {
                let mut block = self.leaf("Append", node);
                let mut slots = Vec::new();
                for (i, input) in inputs.iter().enumerate() {
                    let (child, inner) = self.child(input, "Member");
                    if i == 0 {
                        slots = inner;
                    }
                    block.children.push(child);
                }
                (block, slots)
            }
            Op::SetOp { op, left, right } => {
                let word = match op {
                    SetOp::Intersect => "Intersect",
                    SetOp::IntersectAll => "Intersect All",
                    SetOp::Except => "Except",
                    SetOp::ExceptAll => "Except All",
                };
                let mut block = self.leaf("SetOp", node);
                block.label = format!("HashSetOp {word}");
                block.facts.push(("Strategy", Fact::Text("Hashed".to_owned())));
                block.facts.push(("Command", Fact::Text(word.to_owned())));
                let (left, slots) = self.child(left, "Outer");
                let (right, _) = self.child(right, "Inner");
                block.children = vec![left, right];
                (block, slots)
            }
            Op::Materialize(input) => self.over("Materialize", node, input),
            Op::LockRows { input, .. } => self.over("LockRows", node, input),
            Op::Modify { input, target, write, returning } => {
                let verb = match write {
                    Write::Insert { .. } => "Insert",
                    Write::Update { .. } => "Update",
                    Write::Delete { .. } => "Delete",
                    Write::Merge { .. } => "Merge",
                };
                let table = &target.relation;
                let mut block = self.leaf("ModifyTable", node);
                let shown = self.relation_name(&table.schema, &table.name);
                block.label = format!("{verb} on {shown}");
                block.facts.push(("Operation", Fact::Text(verb.to_owned())));
                block.facts.push(("Relation Name", Fact::Text(table.name.to_string())));
                block.facts.push(("Alias", Fact::Text(table.name.to_string())));
                if let Write::Insert { on_conflict: Some(conflict) } = write {
                    let word = if conflict.update.is_some() { "UPDATE" } else { "NOTHING" };
                    block.details.push(("Conflict Resolution".to_owned(), Fact::Text(word.to_owned())));
                    let names: Vec<String> = conflict
                        .arbiters
                        .iter()
                        .filter_map(|&i| table.indexes.get(i))
                        .map(|i| i.name.to_string())
                        .collect();
                    if !names.is_empty() {
                        block.details.push(("Conflict Arbiter Indexes".to_owned(), Fact::List(names)));
                    }
                }
                let (child, inner) = self.child(input, "Outer");
                let image: Vec<Slot> =
                    table.columns.iter().map(|c| self.column_slot(&table.name, &c.name)).collect();
                let mut seen: Vec<Slot> = image.iter().chain(&image).cloned().chain(inner).collect();
                if let Write::Merge { .. } = write {
                    seen.push(self.column_slot(&table.name, "merge_action()"));
                    seen.extend(image);
                }
                let slots: Vec<Slot> = returning.iter().flatten().map(|e| self.slot_of(e, &seen)).collect();
                self.output(&mut block, &slots);
                if let Write::Update { set, .. } = write {
                    self.attach_subplans(
                        &mut block,
                        set.iter().map(|s| &s.1),
                        &seen[2 * table.columns.len()..],
                    );
                }
                block.children.insert(0, child);
                (block, slots)
            }
        }
    }

    fn leaf(&self, kind: &str, node: &Node) -> Block {
        Block {
            kind: kind.to_owned(),
            label: kind.to_owned(),
            cost: node.cost,
            actual: self.actual(node),
            ..Block::default()
        }
    }

    fn child(&mut self, node: &Node, relationship: &'static str) -> (Block, Vec<Slot>) {
        let (mut block, slots) = self.node(node);
        block.relationship = relationship;
        (block, slots)
    }

    fn over(&mut self, kind: &str, node: &Node, input: &Node) -> (Block, Vec<Slot>) {
        let mut block = self.leaf(kind, node);
        let (child, slots) = self.child(input, "Outer");
        self.output(&mut block, &slots);
        block.children.push(child);
        (block, slots)
    }

    /// A node that PostgreSQL shows and our plan implies: Hash, Materialize.
    fn wrapped(&self, kind: &str, mut inner: Block, node: &Node) -> Block {
        let mut cost = node.cost;
        if kind == "Hash" {
            cost.startup = cost.total;
        }
        inner.relationship = "Outer";
        let output = inner.details.iter().find(|d| d.0 == "Output").cloned();
        Block {
            kind: kind.to_owned(),
            label: kind.to_owned(),
            relationship: "Inner",
            cost,
            actual: inner.actual,
            details: output.into_iter().collect(),
            children: vec![inner],
            ..Block::default()
        }
    }

    fn output(&self, block: &mut Block, slots: &[Slot]) {
        if self.options.verbose && !slots.is_empty() {
            let texts = slots.iter().map(|s| s.text.clone()).collect();
            block.details.insert(0, ("Output".to_owned(), Fact::List(texts)));
        }
    }

    fn filter_lines(&mut self, block: &mut Block, filter: &[Expr], slots: &[Slot]) {
        if !filter.is_empty() {
            let text = deparse_conjunction(filter, &self.own_names(slots));
            block.details.push(("Filter".to_owned(), Fact::Text(text)));
            self.attach_subplans(block, filter.iter(), slots);
        }
    }

    fn column_slot(&self, alias: &str, column: &str) -> Slot {
        let alias = if alias.starts_with('"') { alias.to_owned() } else { quote_identifier(alias) };
        let column = quote_identifier(column);
        let text = if self.qualified { format!("{alias}.{column}") } else { column };
        Slot { text, plain: true }
    }

    /// A column of the scanned relation in the scan's own conditions: qualified with VERBOSE only.
    fn own_column(&self, alias: &str, column: &str) -> Slot {
        match self.options.verbose {
            true => self.column_slot(alias, column),
            false => Slot { text: quote_identifier(column), plain: true },
        }
    }

    fn function_slot(&self, calls: &[Expr], alias: &str, i: usize) -> Slot {
        use crate::func::Body;
        let mut at = i;
        for call in calls {
            let columns: Vec<&str> = match &call.kind {
                ExprKind::Call { func, .. } => match func.body {
                    Body::Set { columns, .. } => columns.iter().map(|(name, _)| *name).collect(),
                    _ => Vec::new(),
                },
                ExprKind::Routine { target, .. } => {
                    target.fields().iter().flat_map(|f| f.iter()).map(|(name, _)| &**name).collect()
                }
                _ => Vec::new(),
            };
            let width = columns.len().max(1);
            if at < width {
                return self.column_slot(alias, columns.get(at).copied().unwrap_or(alias));
            }
            at -= width;
        }
        self.column_slot(alias, "ordinality")
    }

    fn relation_name(&self, schema: &str, name: &str) -> String {
        match self.options.verbose {
            true => format!("{}.{}", quote_identifier(schema), quote_identifier(name)),
            false => quote_identifier(name),
        }
    }

    fn scan(
        &mut self,
        node: &Node,
        scan: &Scan,
        kind: &str,
        index: Option<(&str, bool, &[Expr])>,
    ) -> (Block, Vec<Slot>) {
        let mut block = self.leaf(kind, node);
        let name = self.relation_name(&scan.relation.schema, &scan.relation.name);
        let mut label = kind.to_owned();
        if let Some((index, backward, _)) = index {
            if backward {
                label.push_str(" Backward");
            }
            label.push_str(&format!(" using {}", quote_identifier(index)));
            block.facts.push((
                "Scan Direction",
                Fact::Text(if backward { "Backward" } else { "Forward" }.to_owned()),
            ));
            block.facts.push(("Index Name", Fact::Text(index.to_owned())));
        }
        label.push_str(&format!(" on {name}"));
        block.label = aliased(&label, &scan.relation.name, &scan.alias);
        block.facts.push(("Relation Name", Fact::Text(scan.relation.name.to_string())));
        if self.options.verbose {
            block.facts.push(("Schema", Fact::Text(scan.relation.schema.to_string())));
        }
        block.facts.push(("Alias", Fact::Text(scan.alias.to_string())));
        let names = || {
            scan.columns.iter().map(|c| match c {
                ScanColumn::Attribute(i) => scan.relation.columns.get(*i).map_or("?", |c| &c.name),
                ScanColumn::RowId | ScanColumn::Ctid => "ctid",
                ScanColumn::TableOid => "tableoid",
                ScanColumn::Xmin => "xmin",
            })
        };
        let slots: Vec<Slot> = names().map(|name| self.column_slot(&scan.alias, name)).collect();
        let own: Vec<Slot> = names().map(|name| self.own_column(&scan.alias, name)).collect();
        self.output(&mut block, &slots);
        if let Some((_, _, shown)) = index
            && !shown.is_empty()
        {
            let all: Vec<Slot> =
                scan.relation.columns.iter().map(|c| self.own_column(&scan.alias, &c.name)).collect();
            let text = deparse_conjunction(shown, &self.names(&all));
            block.details.push(("Index Cond".to_owned(), Fact::Text(text)));
        }
        if let Some(sample) = &scan.sample {
            let names = self.own_names(&own);
            let method = sample.method.name();
            let mut text = format!("{method} ({})", deparse_expr(&sample.percent, &names));
            if let Some(seed) = &sample.seed {
                text.push_str(&format!(" REPEATABLE ({})", deparse_expr(seed, &names)));
            }
            block.details.push(("Sampling".to_owned(), Fact::Text(text)));
        }
        if !scan.filter.is_empty() {
            let text = deparse_conjunction(&scan.filter, &self.own_names(&own));
            block.details.push(("Filter".to_owned(), Fact::Text(text)));
            self.attach_subplans(&mut block, scan.filter.iter(), &slots);
        }
        (block, slots)
    }

    fn join_block(&self, node: &Node, kind: &str, join: JoinKind) -> Block {
        let (word, name) = match join {
            JoinKind::Inner => ("", "Inner"),
            JoinKind::Left => (" Left", "Left"),
            JoinKind::Right => (" Right", "Right"),
            JoinKind::Full => (" Full", "Full"),
            JoinKind::Semi => (" Semi", "Semi"),
            JoinKind::Anti => (" Anti", "Anti"),
            JoinKind::NullAwareAnti => (" Null-Aware Anti", "Null-Aware Anti"),
            JoinKind::Mark => (" Mark", "Mark"),
        };
        let mut block = self.leaf(kind, node);
        block.label = match (kind, word) {
            ("Nested Loop", "") => kind.to_owned(),
            ("Nested Loop", word) => format!("{kind}{word} Join"),
            (kind, word) => format!("{}{word} Join", kind.trim_end_matches(" Join")),
        };
        block.facts.push(("Join Type", Fact::Text(name.to_owned())));
        block
    }

    fn equi_join(
        &mut self,
        node: &Node,
        method: &str,
        kind: JoinKind,
        (left, right): (&Node, &Node),
        keys: &[(Expr, Expr)],
        residual: &[Expr],
    ) -> (Block, Vec<Slot>) {
        let (outer, left_slots) = self.child(left, "Outer");
        let (mut inner, right_slots) = self.child(right, "Inner");
        if method == "Hash" {
            inner = self.wrapped("Hash", inner, right);
        }
        let mut block = self.join_block(node, &format!("{method} Join"), kind);
        let tests: Vec<String> = keys
            .iter()
            .map(|(l, r)| {
                format!(
                    "({} = {})",
                    deparse_expr(l, &self.names(&left_slots)),
                    deparse_expr(r, &self.names(&right_slots))
                )
            })
            .collect();
        let text = if tests.len() == 1 { tests.concat() } else { format!("({})", tests.join(" AND ")) };
        block.details.push((format!("{method} Cond"), Fact::Text(text)));
        let both: Vec<Slot> = left_slots.iter().chain(&right_slots).cloned().collect();
        if !residual.is_empty() {
            let text = deparse_conjunction(residual, &self.names(&both));
            block.details.push(("Join Filter".to_owned(), Fact::Text(text)));
            self.attach_subplans(&mut block, residual.iter(), &both);
        }
        block.children.extend([outer, inner]);
        let slots = join_slots(kind, left_slots, both);
        self.output(&mut block, &slots);
        (block, slots)
    }

    /// Shows the subplans that expressions mention, under the node that evaluates them.
    fn attach_subplans<'e>(
        &mut self,
        block: &mut Block,
        exprs: impl Iterator<Item = &'e Expr>,
        slots: &[Slot],
    ) {
        let mut found = Vec::new();
        for e in exprs {
            e.any(&mut |e| {
                if let ExprKind::SubPlan { plan, params, .. } = &e.kind {
                    found.push((*plan, params.clone()));
                }
                false
            });
        }
        for (plan, params) in found {
            if self.mentioned.contains(&plan) {
                continue;
            }
            self.mentioned.push(plan);
            for (param, e) in &params {
                let text = self.slot_of(e, slots).referenced();
                self.params.insert(*param, text);
            }
            let Some(node) = self.plan.subplans.get(plan as usize) else { continue };
            let (mut child, _) = self.node(node);
            let word = if params.is_empty() { "InitPlan" } else { "SubPlan" };
            child.relationship = word;
            child.subplan = Some(format!("{word} {}", plan + 1));
            block.children.push(child);
        }
    }
}

/// Adds the alias where it differs from the name.
fn aliased(label: &str, name: &str, alias: &str) -> String {
    if name == alias { label.to_owned() } else { format!("{label} {}", quote_identifier(alias)) }
}
