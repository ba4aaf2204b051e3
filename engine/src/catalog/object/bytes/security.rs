//! The bytes of a table's row-level security.

use std::sync::Arc;

use nq_qsql::catalog::{Policy, PolicyCommand, RowSecurity};
use nq_qsql::error::Result;

use crate::catalog::codec::{Reader, Writer, damaged};

pub(super) fn write(w: &mut Writer, security: &RowSecurity) {
    w.flag(security.enabled);
    w.flag(security.forced);
    w.list(&security.policies, |w, policy| {
        w.u32(policy.oid);
        w.str(&policy.name);
        w.byte(policy.command.letter());
        w.flag(policy.permissive);
        w.list(&policy.roles, |w, role| w.u32(*role));
        for condition in [&policy.using, &policy.check] {
            w.option(condition.as_deref(), Writer::str);
        }
    });
}

pub(super) fn read(r: &mut Reader<'_>) -> Result<RowSecurity> {
    let (enabled, forced) = (r.flag()?, r.flag()?);
    let policies = r.list(|r| {
        Ok(Policy {
            oid: r.u32()?,
            name: r.boxed()?,
            command: match r.byte()? {
                b'*' => PolicyCommand::All,
                b'r' => PolicyCommand::Select,
                b'a' => PolicyCommand::Insert,
                b'w' => PolicyCommand::Update,
                b'd' => PolicyCommand::Delete,
                _ => return Err(damaged("has a policy for an unknown command")),
            },
            permissive: r.flag()?,
            roles: r.list(Reader::u32)?,
            using: condition(r)?,
            check: condition(r)?,
        })
    })?;
    Ok(RowSecurity { enabled, forced, policies })
}

fn condition(r: &mut Reader<'_>) -> Result<Option<Arc<str>>> {
    r.option(Reader::shared)
}
