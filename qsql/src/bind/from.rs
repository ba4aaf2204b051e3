//! FROM: tables, views, subqueries, functions and joins.

use std::sync::Arc;

use super::Binder;
use super::coerce::collation_of;
use super::lens::view_flag;
use super::scope::{Clause, NsColumn, NsItem};
use crate::catalog::{Generated, PolicyCommand, Relation, RelationKind, RoutineShape, RoutineTarget};
use crate::error::{Result, SqlError};
use crate::func::{Body, CastContext};
use crate::parse::ast::{
    Alias, Ast, ExprKind as A, FromFunction, FromId, FromKind, Ident, Join, JoinCondition,
    JoinKind as AstJoin, ObjectName, QueryId, RelationRef, Statement,
};
use crate::plan::expr::{ColumnId, Expr, ExprKind};
use crate::plan::logical::{Logical, LogicalScan};
use crate::plan::physical::{Access, JoinKind, RelationUse, ScanColumn, TableLock};
use crate::sql_err;
use crate::types::{DataType, Datum, Oid, info, oid, rowtype, user};

/// Views may use views; beyond this depth it is a loop.
const MAX_VIEW_DEPTH: u32 = 64;

impl Binder<'_> {
    /// Binds a FROM list into the current scope and returns the join of its items.
    pub(crate) fn bind_from(&mut self, from: &[FromId]) -> Result<Logical> {
        let mut plan: Option<Logical> = None;
        for &id in from {
            let (item, namespace) = self.bind_from_item(id)?;
            self.check_names(&namespace)?;
            self.scope().items.extend(namespace.into_iter().map(|mut i| {
                i.lateral_only = true;
                i
            }));
            plan = Some(match plan {
                None => item,
                Some(left) => join(JoinKind::Inner, left, item, Vec::new()),
            });
        }
        for item in &mut self.scope().items {
            item.lateral_only = false;
            item.lateral_ok = true;
        }
        Ok(plan.unwrap_or_else(Logical::one_row))
    }

    /// 42712 if a name of `new` is taken in the current scope.
    fn check_names(&mut self, new: &[NsItem]) -> Result<()> {
        let scope = self.scope();
        for (i, item) in new.iter().enumerate().filter(|(_, i)| i.rel_visible) {
            let clash = |other: &NsItem| {
                other.rel_visible
                    && other.name == item.name
                    && !matches!((&item.relation, &other.relation), (Some(a), Some(b))
                        if a.oid != b.oid && item.schema.is_some() && other.schema.is_some())
            };
            if scope.items.iter().chain(&new[..i]).any(clash) {
                let name = item.name.as_deref().unwrap_or_default();
                return Err(sql_err!(DUPLICATE_ALIAS, "table name \"{name}\" specified more than once"));
            }
        }
        Ok(())
    }

    fn bind_from_item(&mut self, id: FromId) -> Result<(Logical, Vec<NsItem>)> {
        self.nested(|b| b.bind_from_kind(id))
    }

    fn bind_from_kind(&mut self, id: FromId) -> Result<(Logical, Vec<NsItem>)> {
        let ast = self.ast;
        let pos = ast[id].pos;
        let (plan, item) = match &ast[id].kind {
            FromKind::Table { relation, alias, sample } => {
                let mut bound = self.bind_table_ref(relation, alias.as_ref())?;
                if let Some(sample) = sample {
                    self.bind_sample(id, sample, relation.name.pos(), &mut bound)?;
                }
                bound
            }
            FromKind::Function(function) => self.bind_from_function(id, function)?,
            FromKind::Subquery { query, lateral, alias } => {
                self.bind_from_subquery(*query, *lateral, alias.as_ref())?
            }
            FromKind::JsonTable(table) => self.bind_json_table(id, table)?,
            FromKind::Join(join) => return self.bind_join(id, join),
            FromKind::Unsupported(what) => return Err(SqlError::unsupported(what).at(pos)),
        };
        self.note_item(id, &item);
        self.scope().bound.extend(item.name.clone());
        Ok((plan, vec![item]))
    }

    fn bind_from_subquery(
        &mut self,
        query: QueryId,
        lateral: bool,
        alias: Option<&Alias>,
    ) -> Result<(Logical, NsItem)> {
        let before = std::mem::replace(&mut self.scope().lateral_active, lateral);
        let clause = std::mem::replace(&mut self.scope().clause, Clause::From);
        let bound = self.bind_query_body(query, true);
        let scope = self.scope();
        scope.lateral_active = before;
        scope.clause = clause;
        let bound = bound?;
        let columns =
            bound.columns.iter().map(|c| NsColumn::new(c.name.clone(), self.column(c.id))).collect();
        let name = alias.map(|a| Arc::from(&*a.name.name));
        let item = with_alias(NsItem::new(name, columns), alias)?;
        self.rehome(&item);
        Ok((bound.plan, item))
    }

    /// Gives the columns of a nested query to the current block, so that aggregates over them belong here.
    fn rehome(&mut self, item: &NsItem) {
        let block = self.scopes.last().map_or(0, |s| s.block);
        for column in &item.columns {
            if let ExprKind::Column(id) = column.expr.kind {
                self.s.blocks[id as usize] = block;
            }
        }
    }

    /// Binds a table, view or CTE by name.
    fn bind_table_ref(&mut self, relation: &RelationRef, alias: Option<&Alias>) -> Result<(Logical, NsItem)> {
        if relation.name.schema().is_none()
            && let Some(found) = self.find_cte(&relation.name.object().name)
        {
            return self.bind_cte_ref(found, relation.name.object(), alias);
        }
        let table = self.find_table(&relation.name)?;
        self.note_table(relation.name.pos(), &table);
        let bound = self.bind_relation(&table, alias, &relation.name, TableLock::AccessShare)?;
        self.note_table_columns(relation.name.pos(), &table, &bound.1);
        Ok(bound)
    }

    /// Finds a relation or fails with 42P01.
    pub(crate) fn find_table(&self, name: &ObjectName) -> Result<Arc<Relation>> {
        if let Some(database) = name.catalog()
            && *database.name != *self.cx.catalog.database()
        {
            return Err(sql_err!(
                FEATURE_NOT_SUPPORTED,
                "cross-database references are not implemented: \"{name}\""
            )
            .at(name.pos()));
        }
        let schema = name.schema().map(|s| &*s.name);
        // Names in a view's text stand for what its owner has found.
        if let Some(schema) = schema
            && self.s.views == 0
            && !self.s.stored
            && !self.cx.catalog.may_use_namespace(schema)
        {
            let denied = sql_err!(INSUFFICIENT_PRIVILEGE, "permission denied for schema {schema}");
            return Err(denied.at(name.pos()));
        }
        match self.cx.catalog.relation(schema, name.object()) {
            Some(found) => Ok(found),
            None => Err(sql_err!(UNDEFINED_TABLE, "relation \"{name}\" does not exist").at(name.pos())),
        }
    }

    /// Notes that the statement uses a relation.
    pub(crate) fn use_relation(&mut self, relation: &Arc<Relation>, lock: TableLock) {
        let check_as = self.check_as;
        if let Some(known) =
            self.s.relations.iter_mut().find(|u| u.relation.oid == relation.oid && u.check_as == check_as)
        {
            known.lock = known.lock.max(lock);
            return;
        }
        self.s.relations.push(RelationUse {
            relation: relation.clone(),
            lock,
            access: Access::default(),
            check_as,
        });
    }

    /// Notes that rows of a table are referred to by what the statement writes: a matter between the tables' owners.
    pub(crate) fn use_referenced(&mut self, relation: &Arc<Relation>) {
        let check_as = Some(relation.owner);
        let known =
            self.s.relations.iter_mut().find(|u| u.relation.oid == relation.oid && u.check_as == check_as);
        match known {
            Some(known) => known.lock = known.lock.max(TableLock::RowShare),
            None => self.s.relations.push(RelationUse {
                relation: relation.clone(),
                lock: TableLock::RowShare,
                access: Access::default(),
                check_as,
            }),
        }
    }

    /// What the statement does to a relation that it uses, on behalf of the same role.
    pub(crate) fn access(&mut self, table: Oid) -> Option<&mut Access> {
        let check_as = self.check_as;
        let mut uses = self.s.relations.iter_mut();
        uses.find(|u| u.relation.oid == table && u.check_as == check_as).map(|u| &mut u.access)
    }

    /// Binds a relation as a namespace item over a scan (or a view's query).
    pub(crate) fn bind_relation(
        &mut self,
        relation: &Arc<Relation>,
        alias: Option<&Alias>,
        name: &ObjectName,
        lock: TableLock,
    ) -> Result<(Logical, NsItem)> {
        let refuse = |what: &str| {
            Err(sql_err!(WRONG_OBJECT_TYPE, "cannot open relation \"{}\"", relation.name)
                .detail(format!("This operation is not supported for {what}."))
                .at(name.pos()))
        };
        match relation.kind {
            RelationKind::Index => return refuse("indexes"),
            RelationKind::Composite => return refuse("composite types"),
            _ => {}
        }
        self.use_relation(relation, lock);
        if lock == TableLock::AccessShare
            && let Some(access) = self.access(relation.oid)
        {
            access.select.get_or_insert_default();
        }
        if relation.kind == RelationKind::View {
            return self.bind_view(relation, alias, name);
        }
        let (scan, item) = self.bind_scan(relation, alias)?;
        match lock {
            TableLock::AccessShare => {
                let secured = self.secure_scan(scan, PolicyCommand::Select)?;
                Ok(self.compute_virtual(relation, secured, item))
            }
            _ => Ok((scan, item)),
        }
    }

    /// Puts the virtual columns of a relation into columns of their own: above an outer join they are NULL where there is no row.
    fn compute_virtual(&mut self, relation: &Relation, scan: Logical, mut item: NsItem) -> (Logical, NsItem) {
        if relation.columns.iter().all(|c| c.generated != Generated::Virtual || c.dropped) {
            return (scan, item);
        }
        let mut exprs: Vec<(ColumnId, Expr)> =
            scan.outputs().into_iter().map(|id| (id, self.column(id))).collect();
        let block = self.scopes.last().map_or(0, |s| s.block);
        for column in &mut item.columns {
            if let Some(origin) = column.reads.take() {
                let id = self.new_column_of(column.expr.ty, block, origin);
                self.s.collations[id as usize] = column.expr.collation;
                let computed = std::mem::replace(&mut column.expr, self.column(id));
                self.s.computed.push((id, computed.clone()));
                exprs.push((id, computed));
            }
        }
        (Logical::Project { input: Box::new(scan), exprs }, item)
    }

    /// What virtual columns are computed from, in the place of them.
    pub(crate) fn expand_computed(&self, expr: &mut Expr) {
        if let ExprKind::Column(id) = expr.kind
            && let Some((_, computed)) = self.s.computed.iter().find(|(known, _)| *known == id)
        {
            *expr = computed.clone();
            return;
        }
        expr.each_child_mut(&mut |child| self.expand_computed(child));
    }

    fn bind_scan(&mut self, relation: &Arc<Relation>, alias: Option<&Alias>) -> Result<(Logical, NsItem)> {
        let shown: Arc<str> = Arc::from(alias.map_or(&*relation.name, |a| &*a.name.name));
        let block = self.scopes.last().map_or(0, |s| s.block);
        let mut scan = LogicalScan {
            relation: relation.clone(),
            alias: shown.clone(),
            columns: Vec::new(),
            sample: None,
        };
        let mut ids = Vec::with_capacity(relation.columns.len());
        for (i, column) in relation.live_columns().filter(|(_, c)| c.generated != Generated::Virtual) {
            let id = self.new_column_of(column.ty, block, (relation.oid, i as i16 + 1));
            scan.columns.push((id, ScanColumn::Attribute(i)));
            ids.push((i, id));
        }
        let columns = self.row_columns(relation, &ids)?;
        let mut system = Vec::new();
        if matches!(
            relation.kind,
            RelationKind::Table
                | RelationKind::MaterializedView
                | RelationKind::Virtual
                | RelationKind::Sequence
        ) {
            let mut hidden = |b: &mut Self, name: Option<&str>, what, ty, attribute| {
                let id = b.new_column_of(DataType::of(ty), block, (relation.oid, attribute));
                scan.columns.push((id, what));
                if let Some(name) = name {
                    system.push(NsColumn::new(Arc::from(name), b.column(id)));
                }
            };
            hidden(self, Some("tableoid"), ScanColumn::TableOid, oid::OID, -6);
            if relation.kind != RelationKind::Sequence {
                hidden(self, Some("xmin"), ScanColumn::Xmin, oid::XID, -2);
            }
            if !matches!(relation.kind, RelationKind::Virtual | RelationKind::Sequence) {
                hidden(self, Some("ctid"), ScanColumn::Ctid, oid::TID, -1);
                hidden(self, None, ScanColumn::RowId, oid::INT8, 0);
            }
        }
        let mut item = NsItem::new(Some(shown), columns);
        item.relation = Some(relation.clone());
        item.schema = alias.is_none().then(|| relation.schema.clone());
        item.system = system;
        Ok((Logical::Scan(scan), with_alias(item, alias)?))
    }

    fn bind_view(
        &mut self,
        view: &Arc<Relation>,
        alias: Option<&Alias>,
        name: &ObjectName,
    ) -> Result<(Logical, NsItem)> {
        let Some(text) = view.view.clone() else { return Err(SqlError::internal("view without definition")) };
        if self.s.views >= MAX_VIEW_DEPTH {
            return Err(sql_err!(
                INVALID_OBJECT_DEFINITION,
                "infinite recursion detected in rules for relation \"{}\"",
                view.name
            )
            .at(name.pos()));
        }
        let statements = crate::parse::parse_statements(&text)?;
        let Some(parsed) = statements.into_iter().next() else {
            return Err(SqlError::internal("empty view"));
        };
        let Statement::Query(query) = parsed.ast.statement else {
            return Err(SqlError::internal("a view is a query"));
        };
        let check_as = if view_flag(view, "security_invoker") { self.check_as } else { Some(view.owner) };
        let (mut plan, ids) = self.bind_foreign_query(&parsed.ast, query, check_as)?;
        if view_flag(view, "security_barrier") && !self.s.faithful {
            plan = Logical::SecurityBarrier { input: Box::new(plan) };
        }
        // The view's columns are columns of the view for clients.
        let block = self.scopes.last().map_or(0, |s| s.block);
        let mut exprs = Vec::with_capacity(ids.len());
        let mut columns = Vec::with_capacity(ids.len());
        for ((i, column), id) in view.live_columns().zip(ids) {
            let new = self.new_column_of(self.s.types[id as usize], block, (view.oid, i as i16 + 1));
            exprs.push((new, self.column(id)));
            columns.push(NsColumn::new(Arc::from(&*column.name), self.column(new)));
        }
        let shown: Arc<str> = Arc::from(alias.map_or(&*view.name, |a| &*a.name.name));
        let mut item = NsItem::new(Some(shown), columns);
        item.relation = Some(view.clone());
        item.schema = alias.is_none().then(|| view.schema.clone());
        let item = with_alias(item, alias)?;
        Ok((Logical::Project { input: Box::new(plan), exprs }, item))
    }

    /// Binds a query of another text (a view's) into this statement, with the privileges of a role (a view's owner), or the user's.
    fn bind_foreign_query(
        &mut self,
        ast: &Ast,
        query: QueryId,
        check_as: Option<u32>,
    ) -> Result<(Logical, Vec<ColumnId>)> {
        let shared = std::mem::take(&mut self.s);
        let mut inner = Binder { check_as, ..Binder::inside(ast, self.cx, shared) };
        inner.s.views += 1;
        let result = inner.bind_query_body(query, true);
        inner.s.views -= 1;
        self.s = inner.s;
        // Places in the view's text mean nothing in the statement's.
        let bound = result.map_err(|mut e| {
            e.0.byte_offset = None;
            e
        })?;
        Ok((bound.plan, bound.columns.iter().map(|c| c.id).collect()))
    }

    fn bind_from_function(&mut self, id: FromId, function: &FromFunction) -> Result<(Logical, NsItem)> {
        let ast = self.ast;
        let mut calls = Vec::new();
        let mut columns: Vec<(Arc<str>, DataType)> = Vec::new();
        let mut sets = false;
        let mut rows = false;
        let alias = function.alias.as_ref().filter(|a| !a.name.name.is_empty());
        let single = function.functions.len() == 1;
        for from in &function.functions {
            // unnest(a, b) is ROWS FROM (unnest(a), unnest(b)).
            let bound = match &ast[from.call].kind {
                A::Call(call)
                    if &*call.name.object().name == "unnest" && call.args.len() > 1 && !call.variadic =>
                {
                    let mut parts = Vec::new();
                    for arg in &call.args {
                        let mut one = (**call).clone();
                        one.args = vec![arg.clone()];
                        parts.push(
                            self.within(Clause::FunctionInFrom, |b| b.bind_call(&one, ast[from.call].pos))?,
                        );
                    }
                    parts
                }
                _ => vec![self.within(Clause::FunctionInFrom, |b| b.bind_expr(from.call))?],
            };
            let specs = if from.columns.is_empty() && single { &function.columns } else { &from.columns };
            let parts = bound.len();
            for expr in bound {
                let call_name = super::naming::column_name(ast, from.call);
                let mut expr = self.settle(expr)?;
                let out: Option<Vec<(Arc<str>, DataType)>> = match &expr.kind {
                    ExprKind::Call { func, .. } => match func.body {
                        Body::Set { columns: out, .. } if !out.is_empty() => {
                            Some(out.iter().map(|(name, ty)| (Arc::from(*name), DataType::of(*ty))).collect())
                        }
                        _ => None,
                    },
                    ExprKind::Routine { target, .. } => target.fields().map(|f| f.to_vec()),
                    _ => None,
                };
                sets |= expr.is_set();
                // One column with a name of its own is still no row.
                let one = matches!(expr.kind, ExprKind::Call { .. }) && !info::is_row(expr.ty.oid);
                rows |= out.is_some() && !one;
                let has_columns = out.is_some();
                if !specs.is_empty() {
                    if has_columns {
                        return Err(sql_err!(
                            SYNTAX_ERROR,
                            "a column definition list is redundant for a function with OUT parameters"
                        )
                        .at(specs[0].name.pos));
                    }
                    if expr.ty.oid != oid::RECORD {
                        return Err(sql_err!(
                            SYNTAX_ERROR,
                            "a column definition list is only allowed for functions returning \"record\""
                        )
                        .at(specs[0].name.pos));
                    }
                    let mut defined = Vec::with_capacity(specs.len());
                    for spec in specs {
                        defined.push((Arc::from(&*spec.name.name), self.bind_type(&spec.ty)?));
                    }
                    expr.ty.typmod = rowtype::modifier(&defined);
                    if let ExprKind::Routine { target, .. } = &mut expr.kind {
                        let (routine, inputs) = (target.routine.clone(), target.inputs.clone());
                        let shape = RoutineShape::Row(defined.clone().into());
                        *target = Arc::new(RoutineTarget { routine, inputs, shape });
                        rows = true;
                    }
                    columns.extend(defined);
                } else if let Some(out) = out {
                    columns.extend(out);
                } else if let Some(fields) = self.record_fields(&expr) {
                    rows |= info::is_composite(expr.ty.oid);
                    columns.extend(fields.iter().filter(|field| !user::is_dropped(field)).cloned());
                } else if expr.ty.oid == oid::RECORD {
                    return Err(sql_err!(
                        SYNTAX_ERROR,
                        "a column definition list is required for functions returning \"record\""
                    )
                    .at(ast[from.call].pos));
                } else {
                    let parameter = match &expr.kind {
                        ExprKind::Routine { target, .. } => target.routine.outputs().next(),
                        _ => None,
                    };
                    let name = match alias {
                        _ if let Some(named) = parameter.filter(|p| !p.name.is_empty()) => {
                            Arc::from(&*named.name)
                        }
                        Some(alias) if single && parts == 1 => Arc::from(&*alias.name.name),
                        _ => Arc::from(call_name.as_str()),
                    };
                    columns.push((name, expr.ty));
                }
                calls.push(expr);
            }
        }
        self.note_calls(id, &calls);
        let scalar = columns.len() == 1 && !function.ordinality && !rows;
        if function.ordinality {
            columns.push((Arc::from("ordinality"), DataType::of(oid::INT8)));
        }
        let shown: Arc<str> = match alias {
            Some(alias) => Arc::from(&*alias.name.name),
            None => Arc::from(
                function
                    .functions
                    .first()
                    .map(|f| super::naming::column_name(ast, f.call))
                    .unwrap_or_default(),
            ),
        };
        let inlined = match calls.as_slice() {
            [call] if !function.ordinality => self.inline_set(call)?,
            _ => None,
        };
        let ids: Vec<ColumnId> = columns.iter().map(|(_, ty)| self.new_column(*ty)).collect();
        let ns = columns
            .iter()
            .zip(&ids)
            .map(|((name, _), &id)| NsColumn::new(name.clone(), self.column(id)))
            .collect();
        let mut item = NsItem::new(Some(shown.clone()), ns);
        item.scalar = scalar;
        let item = with_alias(item, alias)?;
        let plain = calls.len() == 1 && !info::is_row(calls[0].ty.oid);
        let plan = if let Some((input, inner)) = inlined {
            let exprs = ids.into_iter().zip(inner).map(|(id, from)| (id, self.column(from))).collect();
            Logical::Project { input: Box::new(input), exprs }
        } else if !sets && !rows && plain && !function.ordinality && ids.len() == 1 {
            Logical::Values { columns: ids, rows: vec![calls] }
        } else {
            Logical::Function { calls, columns: ids, ordinality: function.ordinality, alias: shown }
        };
        Ok((plan, item))
    }

    /// Notes that an outer join may lack a row of these items of FROM.
    fn may_be_absent(&mut self, plan: &mut Logical, items: &mut [NsItem]) {
        let alone = items.len() == 1;
        for item in items.iter_mut().filter(|i| i.present.is_none() && i.rel_visible) {
            let stored = item.system.iter().find(|c| *c.name == *"tableoid");
            if let Some(ExprKind::Column(id)) = stored.map(|c| &c.expr.kind) {
                item.present = Some(*id);
            } else if alone && let Logical::Project { exprs, .. } = plan {
                let block = self.scopes.last().map_or(0, |s| s.block);
                let id = self.new_column_of(DataType::of(oid::BOOL), block, (0, 0));
                exprs.push((id, Expr::constant(Datum::Bool(true), DataType::of(oid::BOOL))));
                item.present = Some(id);
            }
        }
    }

    /// 42P19 if a side of an outer join that may be absent refers to the query that is being defined.
    fn check_outer(&self, before: usize, side: FromId) -> Result<()> {
        let Some(&(pos, _)) = self.step_references.get(before) else { return Ok(()) };
        let cte = match &self.ast[side].kind {
            FromKind::Table { relation, .. } => &*relation.name.object().name,
            _ => self.with.iter().rev().find(|c| c.is_step()).map_or("", |c| c.name()),
        };
        Err(super::with::misplaced(cte, "within an outer join", pos))
    }

    fn bind_join(&mut self, id: FromId, node: &Join) -> Result<(Logical, Vec<NsItem>)> {
        let before = self.step_references.len();
        let (mut left, mut left_items) = self.bind_from_item(node.left)?;
        if matches!(node.kind, AstJoin::Right | AstJoin::Full) {
            self.check_outer(before, node.left)?;
        }
        // The right side may refer to the left one by LATERAL.
        let outer = self.scope().items.len();
        let lateral_ok = matches!(node.kind, AstJoin::Inner | AstJoin::Left);
        self.scope().items.extend(left_items.iter().cloned().map(|mut i| {
            i.lateral_only = true;
            i.lateral_ok = lateral_ok;
            i
        }));
        let between = self.step_references.len();
        let right = self.bind_from_item(node.right);
        self.scope().items.truncate(outer);
        let (mut right, mut right_items) = right?;
        if matches!(node.kind, AstJoin::Left | AstJoin::Full) {
            self.check_outer(between, node.right)?;
        }
        if matches!(node.kind, AstJoin::Right | AstJoin::Full) {
            self.may_be_absent(&mut left, &mut left_items);
        }
        if matches!(node.kind, AstJoin::Left | AstJoin::Full) {
            self.may_be_absent(&mut right, &mut right_items);
        }
        let both: Vec<NsItem> = left_items.iter().chain(&right_items).cloned().collect();
        let hidden = std::mem::take(&mut self.scope().items);
        let named = self.check_names(&both);
        self.scope().items = hidden;
        named?;

        let visible = |items: &[NsItem]| -> Vec<NsColumn> {
            items.iter().filter(|i| i.cols_visible).flat_map(|i| i.columns.clone()).collect()
        };
        let (left_columns, right_columns) = (visible(&left_items), visible(&right_items));
        let mut conditions = Vec::new();
        let mut merged = Vec::new();
        let mut using_alias = None;
        let names: Vec<Ident> = match &node.condition {
            JoinCondition::Using { columns, alias } => {
                using_alias = alias.as_ref();
                columns.clone()
            }
            JoinCondition::Natural => left_columns
                .iter()
                .filter(|c| right_columns.iter().any(|r| r.name == c.name))
                .map(|c| Ident::new(&*c.name, self.ast[node.right].pos))
                .collect(),
            JoinCondition::On(id) => {
                let hidden = std::mem::replace(&mut self.scope().items, both.clone());
                let on = self.bind_condition(*id, Clause::JoinOn, "JOIN/ON");
                self.scope().items = hidden;
                let on = on?;
                self.note_expr(*id, &on);
                super::coerce::conjuncts(on, &mut conditions);
                Vec::new()
            }
            JoinCondition::Cross => Vec::new(),
        };
        if matches!(node.condition, JoinCondition::Natural) {
            self.note_natural(node.right, &names);
        }
        for (i, name) in names.iter().enumerate() {
            if names[..i].iter().any(|n| *n.name == *name.name) {
                return Err(sql_err!(
                    DUPLICATE_COLUMN,
                    "column name \"{}\" appears more than once in USING clause",
                    name.name
                ));
            }
            let l = using_column(&left_columns, name, "left")?;
            let r = using_column(&right_columns, name, "right")?;
            self.note_joined(&l.kind);
            self.note_joined(&r.kind);
            self.mark_read(&l);
            self.mark_read(&r);
            conditions.push(self.make_operator("=", Some(l.clone()), r.clone(), name.pos)?);
            let expr = self.merge_column(node.kind, l, r)?;
            self.note_merged(name, &expr);
            merged.push(NsColumn::new(Arc::from(&*name.name), expr));
        }
        let is_merged = |c: &NsColumn| names.iter().any(|n| *n.name == *c.name);
        let mut columns = merged.clone();
        columns.extend(left_columns.into_iter().filter(|c| !is_merged(c)));
        columns.extend(right_columns.into_iter().filter(|c| !is_merged(c)));

        let mut items: Vec<NsItem> = both;
        if let Some(alias) = &node.alias {
            // The alias hides the joined tables.
            items.clear();
            if alias.columns.len() > columns.len() {
                return Err(sql_err!(
                    INVALID_COLUMN_REFERENCE,
                    "join expression \"{}\" has {} columns available but {} columns specified",
                    alias.name.name,
                    columns.len(),
                    alias.columns.len()
                ));
            }
            let item = with_alias(NsItem::new(Some(Arc::from(&*alias.name.name)), columns), Some(alias))?;
            self.note_item(id, &item);
            items.push(item);
        } else {
            for item in &mut items {
                item.cols_visible = false;
            }
            items.push(NsItem::new(None, columns));
            if let Some(alias) = using_alias {
                let mut item = NsItem::new(Some(Arc::from(&*alias.name)), merged);
                item.cols_visible = false;
                items.push(item);
            }
        }
        let plan = match node.kind {
            AstJoin::Inner => join(JoinKind::Inner, left, right, conditions),
            AstJoin::Left => join(JoinKind::Left, left, right, conditions),
            AstJoin::Right => join(JoinKind::Left, right, left, conditions),
            AstJoin::Full => join(JoinKind::Full, left, right, conditions),
        };
        Ok((plan, items))
    }

    /// The merged column of USING: the side that is never NULL-extended, or COALESCE of both.
    fn merge_column(&mut self, kind: AstJoin, left: Expr, right: Expr) -> Result<Expr> {
        let mut both = [left, right];
        let ty = self.coerce_to_common(&mut both, "JOIN/USING")?;
        let [left, right] = both;
        let merged = match kind {
            AstJoin::Inner if matches!(left.kind, ExprKind::Column(_)) => left,
            AstJoin::Inner if matches!(right.kind, ExprKind::Column(_)) => right,
            AstJoin::Inner | AstJoin::Left => left,
            AstJoin::Right => right,
            AstJoin::Full => {
                let collation = collation_of(ty.oid);
                Expr { kind: ExprKind::Coalesce(vec![left, right]), ty, collation, at: u32::MAX }
            }
        };
        match self.coerce_type(merged, ty.oid, -1, CastContext::Implicit)? {
            Some(e) => Ok(e),
            None => Err(SqlError::internal("common type that fits nobody")),
        }
    }

    /// Adds a namespace item for one relation in the current scope, alone.
    pub(crate) fn add_item(&mut self, item: NsItem) -> Result<()> {
        self.check_names(std::slice::from_ref(&item))?;
        self.scope().items.push(item);
        Ok(())
    }
}

