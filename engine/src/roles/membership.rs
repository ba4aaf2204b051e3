//! GRANT and REVOKE of roles.
//!
//! A membership is recorded by who granted it: a role may have the same membership from several grantors, and has what any of them
//! gave. Taking the ADMIN option away takes back what was granted by it (CASCADE), or is refused (RESTRICT).

use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::parse::ast::{Def, DefValue, GrantRole};
use nq_qsql::types::Oid;
use nq_qsql::{bail, sql_err};

use super::denied;
use crate::catalog::object::{Membership, Role};
use crate::catalog::{BOOTSTRAP_SUPERUSER, bootstrap};
use crate::session::Session;
use crate::session::utility::Done;

/// `WITH ADMIN | INHERIT | SET ..`; `None` where nothing was said.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    pub(super) admin: Option<bool>,
    pub(super) inherit: Option<bool>,
    pub(super) set: Option<bool>,
}

impl Options {
    fn of(options: &[Def]) -> Result<Options> {
        let mut found = Options::default();
        for option in options {
            let on = match &option.value {
                Some(DefValue::Word(word)) => &**word != "false",
                _ => true,
            };
            let place = match &*option.name.name {
                "admin" => &mut found.admin,
                "inherit" => &mut found.inherit,
                "set" => &mut found.set,
                other => {
                    return Err(
                        sql_err!(SYNTAX_ERROR, "unrecognized role option \"{other}\"").at(option.name.pos)
                    );
                }
            };
            *place = Some(on);
        }
        Ok(found)
    }

    fn nothing_said(&self) -> bool {
        self.admin.is_none() && self.inherit.is_none() && self.set.is_none()
    }
}

impl Session {
    /// GRANT and REVOKE of roles.
    pub(crate) fn grant_roles(&mut self, grant: &GrantRole) -> Result<Done> {
        self.lock_cluster()?;
        let options = Options::of(&grant.options)?;
        let grantor = grant.granted_by.as_ref().map(|spec| self.need_role(spec)).transpose()?;
        let members = grant.grantees.iter().map(|spec| self.need_role(spec)).collect::<Result<Vec<_>>>()?;
        for role in &grant.roles {
            if !role.columns.is_empty() {
                bail!(INVALID_GRANT_OPERATION, "column names cannot be included in GRANT/REVOKE ROLE");
            }
            let Some(oid) = self.view().cluster.role_named(&role.name).map(|r| r.oid) else {
                bail!(UNDEFINED_OBJECT, "role \"{}\" does not exist", &*role.name)
            };
            match grant.is_grant {
                true => self.add_members(oid, &members, options, grantor)?,
                false => self.remove_members(oid, &members, options, grantor, grant.cascade)?,
            }
        }
        Done::tag(if grant.is_grant { "GRANT ROLE" } else { "REVOKE ROLE" })
    }

