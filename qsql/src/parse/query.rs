//! SELECT, VALUES, TABLE, set operations and WITH.

use super::ast::*;
use super::keyword::Tok;
use super::parser::Parser;
use crate::error::Result;
use crate::sql_err;

const UNION: u8 = 1;
const INTERSECT: u8 = 2;

impl Parser<'_> {
    /// A query, in parentheses or not.
    pub(super) fn query(&mut self) -> Result<QueryId> {
        let outer_peak = self.begin_query();
        self.query_measured(outer_peak)
    }

    /// A query whose measuring has begun.
    pub(super) fn query_measured(&mut self, outer_peak: u32) -> Result<QueryId> {
        self.enter()?;
        let with = if self.kind() == Tok::With { Some(self.with_clause()?) } else { None };
        let query = self.query_after_with(with, outer_peak)?;
        self.leave();
        Ok(query)
    }

    pub(super) fn query_after_with(&mut self, with: Option<Box<With>>, outer_peak: u32) -> Result<QueryId> {
        let left = self.query_operand()?;
        let query = self.set_operations(left, 0)?;
        self.query_clauses(query, with, outer_peak)
    }

    /// Whether what follows a parenthesised query makes it an operand of a query, not of an expression.
    pub(super) fn continues_query(&self) -> bool {
        matches!(
            self.kind(),
            Tok::Union
                | Tok::Intersect
                | Tok::Except
                | Tok::Order
                | Tok::Limit
                | Tok::Offset
                | Tok::Fetch
                | Tok::For
                | Tok::RParen
        )
    }

    /// Continues a query behind its first, parenthesised operand.
    pub(super) fn continue_query(&mut self, left: QueryId, outer_peak: u32) -> Result<QueryId> {
        let query = self.set_operations(left, 0)?;
        self.query_clauses(query, None, outer_peak)
    }

    /// `( query )`
    pub(super) fn select_with_parens(&mut self) -> Result<QueryId> {
        if self.kind() != Tok::LParen {
            return Err(self.unexpected());
        }
        self.enter()?;
        let query = self.parens(Self::query)?;
        self.leave();
        Ok(query)
    }

    fn set_operations(&mut self, mut left: QueryId, min: u8) -> Result<QueryId> {
        loop {
            let (op, level) = match self.kind() {
                Tok::Union => (SetOperator::Union, UNION),
                Tok::Except => (SetOperator::Except, UNION),
                Tok::Intersect => (SetOperator::Intersect, INTERSECT),
                _ => return Ok(left),
            };
            if level < min {
                return Ok(left);
            }
            let pos = self.bump().start;
            let all = self.eat(Tok::All);
            if !all {
                self.eat(Tok::Distinct);
            }
            let operand = self.query_operand()?;
            let right = self.set_operations(operand, level + 1)?;
            let query_pos = self.query_mut(left).pos;
            let body = QueryBody::SetOp { op, all, left, right, pos };
            left = self.add_query(Query::new(body, query_pos), 0)?;
        }
    }

    fn query_operand(&mut self) -> Result<QueryId> {
        let pos = self.tok.start;
        match self.kind() {
            Tok::LParen => return self.select_with_parens(),
            Tok::Select | Tok::Values | Tok::Table => {}
            _ => return Err(self.unexpected()),
        }
        let outer_peak = self.begin_query();
        let body = match self.kind() {
            Tok::Select => QueryBody::Select(self.select()?),
            Tok::Values => QueryBody::Values(self.values()?),
            _ => QueryBody::Select(self.table_command()?),
        };
        self.add_query(Query::new(body, pos), outer_peak)
    }

    /// `TABLE t`: all of it.
    fn table_command(&mut self) -> Result<Box<Select>> {
        let pos = self.bump().start;
        let at = self.tok.start;
        let relation = self.relation_expr()?;
        let from = self.add_from(FromKind::Table { relation, alias: None, sample: None }, at)?;
        let star = self.leaf(ExprKind::Star(Box::new([])), pos);
        let targets = vec![Target { expr: star, alias: None, pos }];
        let mut select = Select::new(pos);
        select.targets = targets;
        select.from = vec![from];
        Ok(select)
    }

    /// `VALUES (..), (..)`
    fn values(&mut self) -> Result<Rows> {
        self.expect(Tok::Values)?;
        let mut rows = Rows::default();
        loop {
            self.expect(Tok::LParen)?;
            loop {
                let token = self.tok;
                let literal = matches!(token.kind, Tok::IntLit | Tok::NumLit | Tok::StrLit)
                    && matches!(self.peek(), Tok::Comma | Tok::RParen);
                let expr = if !literal {
                    self.a_expr()?
                } else if token.kind == Tok::StrLit {
                    let value = self.string()?;
                    self.leaf(ExprKind::Str(value), token.start)
                } else {
                    self.bump();
                    let kind = self.number_kind(token).unwrap_or(ExprKind::Null);
                    self.leaf(kind, token.start)
                };
                rows.items.push(expr);
                if !self.eat(Tok::Comma) {
                    break;
                }
            }
            self.expect(Tok::RParen)?;
            rows.ends.push(rows.items.len() as u32);
            if !self.eat(Tok::Comma) {
                return Ok(rows);
            }
        }
    }

    fn select(&mut self) -> Result<Box<Select>> {
        let pos = self.bump().start;
        // Boxed from the start: the frames of nested queries stay small.
        let mut select = Select::new(pos);
        match self.kind() {
            Tok::All => {
                self.bump();
            }
            Tok::Distinct => {
                self.bump();
                select.distinct = Distinct::Distinct;
                if self.eat(Tok::On) {
                    select.distinct = Distinct::On(self.parens(Self::expr_list)?);
                }
            }
            _ => {}
        }
        if !matches!(select.distinct, Distinct::All) || self.target_begins() {
            select.targets = self.target_list()?;
        }
        if self.eat(Tok::Into) {
            select.into = Some(Box::new(self.select_into()?));
        }
        if self.eat(Tok::From) {
            select.from = self.table_refs()?;
        }
        select.filter = self.where_clause()?;
        if self.eat(Tok::Group) {
            self.group_by(&mut select)?;
        }
        if self.eat(Tok::Having) {
            select.having = Some(self.a_expr()?);
        }
        if self.eat(Tok::Window) {
            self.windows(&mut select)?;
        }
        Ok(select)
    }

    #[inline(never)]
    fn group_by(&mut self, select: &mut Select) -> Result<()> {
        self.expect(Tok::By)?;
        if self.eat(Tok::Distinct) {
            select.group_distinct = true;
        } else {
            self.eat(Tok::All);
        }
        select.group_by = self.comma_list(Self::group_item)?;
        Ok(())
    }

    #[inline(never)]
    fn windows(&mut self, select: &mut Select) -> Result<()> {
        select.windows = self.comma_list(|parser| {
            let name = parser.col_id()?;
            parser.expect(Tok::As)?;
            Ok((name, parser.window_spec()?))
        })?;
        Ok(())
    }

    /// Whether a select list begins here; it may be empty.
    fn target_begins(&self) -> bool {
        !begins_clause(self.kind())
            && !matches!(
                self.kind(),
                Tok::On | Tok::Returning | Tok::With | Tok::RParen | Tok::Semicolon | Tok::Eof
            )
    }

    pub(super) fn target_list(&mut self) -> Result<Vec<Target>> {
        self.comma_list(Self::target)
    }

    fn target(&mut self) -> Result<Target> {
        let pos = self.tok.start;
        if self.kind() == Tok::Star {
            self.bump();
            let expr = self.leaf(ExprKind::Star(Box::new([])), pos);
            return Ok(Target { expr, alias: None, pos });
        }
        let outer = std::mem::replace(&mut self.target_depth, self.depth + 1);
        let expr = self.a_expr()?;
        self.target_depth = outer;
        let alias = if self.eat(Tok::As) {
            Some(self.col_label()?)
        } else if Self::is_bare_label(self.kind()) {
            Some(self.take_ident()?)
        } else {
            None
        };
        Ok(Target { expr, alias, pos })
    }

    fn select_into(&mut self) -> Result<IntoTable> {
        let persistence = self.persistence();
        self.eat(Tok::Table);
        Ok(IntoTable { persistence, name: self.qualified_name()? })
    }

    /// `[LOCAL | GLOBAL] TEMP[ORARY] | UNLOGGED`
    pub(super) fn persistence(&mut self) -> Persistence {
        if matches!(self.kind(), Tok::Local | Tok::Global)
            && matches!(self.peek(), Tok::Temp | Tok::Temporary)
        {
            self.bump();
        }
        match self.kind() {
            Tok::Temp | Tok::Temporary => {
                self.bump();
                Persistence::Temporary
            }
            Tok::Unlogged => {
                self.bump();
                Persistence::Unlogged
            }
            _ => Persistence::Permanent,
        }
    }

    pub(super) fn where_clause(&mut self) -> Result<Option<ExprId>> {
        if self.eat(Tok::Where) { self.a_expr().map(Some) } else { Ok(None) }
    }

    fn group_item(&mut self) -> Result<GroupItem> {
        let next = self.peek();
        match self.kind() {
            Tok::LParen if next == Tok::RParen => {
                self.bump();
                self.bump();
                Ok(GroupItem::Empty)
            }
            Tok::Rollup if next == Tok::LParen => {
                self.bump();
                self.parens(Self::expr_list).map(GroupItem::Rollup)
            }
            Tok::Cube if next == Tok::LParen => {
                self.bump();
                self.parens(Self::expr_list).map(GroupItem::Cube)
            }
            Tok::Grouping if next == Tok::Sets => {
                self.enter()?;
                self.bump();
                self.bump();
                let sets = self.parens(|parser| parser.comma_list(Self::group_item))?;
                self.leave();
                Ok(GroupItem::Sets(sets))
            }
            _ => self.a_expr().map(GroupItem::Expr),
        }
    }

    // ---- ORDER BY, LIMIT, locking ----

    pub(super) fn opt_order_by(&mut self) -> Result<Vec<OrderItem>> {
        if self.kind() == Tok::Order { self.order_by() } else { Ok(Vec::new()) }
    }

    pub(super) fn order_by(&mut self) -> Result<Vec<OrderItem>> {
        self.expect(Tok::Order)?;
        self.expect(Tok::By)?;
        self.comma_list(|parser| {
            let pos = parser.tok.start;
            let expr = parser.a_expr()?;
            let direction = match parser.kind() {
                Tok::Asc => {
                    parser.bump();
                    SortDirection::Asc
                }
                Tok::Desc => {
                    parser.bump();
                    SortDirection::Desc
                }
                Tok::Using => {
                    parser.bump();
                    let qualified = parser.kind() == Tok::Operator;
                    if qualified {
                        parser.bump();
                    }
                    let name =
                        if qualified { parser.parens(Self::any_operator)? } else { parser.any_operator()? };
                    SortDirection::Using(Operator::Named(Box::new(name)))
                }
                _ => SortDirection::Default,
            };
            let nulls_first = parser.nulls_order()?;
            Ok(OrderItem { expr, direction, nulls_first, pos })
        })
    }

    /// `NULLS FIRST | LAST`
    pub(super) fn nulls_order(&mut self) -> Result<Option<bool>> {
        if self.kind() == Tok::Nulls && matches!(self.peek(), Tok::First | Tok::Last) {
            self.bump();
            return Ok(Some(self.bump().kind == Tok::First));
        }
        Ok(None)
    }

    /// Reads the clauses that apply to a whole query and gives them to `query`.
    fn query_clauses(&mut self, query: QueryId, with: Option<Box<With>>, outer_peak: u32) -> Result<QueryId> {
        let order_by = self.opt_order_by()?;
        let order_pos = order_by.first().map_or(0, |item| item.pos);
        let mut locking = self.locking_clauses()?;
        let limit_pos = self.tok.start;
        let (limit, offset, ties_pos) = self.limit_clauses()?;
        if locking.is_empty() {
            locking = self.locking_clauses()?;
        }
        let with_pos = with.as_ref().map_or(0, |with| with.pos);
        let target = self.query_mut(query);
        let twice =
            |what: &str, at: Pos| Err(sql_err!(SYNTAX_ERROR, "multiple {what} clauses not allowed").at(at));
        if !order_by.is_empty() {
            if !target.order_by.is_empty() {
                return twice("ORDER BY", order_pos);
            }
            target.order_by = order_by;
        }
        target.locking.extend(locking);
        if let Some(offset) = offset {
            if target.offset.is_some() {
                return twice("OFFSET", limit_pos);
            }
            target.offset = Some(offset);
        }
        if let Some(limit) = limit {
            if target.limit.is_some() {
                return twice("LIMIT", limit_pos);
            }
            if limit.with_ties && target.order_by.is_empty() {
                return Err(sql_err!(SYNTAX_ERROR, "WITH TIES cannot be specified without ORDER BY clause")
                    .at(ties_pos));
            }
            if limit.with_ties && target.locking.iter().any(|lock| lock.wait == LockWait::SkipLocked) {
                return Err(sql_err!(
                    SYNTAX_ERROR,
                    "SKIP LOCKED and WITH TIES options cannot be used together"
                )
                .at(ties_pos));
            }
            target.limit = Some(limit);
        }
        if with.is_some() {
            if target.with.is_some() {
                return twice("WITH", with_pos);
            }
            target.with = with;
        }
        self.end_query(query, outer_peak);
        Ok(query)
    }

    /// LIMIT or FETCH, OFFSET, and where WITH TIES stands.
    fn limit_clauses(&mut self) -> Result<(Option<Limit>, Option<ExprId>, Pos)> {
        let mut ties_pos = 0;
        let mut limit = None;
        let mut offset = None;
        loop {
            match self.kind() {
                Tok::Limit if limit.is_none() => {
                    let limit_pos = self.bump().start;
                    let pos = self.tok.start;
                    let count =
                        if self.eat(Tok::All) { self.leaf(ExprKind::Null, pos) } else { self.a_expr()? };
                    if self.kind() == Tok::Comma {
                        self.bump();
                        self.a_expr()?;
                        return Err(sql_err!(SYNTAX_ERROR, "LIMIT #,# syntax is not supported")
                            .hint("Use separate LIMIT and OFFSET clauses.")
                            .at(limit_pos));
                    }
                    limit = Some(Limit { count, with_ties: false });
                }
                Tok::Fetch if limit.is_none() => {
                    let (fetch, pos) = self.fetch_first()?;
                    limit = Some(fetch);
                    ties_pos = pos;
                }
                Tok::Offset if offset.is_none() => {
                    self.bump();
                    offset = Some(self.a_expr()?);
                    if matches!(self.kind(), Tok::Row | Tok::Rows) {
                        self.bump();
                    }
                }
                _ => return Ok((limit, offset, ties_pos)),
            }
        }
    }

    /// `FETCH FIRST | NEXT [n] ROW | ROWS ONLY | WITH TIES`
    fn fetch_first(&mut self) -> Result<(Limit, Pos)> {
        self.bump();
        if !self.eat(Tok::First) {
            self.expect(Tok::Next)?;
        }
        let pos = self.tok.start;
        let count = match self.kind() {
            Tok::Row | Tok::Rows => self.leaf(ExprKind::Int(1), pos),
            Tok::Plus | Tok::Minus => {
                let number = self.numeric_only()?;
                let kind = match number.parse() {
                    Ok(value) => ExprKind::Int(value),
                    Err(_) => ExprKind::Number(number),
                };
                self.leaf(kind, pos)
            }
            _ => self.c_expr()?,
        };
        if !self.eat(Tok::Row) {
            self.expect(Tok::Rows)?;
        }
        let ties_pos = self.tok.start;
        let with_ties = self.eat2(Tok::With, Tok::Ties);
        if !with_ties {
            self.expect(Tok::Only)?;
        }
        Ok((Limit { count, with_ties }, ties_pos))
    }

    fn locking_clauses(&mut self) -> Result<Vec<Locking>> {
        let mut clauses = Vec::new();
        if self.eat3(Tok::For, Tok::Read, Tok::Only) {
            return Ok(clauses);
        }
        while self.kind() == Tok::For {
            let pos = self.bump().start;
            let strength = match self.one_of(&[Tok::Update, Tok::Share, Tok::No, Tok::Key])? {
                Tok::Update => LockStrength::Update,
                Tok::Share => LockStrength::Share,
                Tok::No if self.eat2(Tok::Key, Tok::Update) => LockStrength::NoKeyUpdate,
                Tok::Key if self.eat(Tok::Share) => LockStrength::KeyShare,
                _ => return Err(self.unexpected()),
            };
            let of = if self.eat(Tok::Of) { self.qualified_name_list()? } else { Vec::new() };
            let wait = if self.eat(Tok::Nowait) {
                LockWait::NoWait
            } else if self.eat2(Tok::Skip, Tok::Locked) {
                LockWait::SkipLocked
            } else {
                LockWait::Block
            };
            clauses.push(Locking { strength, of, wait, pos });
        }
        Ok(clauses)
    }

    // ---- WITH ----

    pub(super) fn with_clause(&mut self) -> Result<Box<With>> {
        let pos = self.expect(Tok::With)?.start;
        let recursive = self.eat(Tok::Recursive);
        let ctes = self.comma_list(Self::cte)?;
        Ok(Box::new(With { recursive, ctes, pos }))
    }

    fn cte(&mut self) -> Result<Cte> {
        let name = self.col_id()?;
        let columns = self.opt_paren_name_list()?;
        self.expect(Tok::As)?;
        let materialized = if self.eat(Tok::Materialized) {
            Some(true)
        } else if self.eat(Tok::Not) {
            self.expect(Tok::Materialized)?;
            Some(false)
        } else {
            None
        };
        self.expect(Tok::LParen)?;
        let statement = self.preparable()?;
        self.expect(Tok::RParen)?;
        let mut search = None;
        if self.kind() == Tok::Search {
            let pos = self.bump().start;
            let breadth_first = match self.one_of(&[Tok::Depth, Tok::Breadth])? {
                Tok::Depth => false,
                Tok::Breadth => true,
                _ => return Err(self.unexpected()),
            };
            self.expect(Tok::First)?;
            self.expect(Tok::By)?;
            let columns = self.name_list()?;
            self.expect(Tok::Set)?;
            search = Some(Box::new(CteSearch { breadth_first, columns, set: self.col_id()?, pos }));
        }
        let mut cycle = None;
        if self.kind() == Tok::Cycle {
            let pos = self.bump().start;
            let columns = self.name_list()?;
            self.expect(Tok::Set)?;
            let mark = self.col_id()?;
            let values = if self.eat(Tok::To) {
                let value = self.c_expr()?;
                self.expect(Tok::Default)?;
                Some((value, self.c_expr()?))
            } else {
                None
            };
            self.expect(Tok::Using)?;
            cycle = Some(Box::new(CteCycle { columns, mark, values, path: self.col_id()?, pos }));
        }
        Ok(Cte { name, columns, materialized, statement, search, cycle })
    }

    /// A statement that may be prepared: a query, INSERT, UPDATE, DELETE or MERGE.
    pub(super) fn preparable(&mut self) -> Result<Statement> {
        self.enter()?;
        let outer_peak = self.begin_query();
        let with = if self.kind() == Tok::With { Some(self.with_clause()?) } else { None };
        let statement = match self.kind() {
            Tok::Insert => Statement::Insert(Box::new(self.insert(with)?)),
            Tok::Update => Statement::Update(Box::new(self.update(with)?)),
            Tok::Delete => Statement::Delete(Box::new(self.delete(with)?)),
            Tok::Merge => Statement::Merge(Box::new(self.merge(with)?)),
            _ => {
                let query = self.query_after_with(with, outer_peak)?;
                self.leave();
                return Ok(Statement::Query(query));
            }
        };
        self.end_measure(outer_peak);
        self.leave();
        Ok(statement)
    }
}

impl Query {
    fn new(body: QueryBody, pos: Pos) -> Self {
        Query {
            with: None,
            body,
            order_by: Vec::new(),
            limit: None,
            offset: None,
            locking: Vec::new(),
            pos,
            height: 1,
        }
    }
}

impl Select {
    fn new(pos: Pos) -> Box<Self> {
        Box::new(Select {
            distinct: Distinct::All,
            targets: Vec::new(),
            into: None,
            from: Vec::new(),
            filter: None,
            group_by: Vec::new(),
            group_distinct: false,
            having: None,
            windows: Vec::new(),
            pos,
        })
    }
}

/// Whether a keyword begins what may follow a select list.
pub(super) fn begins_clause(token: Tok) -> bool {
    matches!(
        token,
        Tok::From
            | Tok::Into
            | Tok::Where
            | Tok::Group
            | Tok::Having
            | Tok::Window
            | Tok::Order
            | Tok::Limit
            | Tok::Offset
            | Tok::Fetch
            | Tok::For
            | Tok::Union
            | Tok::Intersect
            | Tok::Except
    )
}
