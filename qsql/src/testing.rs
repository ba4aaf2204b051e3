//! A catalog in memory for the tests of binder and optimiser, built from CREATE TABLE and CREATE VIEW statements.

use std::sync::Arc;

use crate::bind::{
    BindContext, Bound, StoredKind, bind, bind_parsed_expression, bind_type_name, collation_of,
};
use crate::catalog::{
    Catalog, Column, ColumnStats, Constraint, ConstraintKind, Generated, Index, IndexColumn, IndexKey,
    Relation, RelationKind, RelationStats, UserType,
};
use crate::error::Result;
use crate::func::access::AccessMethod;
use crate::optimize::optimize;
use crate::parse::ast::{ConstraintKind as AstKind, Statement, TableElement};
use crate::parse::parse_statements;
use crate::plan::physical::PhysicalPlan;
use crate::types::{DataType, Datum, IoContext, Oid};

/// The catalog.
#[derive(Default)]
pub(crate) struct MemoryCatalog {
    relations: Vec<Arc<Relation>>,
    stats: Vec<(Oid, Arc<RelationStats>)>,
    /// Planner settings that are off.
    pub(crate) off: Vec<&'static str>,
}

impl MemoryCatalog {
    /// The tables of the tests, with statistics of TPC-H at scale 1.
    pub(crate) fn sample() -> Self {
        let mut catalog = MemoryCatalog::default();
        catalog.run(include_str!("bind/testdata/schema.sql"));
        for (table, rows) in [
            ("region", 5.0),
            ("nation", 25.0),
            ("supplier", 10_000.0),
            ("customer", 150_000.0),
            ("part", 200_000.0),
            ("partsupp", 800_000.0),
            ("orders", 1_500_000.0),
            ("lineitem", 6_000_000.0),
            ("t", 10_000.0),
            ("u", 100.0),
            ("p", 1_000.0),
        ] {
            catalog.set_rows(table, rows);
        }
        for (table, column, distinct) in [
            ("nation", "n_regionkey", 5.0),
            ("nation", "n_name", 25.0),
            ("region", "r_name", 5.0),
            ("supplier", "s_nationkey", 25.0),
            ("customer", "c_nationkey", 25.0),
            ("customer", "c_mktsegment", 5.0),
            ("part", "p_brand", 25.0),
            ("part", "p_type", 150.0),
            ("part", "p_size", 50.0),
            ("part", "p_container", 40.0),
            ("partsupp", "ps_partkey", 200_000.0),
            ("partsupp", "ps_suppkey", 10_000.0),
            ("orders", "o_custkey", 100_000.0),
            ("orders", "o_orderdate", 2406.0),
            ("orders", "o_orderstatus", 3.0),
            ("orders", "o_orderpriority", 5.0),
            ("lineitem", "l_orderkey", 1_500_000.0),
            ("lineitem", "l_partkey", 200_000.0),
            ("lineitem", "l_suppkey", 10_000.0),
            ("lineitem", "l_shipdate", 2526.0),
            ("lineitem", "l_returnflag", 3.0),
            ("lineitem", "l_linestatus", 2.0),
            ("lineitem", "l_shipmode", 7.0),
            ("lineitem", "l_shipinstruct", 4.0),
            ("lineitem", "l_quantity", 50.0),
        ] {
            catalog.set_distinct(table, column, distinct);
        }
        catalog
    }

    /// Adds an index given as `name on table (columns)`.
    pub(crate) fn index(&mut self, name: &str, table: &str, columns: &[&str], unique: bool) {
        let at = self.position(table);
        let mut relation = (*self.relations[at]).clone();
        let keys = columns
            .iter()
            .map(|c| {
                let (c, descending) = c.strip_suffix(" desc").map_or((*c, false), |c| (c, true));
                let i = relation.column(c).expect("column exists");
                let column = &relation.columns[i];
                IndexColumn {
                    name: column.name.clone(),
                    opclass: 0,
                    key: IndexKey::Column(i),
                    ty: column.ty,
                    descending,
                    nulls_first: descending,
                    collation: column.collation,
                }
            })
            .collect();
        relation.indexes.push(Arc::new(Index {
            oid: 20_000 + relation.indexes.len() as u32 + relation.oid * 10,
            name: name.into(),
            tree: 1,
            unique,
            primary: false,
            nulls_not_distinct: false,
            columns: keys,
            predicate: None,
            constraint: 0,
            valid: true,
            deferrable: false,
            method: AccessMethod::Btree,
            exclusion: Vec::new(),
            clustered: false,
            include: Vec::new(),
            options: Vec::new(),
        }));
        self.relations[at] = Arc::new(relation);
    }