/// A join without reordering.
pub(crate) fn join(kind: JoinKind, left: Logical, right: Logical, on: Vec<Expr>) -> Logical {
    if kind == JoinKind::Inner && left.is_one_row() && on.is_empty() {
        return right;
    }
    Logical::Join { kind, left: Box::new(left), right: Box::new(right), on, mark: None }
}

fn using_column(columns: &[NsColumn], name: &Ident, side: &str) -> Result<Expr> {
    let mut hits = columns.iter().filter(|c| *c.name == *name.name);
    match (hits.next(), hits.next()) {
        (Some(c), None) => Ok(c.expr.clone()),
        (Some(_), Some(_)) => Err(sql_err!(
            AMBIGUOUS_COLUMN,
            "common column name \"{}\" appears more than once in {side} table",
            name.name
        )),
        (None, _) => Err(sql_err!(
            UNDEFINED_COLUMN,
            "column \"{}\" specified in USING clause does not exist in {side} table",
            name.name
        )),
    }
}

/// Applies the column names of an alias.
pub(crate) fn with_alias(mut item: NsItem, alias: Option<&Alias>) -> Result<NsItem> {
    let Some(alias) = alias else { return Ok(item) };
    if alias.columns.len() > item.columns.len() {
        return Err(sql_err!(
            INVALID_COLUMN_REFERENCE,
            "table \"{}\" has {} columns available but {} columns specified",
            alias.name.name,
            item.columns.len(),
            alias.columns.len()
        ));
    }
    for (column, name) in item.columns.iter_mut().zip(&alias.columns) {
        column.name = Arc::from(&*name.name);
    }
    Ok(item)
}
