//! TABLESAMPLE.

use super::Binder;
use super::scope::{Clause, NsItem};
use crate::catalog::RelationKind;
use crate::error::Result;
use crate::parse::ast::{FromId, Pos, TableSample};
use crate::plan::expr::{Expr, ExprKind};
use crate::plan::logical::{Logical, LogicalScan};
use crate::plan::physical::{SampleMethod, Sampling};
use crate::sql_err;
use crate::types::{Oid, oid};

/// An argument as it is computed, and as it was written.
type Argument = (Expr, Expr);

impl Binder<'_> {
    /// Puts the sample clause of an item of FROM into its scan.
    pub(super) fn bind_sample(
        &mut self,
        id: FromId,
        sample: &TableSample,
        relation: Pos,
        (plan, item): &mut (Logical, NsItem),
    ) -> Result<()> {
        let kind = item.relation.as_ref().map(|r| r.kind);
        let sampled = matches!(
            kind,
            Some(RelationKind::Table | RelationKind::MaterializedView | RelationKind::Virtual)
        );
        let Some(scan) = scan_below(plan).filter(|_| sampled) else {
            return Err(sql_err!(
                FEATURE_NOT_SUPPORTED,
                "TABLESAMPLE clause can only be applied to tables and materialized views"
            )
            .at(relation));
        };
        let pos = sample.method.pos();
        let schema = sample.method.schema().map_or("pg_catalog", |s| &*s.name);
        let method = match (schema, &*sample.method.object().name) {
            ("pg_catalog", "bernoulli") => SampleMethod::Bernoulli,
            ("pg_catalog", "system") => SampleMethod::System,
            _ => {
                return Err(sql_err!(
                    UNDEFINED_OBJECT,
                    "tablesample method {} does not exist",
                    sample.method
                )
                .at(pos));
            }
        };
        let [percent] = sample.args.as_slice() else {
            return Err(sql_err!(
                INVALID_TABLESAMPLE_ARGUMENT,
                "tablesample method {} requires 1 argument, not {}",
                method.name(),
                sample.args.len()
            )
            .at(pos));
        };
        let active = std::mem::replace(&mut self.scope().lateral_active, false);
        let bound = self.sample_arguments(*percent, sample.repeatable);
        self.scope().lateral_active = active;
        let ((percent, noted), seed) = bound?;
        let (seed, noted_seed) = seed.unzip();
        self.note_calls(id, &std::iter::once(noted).chain(noted_seed).collect::<Vec<_>>());
        scan.sample = Some(Box::new(Sampling { method, percent, seed }));
        Ok(())
    }

    fn sample_arguments(
        &mut self,
        percent: crate::parse::ast::ExprId,
        seed: Option<crate::parse::ast::ExprId>,
    ) -> Result<(Argument, Option<Argument>)> {
        let mut argument = |id, ty: Oid, what: &str| {
            let written = self.within(Clause::FunctionInFrom, |b| b.bind_expr(id))?;
            if written.any(&mut |e| e.is_set()) {
                let set = sql_err!(DATATYPE_MISMATCH, "argument of {what} must not return a set");
                return Err(set.at(written.at));
            }
            let literal = matches!(written.kind, ExprKind::Const(_)) && written.ty.oid == oid::UNKNOWN;
            let e = self.coerce_to_specific(written.clone(), ty, what)?;
            let written = if literal { e.clone() } else { written };
            Ok((e, written))
        };
        let percent = argument(percent, oid::FLOAT4, "TABLESAMPLE")?;
        let seed = seed.map(|id| argument(id, oid::FLOAT8, "REPEATABLE")).transpose()?;
        Ok((percent, seed))
    }
}

/// The scan of a relation, below what its policies say.
fn scan_below(plan: &mut Logical) -> Option<&mut LogicalScan> {
    match plan {
        Logical::Scan(scan) => Some(scan),
        Logical::Filter { input, .. } | Logical::SecurityBarrier { input } => scan_below(input),
        _ => None,
    }
}
