//! Texts seen before: short statements that run without being parsed or planned again.
//!
//! ```text
//!   SELECT b FROM t WHERE a = 42   --normalize-->  SELECT b FROM t WHERE a = $1   + [42]
//!                                                   `-- shape known? its point plan runs with [42]
//! ```
//!
//! 1. A text without literals is recalled as it is. Only plans that are straight-line code are recalled by shape: whether a literal or a parameter stands in the text makes no
//!    difference to them. All others are planned with their literals in sight.
//! 2. A shape is learnt when it comes a second time.
//! 3. Whatever is not as expected (a literal that its column's type refuses, a changed catalog, a failed block) sends the statement
//!    down the ordinary way, which words errors and finds their positions in the client's text.

use std::sync::Arc;

use nq_qsql::error::Result;
use nq_qsql::parse::normalize::{Literal, normalize};
use nq_qsql::types::{DataType, Datum, IoContext, Numeric, Oid, io_text, oid};

use super::plan_cache::{Plan, Shape};
use super::portal::{Portal, Run, ends_or_begins};
use super::prepared::{Prepared, Source, is_plannable};
use super::transaction::Block;
use super::{Format, Outcome, ResultSink, Session};

/// A statement without its literals, parsed and planned.
pub(crate) struct Recalled {
    source: Arc<Source>,
    plan: Arc<Plan>,
}

/// Longest text of a statement that begins or ends a transaction.
const CONTROL_MAX_BYTES: usize = 32;
/// Longest text that is recalled: reading its literals takes microseconds.
const TEXT_MAX_BYTES: usize = 8 << 10;

impl Session {
    /// Runs a text of the simple protocol at once if that takes microseconds, waits apart: a statement whose shape is known, or one
    /// that begins or ends a transaction. `None`: it is to be parsed and run by [`Session::parse_simple`] and
    /// [`Session::run_simple`]; nothing has happened.
    pub fn run_recalled(&mut self, sql: &str, sink: &mut dyn ResultSink) -> Option<Result<Outcome>> {
        if sql.len() > TEXT_MAX_BYTES
            || self.transaction.block == Block::Failed
            || self.transaction.overlay.is_some()
        {
            return None;
        }
        let _entered = self.enter();
        let portal = match self.recall_control(sql) {
            Some(source) => Portal::simple(source, Arc::from([]), Run::Utility),
            None => match self.recall_shape(sql) {
                Some(portal) => portal,
                None => self.recall_text(sql)?,
            },
        };
        self.start_command(sql);
        self.forget_unnamed();
        if self.transaction.block == Block::None {
            self.transaction.block = Block::Implicit;
            self.start_transaction_clock();
        }
        self.simple = Some(portal);
        let result = self.go_on_simple(sink).and_then(|outcome| match outcome {
            Outcome::Complete(tag) if self.transaction.block == Block::Implicit => {
                self.sync().map(|()| Outcome::Complete(tag))
            }
            other => Ok(other),
        });
        Some(self.after_command(result))
    }

    /// BEGIN, COMMIT and ROLLBACK.
    fn recall_control(&mut self, sql: &str) -> Option<Arc<Source>> {
        const WORDS: [&str; 6] = ["begin", "start", "commit", "end", "rollback", "abort"];
        let word = sql.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or("");
        if sql.len() > CONTROL_MAX_BYTES
            || !WORDS.iter().any(|w| w.eq_ignore_ascii_case(word))
            || !self.transaction.ends_shortly()
        {
            return None;
        }
        let mut statements = nq_qsql::parse::parse_statements(sql).ok()?;
        let parsed = statements.pop().filter(|_| statements.is_empty())?;
        if !ends_or_begins(&parsed.ast.statement) || !parsed.ast.notices.is_empty() {
            return None;
        }
        Some(Arc::new(Source { text: sql.into(), parsed: Some(parsed) }))
    }

    fn recall_shape(&mut self, sql: &str) -> Option<Portal> {
        let mut literals = Vec::new();
        let mut text = std::mem::take(&mut self.shape);
        let hash = normalize(sql, &mut text, &mut literals);
        let found = hash.and_then(|hash| {
            self.ready_view();
            let view = self.host.current_view();
            match self.home.plans.shape(hash, &text, view.plan_key) {
                Some(Shape::Short(recalled)) if recalled.plan.fits(view) => Some(recalled),
                Some(Shape::Short(_)) => {
                    self.home.plans.put_shape(hash, &text, view.plan_key, Shape::Seen);
                    None
                }
                _ => None,
            }
        });
        self.shape = text;
        let recalled = found?;
        let view = self.host.current_view().clone();
        let io = self.host.io(&view);
        let values = literals.iter().zip(recalled.plan.params.iter()).map(|(l, ty)| value(l, *ty, &io));
        let params: Arc<[Datum]> = values.collect::<Option<_>>()?;
        let run = Run::Plan { plan: recalled.plan.clone(), prepared: None };
        Some(Portal::simple(recalled.source.clone(), params, run))
    }

