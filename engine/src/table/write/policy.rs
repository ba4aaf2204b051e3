//! What row-level security demands of rows that are written.

use nq_qsql::error::{Result, SqlError};
use nq_qsql::plan::physical::{PolicyMoment, WriteTarget};
use nq_qsql::sql_err;
use nq_qsql::types::Datum;

use super::Writer;
use crate::exec::eval::Compiled;
use crate::exec::{Batch, ExecCx};

/// A condition of row-level security.
pub(super) struct Guard {
    moment: PolicyMoment,
    /// The restrictive policy; `None` for all permissive ones together.
    policy: Option<Box<str>>,
    condition: Compiled,
}

impl Guard {
    /// All conditions on the rows of a table.
    pub(super) fn all(target: &WriteTarget, params: &[Datum]) -> Result<Vec<Guard>> {
        let guard = |check: &nq_qsql::plan::physical::PolicyCheck| {
            let condition = Compiled::with_params(&check.condition, params)?;
            Ok(Guard { moment: check.moment, policy: check.policy.clone(), condition })
        };
        target.policies.iter().map(guard).collect()
    }
}

impl Writer {
    /// Asks the policies of a moment of completed rows.
    ///
    /// # Errors
    /// 42501 for a row of which a condition is not TRUE.
    pub fn check_policies(
        &self,
        moment: PolicyMoment,
        rows: &[Vec<Datum>],
        cx: &mut ExecCx<'_>,
    ) -> Result<()> {
        let mut batch = None;
        for guard in self.policies.iter().filter(|g| g.moment == moment) {
            let batch = batch.get_or_insert_with(|| Batch::from_rows(rows, &self.types));
            let values = guard.condition.eval_batch(batch, cx)?;
            let holds = |i| matches!(values.datum(i, guard.condition.ty.oid), Datum::Bool(true));
            if !(0..rows.len()).all(holds) {
                let row = (0..rows.len()).find(|i| !holds(*i)).unwrap_or_default();
                return Err(match moment {
                    PolicyMoment::View => self.view_violation(guard, &rows[row], cx),
                    _ => self.policy_violation(guard),
                });
            }
        }
        Ok(())
    }

    #[cold]
    fn view_violation(&self, guard: &Guard, row: &[Datum], cx: &ExecCx<'_>) -> SqlError {
        let view = guard.policy.as_deref().unwrap_or_default();
        sql_err!(WITH_CHECK_OPTION_VIOLATION, "new row violates check option for view \"{view}\"")
            .detail(self.describe(row, cx))
    }

    #[cold]
    fn policy_violation(&self, guard: &Guard) -> SqlError {
        let policy = guard.policy.as_ref().map_or(String::new(), |name| format!(" \"{name}\""));
        let (row, part) = match guard.moment {
            PolicyMoment::Insert | PolicyMoment::Update | PolicyMoment::View => ("new", ""),
            PolicyMoment::Conflict => ("new", " (USING expression)"),
            PolicyMoment::MergeUpdate | PolicyMoment::MergeDelete => ("target", " (USING expression)"),
        };
        sql_err!(
            INSUFFICIENT_PRIVILEGE,
            "{row} row violates row-level security policy{policy}{part} for table \"{}\"",
            self.relation.name
        )
    }
}