    fn position(&self, table: &str) -> usize {
        self.relations.iter().position(|r| &*r.name == table).expect("table exists")
    }

    fn set_rows(&mut self, table: &str, rows: f64) {
        let relation = &self.relations[self.position(table)];
        let columns = vec![None; relation.columns.len()];
        self.stats
            .push((relation.oid, Arc::new(RelationStats { rows, pages: (rows / 100.0).max(1.0), columns })));
    }

    fn set_distinct(&mut self, table: &str, column: &str, distinct: f64) {
        let relation = self.relations[self.position(table)].clone();
        let i = relation.column(column).expect("column exists");
        let entry = self.stats.iter_mut().find(|s| s.0 == relation.oid).expect("rows are set first");
        let mut stats = (*entry.1).clone();
        stats.columns[i] = Some(ColumnStats { distinct, ..ColumnStats::default() });
        entry.1 = Arc::new(stats);
    }

    fn run(&mut self, sql: &str) {
        for parsed in parse_statements(sql).expect("schema parses") {
            let oid = 16_384 + self.relations.len() as u32;
            let relation = match &parsed.ast.statement {
                Statement::CreateTable(create) => {
                    let name = &*create.name.object().name;
                    self.table(oid, name, &create.elements, &parsed.ast)
                }
                Statement::CreateView(view) => {
                    let name = &*view.name.object().name;
                    let text = &sql[parsed.start as usize..parsed.end as usize];
                    let query = text.split_once(" as ").expect("view has a query").1;
                    self.view(oid, name, query)
                }
                other => panic!("not a definition: {other:?}"),
            };
            self.relations.push(Arc::new(relation));
        }
    }

    fn table(
        &self,
        oid: Oid,
        name: &str,
        elements: &[TableElement],
        ast: &crate::parse::ast::Ast,
    ) -> Relation {
        let io = IoContext::default();
        let cx = BindContext { catalog: self, params: &[], io: &io };
        let mut relation = relation(oid, name, RelationKind::Table);
        let mut keys: Vec<(Vec<String>, bool)> = Vec::new();
        for element in elements {
            match element {
                TableElement::Column(column) => {
                    let ty =
                        bind_type_name(ast, column.ty.as_ref().expect("typed"), &cx).expect("type exists");
                    let mut made = made_column(&column.name, ty);
                    for constraint in &column.constraints {
                        match &constraint.kind {
                            AstKind::PrimaryKey { .. } => {
                                made.not_null = true;
                                keys.push((vec![column.name.to_string()], true));
                            }
                            AstKind::NotNull { .. } => made.not_null = true,
                            AstKind::Identity { always, .. } => {
                                made.generated = if *always {
                                    Generated::IdentityAlways
                                } else {
                                    Generated::IdentityByDefault
                                };
                            }
                            AstKind::Default(e) => {
                                // Defaults of the test schema are string literals.
                                bind_parsed_expression(ast, *e, None, Some(ty), StoredKind::Default, &cx)
                                    .expect("default binds");
                                made.default = Some(Arc::from("'x'"));
                            }
                            AstKind::Generated { .. } => {
                                made.generated = Generated::Stored;
                                made.default = Some(Arc::from("t_a * 2"));
                            }
                            _ => {}
                        }
                    }
                    relation.columns.push(made);
                }
                TableElement::Constraint(constraint) => match &constraint.kind {
                    AstKind::PrimaryKey { columns, .. } => {
                        keys.push((columns.iter().map(|c| c.to_string()).collect(), true))
                    }
                    AstKind::Unique { columns, .. } => {
                        keys.push((columns.iter().map(|c| c.to_string()).collect(), false))
                    }
                    _ => {}
                },
                TableElement::Like(_) => {}
            }
        }
        for (i, (columns, primary)) in keys.into_iter().enumerate() {
            let name =
                if primary { format!("{name}_pkey") } else { format!("{name}_{}_key", columns.join("_")) };
            let index_oid = oid * 10 + i as u32;
            let columns = columns
                .iter()
                .map(|c| {
                    let i = relation.column(c).expect("key column exists");
                    let ty = relation.columns[i].ty;
                    let collation = collation_of(ty.oid);
                    IndexColumn {
                        name: relation.columns[i].name.clone(),
                        opclass: 0,
                        key: IndexKey::Column(i),
                        ty,
                        descending: false,
                        nulls_first: false,
                        collation,
                    }
                })
                .collect();
            relation.indexes.push(Arc::new(Index {
                oid: index_oid,
                name: name.clone().into(),
                tree: 1,
                unique: true,
                primary,
                nulls_not_distinct: false,
                columns,
                predicate: None,
                constraint: index_oid,
                valid: true,
                deferrable: false,
                method: AccessMethod::Btree,
                exclusion: Vec::new(),
                clustered: false,
                include: Vec::new(),
                options: Vec::new(),
            }));
            let kind =
                if primary { ConstraintKind::Primary(index_oid) } else { ConstraintKind::Unique(index_oid) };
            relation.constraints.push(Constraint::new(index_oid, name.into(), kind));
        }
        relation
    }