    /// The very text of a short statement.
    fn recall_text(&mut self, sql: &str) -> Option<Portal> {
        self.ready_view();
        let (source, plan) = self.home.plans.parsed(sql, &[], self.host.current_view())?;
        let runs = plan.is_short() && plan.params.is_empty();
        runs.then(|| Portal::simple(source, Arc::from([]), Run::Plan { plan, prepared: None }))
    }

    /// Takes note of a text that was not recalled; at its second time its shape is planned.
    pub(crate) fn learn_shape(&mut self, sql: &str) {
        let mut literals = Vec::new();
        let mut text = std::mem::take(&mut self.shape);
        if sql.len() <= TEXT_MAX_BYTES
            && self.transaction.overlay.is_none()
            && self.transaction.block != Block::Failed
            && let Some(hash) = normalize(sql, &mut text, &mut literals)
        {
            self.ready_view();
            let plan_key = self.host.current_view().plan_key;
            let next = match self.home.plans.shape(hash, &text, plan_key) {
                None => Some(Shape::Seen),
                // A shape that does not plan by itself is not worth another thought: its texts will say why.
                Some(Shape::Seen) => {
                    Some(self.plan_shape(&text, &literals).map_or(Shape::Other, Shape::Short))
                }
                Some(_) => None,
            };
            if let Some(next) = next {
                self.home.plans.put_shape(hash, &text, plan_key, next);
            }
        }
        self.shape = text;
    }

    fn plan_shape(&mut self, text: &str, literals: &[Literal<'_>]) -> Option<Arc<Recalled>> {
        let mut statements = nq_qsql::parse::parse_statements(text).ok()?;
        let parsed = statements.pop().filter(|_| statements.is_empty())?;
        if !is_plannable(&parsed.ast) || !parsed.ast.notices.is_empty() {
            return None;
        }
        let source = Arc::new(Source { text: text.into(), parsed: Some(parsed) });
        let params: Vec<Oid> = literals.iter().map(declared).collect();
        let plan = self.cached_plan(&source, &params).ok()?;
        let short =
            plan.point.is_some() && plan.is_short() && !plan.transient && plan.params.len() == literals.len();
        short.then(|| Arc::new(Recalled { source, plan }))
    }

    /// Parse of a text that has been parsed and planned before, or of one that begins or ends a transaction. `None`: call [`Session::prepare`]; nothing has happened.
    pub fn prepare_recalled(&mut self, name: &str, sql: &str, params: &[Oid]) -> Option<Result<()>> {
        if sql.len() > TEXT_MAX_BYTES
            || self.transaction.overlay.is_some()
            || self.transaction.block == Block::Failed
            || (!name.is_empty() && self.statements.contains_key(name))
        {
            return None;
        }
        let (source, plan) = match self.recall_control(sql) {
            Some(source) => (source, None),
            None => {
                self.ready_view();
                let (source, plan) = self.home.plans.parsed(sql, params, self.host.current_view())?;
                (source, Some(plan))
            }
        };
        self.start_command(sql);
        let taken = plan.as_ref().map_or(&[][..], |plan| &plan.params);
        let prepared = Prepared {
            params: taken.iter().map(|ty| ty.oid).collect(),
            columns: plan.as_ref().filter(|plan| plan.returns_rows()).map(|plan| plan.columns.clone()),
            plan,
            source,
            declared: params.to_vec(),
            from_sql: false,
            time: self.host.statement_time,
        };
        self.statements.insert(name.into(), Arc::new(prepared));
        Some(self.after_command(Ok(())))
    }
}

impl Portal {
    /// A portal of the simple protocol.
    pub(crate) fn simple(source: Arc<Source>, params: Arc<[Datum]>, run: Run) -> Portal {
        let columns = match &run {
            Run::Plan { plan, .. } => plan.returns_rows().then(|| plan.columns.clone()),
            _ => None,
        };
        let formats = vec![Format::Text; columns.as_ref().map_or(0, |c| c.len())];
        Portal {
            source,
            params,
            types: None,
            columns,
            formats,
            run,
            sent: 0,
            announce: true,
            level: 0,
            cursor: None,
        }
    }
}

/// The type that a parameter in a literal's place is declared with; 0 for unknown.
fn declared(literal: &Literal<'_>) -> Oid {
    match literal {
        Literal::Int4(_) => oid::INT4,
        Literal::Int8(_) => oid::INT8,
        Literal::Numeric(_) => oid::NUMERIC,
        Literal::Text(_) => 0,
    }
}

/// A literal's value as a parameter; `None` when its type refuses it.
fn value(literal: &Literal<'_>, ty: DataType, io: &IoContext<'_>) -> Option<Datum> {
    match literal {
        Literal::Int4(v) if ty.oid == oid::INT4 => Some(Datum::Int4(*v)),
        Literal::Int8(v) if ty.oid == oid::INT8 => Some(Datum::Int8(*v)),
        Literal::Numeric(text) if ty.oid == oid::NUMERIC => {
            Numeric::parse_bytes(text.as_bytes()).ok().map(Datum::Numeric)
        }
        Literal::Text(text) => io_text::parse_text(ty.oid, -1, text, io).ok(),
        _ => None,
    }
}