    /// Grants `role` to `members`.
    pub(super) fn add_members(
        &mut self,
        role: Oid,
        members: &[Oid],
        options: Options,
        grantor: Option<Oid>,
    ) -> Result<()> {
        if members.is_empty() {
            return Ok(());
        }
        self.check_may_grant(role, true)?;
        let grantor = self.role_grantor(role, grantor, true)?;
        let group = self.role(role)?;
        for &oid in members {
            let member = self.role(oid)?;
            if oid == bootstrap::DATABASE_OWNER {
                bail!(INVALID_GRANT_OPERATION, "role \"{}\" cannot be a member of any role", member.name);
            }
            if self.view().cluster.is_member(role, oid) {
                bail!(
                    INVALID_GRANT_OPERATION,
                    "role \"{}\" is a member of role \"{}\"",
                    group.name,
                    member.name
                );
            }
            if options.admin == Some(true) && self.derives_from(role, grantor, oid) {
                bail!(INVALID_GRANT_OPERATION, "ADMIN option cannot be granted back to your own grantor");
            }
            let mut changed: Role = (*member).clone();
            let own = |m: &&mut Membership| m.role == role && m.grantor == grantor;
            let fresh = match changed.member_of.iter_mut().find(own) {
                Some(there) => {
                    let before = *there;
                    there.admin = options.admin.unwrap_or(there.admin);
                    there.inherit = options.inherit.unwrap_or(there.inherit);
                    there.set = options.set.unwrap_or(there.set);
                    *there != before
                }
                None => {
                    changed.member_of.push(Membership {
                        role,
                        grantor,
                        admin: options.admin.unwrap_or(false),
                        inherit: options.inherit.unwrap_or(member.inherit),
                        set: options.set.unwrap_or(true),
                    });
                    true
                }
            };
            if fresh {
                self.put_role(changed)?;
            } else {
                let by = self.view().cluster.role_name(grantor);
                self.host.notice(SqlError::new(
                    SqlState(*b"00000"),
                    format!(
                        "role \"{}\" has already been granted membership in role \"{}\" by role \"{by}\"",
                        member.name, group.name
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Takes `role`, or options of it, from `members`.
    pub(super) fn remove_members(
        &mut self,
        role: Oid,
        members: &[Oid],
        options: Options,
        grantor: Option<Oid>,
        cascade: bool,
    ) -> Result<()> {
        if members.is_empty() {
            return Ok(());
        }
        self.check_may_grant(role, false)?;
        let grantor = self.role_grantor(role, grantor, false)?;
        for &oid in members {
            let member = self.role(oid)?;
            if !member.member_of.iter().any(|m| m.role == role && m.grantor == grantor) {
                let (group, by) = (self.role(role)?.name.clone(), self.view().cluster.role_name(grantor));
                self.host.warn(SqlError::new(
                    SqlState(*b"01000"),
                    format!(
                        "role \"{}\" has not been granted membership in role \"{group}\" by role \"{by}\"",
                        member.name
                    ),
                ));
                continue;
            }
            self.revoke_membership(role, oid, grantor, options, cascade)?;
        }
        Ok(())
    }

    fn revoke_membership(
        &mut self,
        role: Oid,
        member: Oid,
        grantor: Oid,
        options: Options,
        cascade: bool,
    ) -> Result<()> {
        let mut changed = (*self.role(member)?).clone();
        let own = |m: &Membership| m.role == role && m.grantor == grantor;
        match options.nothing_said() {
            true => changed.member_of.retain(|m| !own(m)),
            false => {
                for there in changed.member_of.iter_mut().filter(|m| own(m)) {
                    there.admin &= options.admin.is_none();
                    there.inherit &= options.inherit.is_none();
                    there.set &= options.set.is_none();
                }
            }
        }
        self.put_role(changed)?;
        if self.view().cluster.is_direct_admin(member, role) {
            return Ok(());
        }
        // What the member granted by virtue of the option goes, too.
        let granted: Vec<Oid> = self
            .view()
            .cluster
            .roles()
            .into_iter()
            .filter(|r| r.member_of.iter().any(|m| m.role == role && m.grantor == member))
            .map(|r| r.oid)
            .collect();
        if !granted.is_empty() && !cascade {
            return Err(sql_err!(DEPENDENT_OBJECTS_STILL_EXIST, "dependent privileges exist")
                .hint("Use CASCADE to revoke them too."));
        }
        for oid in granted {
            self.revoke_membership(role, oid, member, Options::default(), cascade)?;
        }
        Ok(())
    }

    /// Whether the grantor's ADMIN option on `role` goes back to `member`.
    fn derives_from(&self, role: Oid, grantor: Oid, member: Oid) -> bool {
        let cluster = self.view().cluster.clone();
        let mut open = vec![grantor];
        let mut seen = vec![grantor];
        while let Some(next) = open.pop() {
            if next == member {
                return true;
            }
            let Some(holder) = cluster.role(next) else { continue };
            for from in holder.member_of.iter().filter(|m| m.role == role && m.admin).map(|m| m.grantor) {
                if !seen.contains(&from) {
                    seen.push(from);
                    open.push(from);
                }
            }
        }
        false
    }

    /// Who may grant or revoke a role: superusers, and those with the ADMIN option.
    fn check_may_grant(&self, role: Oid, is_grant: bool) -> Result<()> {
        let group = self.role(role)?;
        let verb = if is_grant { "grant" } else { "revoke" };
        if is_grant && role == bootstrap::DATABASE_OWNER {
            bail!(FEATURE_NOT_SUPPORTED, "role \"{}\" cannot have explicit members", group.name);
        }
        let what = format!("to {verb} role \"{}\"", group.name);
        if group.superuser && !self.host.is_superuser() {
            let detail = format!(
                "Only roles with the SUPERUSER attribute may {verb} roles with the SUPERUSER attribute."
            );
            return Err(denied(&what, detail));
        }
        match self.has_admin_option(role) {
            true => Ok(()),
            false => Err(denied(
                &what,
                format!("Only roles with the ADMIN option on role \"{}\" may {verb} this role.", group.name),
            )),
        }
    }

    /// The role that a grant is recorded as made by.
    fn role_grantor(&self, role: Oid, named: Option<Oid>, is_grant: bool) -> Result<Oid> {
        let cluster = self.view().cluster.clone();
        let user = self.host.current_user.oid;
        let Some(grantor) = named else {
            return Ok(match cluster.is_superuser(user) {
                true => BOOTSTRAP_SUPERUSER,
                false => cluster.best_admin(user, role).unwrap_or(user),
            });
        };
        let name = cluster.role_name(grantor);
        let (verb, by) = if is_grant { ("grant", "as") } else { ("revoke", "granted by") };
        let what = format!("to {verb} privileges {by} role \"{name}\"");
        if !self.host.has_privileges_of(&cluster, user, grantor) {
            let detail = format!(
                "Only roles with privileges of role \"{name}\" may {verb} privileges {by} this role."
            );
            return Err(denied(&what, detail));
        }
        if is_grant && grantor != BOOTSTRAP_SUPERUSER && !cluster.is_direct_admin(grantor, role) {
            return Err(denied(
                &what,
                format!("The grantor must have the ADMIN option on role \"{}\".", cluster.role_name(role)),
            ));
        }
        Ok(grantor)
    }
}