    fn view(&self, oid: Oid, name: &str, query: &str) -> Relation {
        let bound = self.bind(query).expect("view binds");
        let mut relation = relation(oid, name, RelationKind::View);
        relation.columns = bound.columns.iter().map(|c| made_column(&c.name, c.ty)).collect();
        relation.view = Some(Arc::from(query));
        relation
    }

    /// Binds the first statement of a text.
    pub(crate) fn bind(&self, sql: &str) -> Result<Bound> {
        let parsed = parse_statements(sql)?;
        let io = IoContext::default();
        let cx = BindContext { catalog: self, params: &[], io: &io };
        bind(&parsed[0].ast, &parsed[0].ast.statement, &cx)
    }

    /// Plans the first statement of a text.
    pub(crate) fn plan(&self, sql: &str) -> Result<PhysicalPlan> {
        let bound = self.bind(sql)?;
        let io = IoContext::default();
        let cx = BindContext { catalog: self, params: &[], io: &io };
        optimize(bound, &cx, None::<&[Datum]>)
    }

    /// OID of a table.
    pub(crate) fn table_oid(&self, table: &str) -> Oid {
        self.relations[self.position(table)].oid
    }

    /// EXPLAIN, or why there is no plan.
    pub(crate) fn explain_or_error(&self, sql: &str) -> String {
        match self.plan(sql) {
            Ok(_) => self.explain(sql),
            Err(e) => e.to_string(),
        }
    }

    /// EXPLAIN (COSTS OFF) of a statement.
    pub(crate) fn explain(&self, sql: &str) -> String {
        use crate::plan::explain::{ExplainOptions, explain};
        let plan = self.plan(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
        explain(&plan, &ExplainOptions { costs: false, ..ExplainOptions::default() }, None).join("\n")
    }
}

fn relation(oid: Oid, name: &str, kind: RelationKind) -> Relation {
    Relation {
        oid,
        namespace: 2200,
        schema: "public".into(),
        name: name.into(),
        owner: 10,
        tree: 1,
        ..Relation::bare(kind, Vec::new())
    }
}

fn made_column(name: &str, ty: DataType) -> Column {
    Column::new(name.into(), ty, collation_of(ty.oid))
}

impl Catalog for MemoryCatalog {
    fn relation(&self, schema: Option<&str>, name: &str) -> Option<Arc<Relation>> {
        if schema.is_some_and(|s| s != "public") {
            return None;
        }
        self.relations.iter().find(|r| &*r.name == name).cloned()
    }
    fn relation_by_oid(&self, oid: Oid) -> Option<Arc<Relation>> {
        self.relations.iter().find(|r| r.oid == oid).cloned()
    }
    fn namespace(&self, name: &str) -> Option<Oid> {
        match name {
            "public" => Some(2200),
            "pg_catalog" => Some(11),
            _ => None,
        }
    }
    fn namespace_name(&self, _: Oid) -> Option<Arc<str>> {
        None
    }
    fn search_path(&self) -> Vec<Oid> {
        vec![11, 2200]
    }
    fn user_type(&self, _: Option<&str>, _: &str) -> Option<Arc<UserType>> {
        None
    }
    fn role(&self, _: &str) -> Option<Oid> {
        None
    }
    fn role_name(&self, _: Oid) -> Option<Arc<str>> {
        None
    }
    fn database(&self) -> Arc<str> {
        Arc::from("bind")
    }
    fn stats(&self, relation: Oid) -> Option<Arc<RelationStats>> {
        self.stats.iter().find(|s| s.0 == relation).map(|s| s.1.clone())
    }
    fn enabled(&self, setting: &str) -> bool {
        !self.off.contains(&setting)
    }
    fn setting_i64(&self, _: &str) -> Option<i64> {
        None
    }
}
