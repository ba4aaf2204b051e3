//! `has_..._privilege` and `pg_has_role`.

use nq_qsql::catalog::{Catalog, Relation};
use nq_qsql::error::Result;
use nq_qsql::types::io::RegResolver;
use nq_qsql::types::{Datum, Oid, info, oid};
use nq_qsql::{bail, func, sql_err};

use super::{Answer, Call};
use crate::catalog::BOOTSTRAP_SUPERUSER;
use crate::catalog::acl::{self, AclItem, AclKind, Privileges};
use crate::catalog::state::Via;

/// What a role may do with an object, and what it may grant.
#[derive(Clone, Copy, Default)]
struct Allowed {
    privileges: Privileges,
    grantable: Privileges,
}

impl Allowed {
    fn everything(kind: AclKind) -> Allowed {
        Allowed { privileges: kind.all(), grantable: kind.all() }
    }
}

pub(super) fn call(c: &mut Call<'_>) -> Answer {
    if c.name == "pg_has_role" {
        return has_role(c).map(Some);
    }
    let Some(what) = c.name.strip_prefix("has_").and_then(|n| n.strip_suffix("_privilege")) else {
        return Ok(None);
    };
    // (user?, object, [column,] privilege)
    let objects = if what == "column" { 2 } else { 1 };
    let user = match c.args.len() > objects + 1 {
        true => role(c, &c.args[0])?,
        false => c.host.current_user.oid,
    };
    let first = c.args.len() - objects - 1;
    let object = &c.args[first];
    let wanted = c.text(c.args.len() - 1);
    let answer = |allowed: Option<Allowed>, kind: AclKind| -> Result<Datum> {
        let wanted = requests(wanted, kind)?;
        Ok(allowed.map_or(Datum::Null, |a| Datum::Bool(wanted.iter().any(|w| w.met_by(a)))))
    };
    Ok(Some(match what {
        "table" => {
            let relation = relation(c, object)?;
            answer(relation.map(|r| on_relation(c, &r, user)), AclKind::Table)?
        }
        "sequence" => {
            let relation = relation(c, object)?;
            if let Some(other) =
                relation.as_ref().filter(|r| r.kind != nq_qsql::catalog::RelationKind::Sequence)
            {
                bail!(WRONG_OBJECT_TYPE, "\"{}\" is not a sequence", other.name);
            }
            answer(relation.map(|r| on_relation(c, &r, user)), AclKind::Sequence)?
        }
        "any_column" => {
            let relation = relation(c, object)?;
            let allowed = relation.map(|r| {
                let mut all = on_relation(c, &r, user);
                for (at, _) in r.live_columns() {
                    let column = on_column(c, &r, at, user);
                    all.privileges |= column.privileges;
                    all.grantable |= column.grantable;
                }
                all
            });
            answer(allowed, AclKind::Column)?
        }
        "column" => {
            let Some(relation) = relation(c, object)? else { return Ok(Some(Datum::Null)) };
            let Some(at) = column(c, &relation, &c.args[first + 1])? else { return Ok(Some(Datum::Null)) };
            let (whole, column) = (on_relation(c, &relation, user), on_column(c, &relation, at, user));
            let allowed = Allowed {
                privileges: whole.privileges | column.privileges,
                grantable: whole.grantable | column.grantable,
            };
            answer(Some(allowed), AclKind::Column)?
        }
        "schema" => {
            let namespace = match object {
                Datum::Text(name) => Some(c.view.resolve_reg(oid::REGNAMESPACE, &quoted(name))?),
                _ => Some(c.oid(first)),
            };
            let namespace = namespace.and_then(|oid| c.view.catalog.namespace(oid));
            let allowed = namespace.map(|n| by_list(c, n.acl.as_deref(), AclKind::Schema, n.owner, user));
            answer(allowed, AclKind::Schema)?
        }
        "database" => {
            let database = match object {
                Datum::Text(name) => match c.view.cluster.database_named(name) {
                    Some(database) => Some(database),
                    None => bail!(INVALID_CATALOG_NAME, "database \"{name}\" does not exist"),
                },
                _ => c.view.cluster.database(c.oid(first)),
            };
            let allowed = database.map(|d| by_list(c, d.acl.as_deref(), AclKind::Database, d.owner, user));
            answer(allowed, AclKind::Database)?
        }
        "function" => {
            let function = match object {
                Datum::Text(name) => Some(c.view.resolve_reg(oid::REGPROCEDURE, name)?),
                _ => {
                    let oid = c.oid(first);
                    let known = func::function_by_oid(oid).is_some() || c.view.catalog.routine(oid).is_some();
                    known.then_some(oid)
                }
            };
            let allowed = function.map(|oid| {
                if let Some(r) = c.view.catalog.routine(oid) {
                    return by_list(c, r.acl.as_deref(), AclKind::Function, r.routine.owner, user);
                }
                let list = func::function_by_oid(oid).and_then(|f| acl::function_acl(f.name));
                by_list(c, list.as_ref().map(|l| &l[..]), AclKind::Function, BOOTSTRAP_SUPERUSER, user)
            });
            answer(allowed, AclKind::Function)?
        }
        "type" => {
            let ty = match object {
                Datum::Text(name) => Some(c.view.resolve_reg(oid::REGTYPE, name)?),
                _ => {
                    let oid = c.oid(first);
                    let known = info::by_oid(oid).is_some() || c.view.catalog.row_type(oid).is_some();
                    known.then_some(oid)
                }
            };
            let allowed = ty.map(|oid| {
                let of = info::element_of(oid).unwrap_or(oid);
                let (list, owner) = match c.view.catalog.user_type(of) {
                    Some(ty) => (c.view.catalog.type_acl(ty), ty.owner),
                    None => (None, BOOTSTRAP_SUPERUSER),
                };
                by_list(c, list, AclKind::Type, owner, user)
            });
            answer(allowed, AclKind::Type)?
        }
        "language" => match object {
            Datum::Text(name) if !matches!(&**name, "sql" | "internal" | "c") => {
                bail!(UNDEFINED_OBJECT, "language \"{name}\" does not exist")
            }
            _ => answer(Some(by_list(c, None, AclKind::Type, BOOTSTRAP_SUPERUSER, user)), AclKind::Type)?,
        },
        "tablespace" => {
            let known = match object {
                Datum::Text(name) => match &**name {
                    "pg_default" | "pg_global" => true,
                    _ => bail!(UNDEFINED_OBJECT, "tablespace \"{name}\" does not exist"),
                },
                _ => matches!(c.oid(first), 1663 | 1664),
            };
            let superuser = c.view.cluster.is_superuser(user);
            let allowed = if superuser { Allowed::everything(AclKind::Schema) } else { Allowed::default() };
            answer(known.then_some(allowed), AclKind::Schema)?
        }
        "parameter" => {
            let superuser = c.view.cluster.is_superuser(user);
            let name = match object {
                Datum::Text(name) => name.to_string(),
                _ => String::new(),
            };
            let free = crate::settings::definition::find(&name)
                .is_none_or(|d| d.context == crate::settings::Context::User);
            match wanted.trim().to_ascii_uppercase().as_str() {
                "SET" => Datum::Bool(superuser || free),
                "ALTER SYSTEM" | "SET WITH GRANT OPTION" | "ALTER SYSTEM WITH GRANT OPTION" => {
                    Datum::Bool(superuser)
                }
                _ => bail!(INVALID_PARAMETER_VALUE, "unrecognized privilege type: \"{wanted}\""),
            }
        }
        "server" | "foreign_data_wrapper" => match object {
            Datum::Text(name) => {
                bail!(UNDEFINED_OBJECT, "{} \"{name}\" does not exist", what.replace('_', "-"))
            }
            _ => Datum::Null,
        },
        "largeobject" => Datum::Null,
        _ => return Ok(None),
    }))
}

/// A name as the readers of names in strings take it for itself.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A privilege that is asked for.
struct Request {
    privilege: Privileges,
    option: bool,
}

impl Request {
    fn met_by(&self, allowed: Allowed) -> bool {
        let set = if self.option { allowed.grantable } else { allowed.privileges };
        set & self.privilege != 0
    }
}

/// Reads `SELECT, UPDATE WITH GRANT OPTION`.
fn requests(text: &str, kind: AclKind) -> Result<Vec<Request>> {
    let one = |part: &str| {
        let upper = part.trim().to_ascii_uppercase();
        let (name, option) = match upper.strip_suffix("WITH GRANT OPTION") {
            Some(name) => (name.trim_end(), true),
            None => (upper.as_str(), false),
        };
        match acl::privilege(name).filter(|p| p & kind.all() != 0) {
            Some(privilege) => Ok(Request { privilege, option }),
            None => bail!(INVALID_PARAMETER_VALUE, "unrecognized privilege type: \"{}\"", part.trim()),
        }
    };
    text.split(',').map(one).collect()
}

/// The role that an argument names; PUBLIC is 0.
fn role(c: &Call<'_>, argument: &Datum) -> Result<Oid> {
    match argument {
        Datum::Text(name) if &**name == "public" => Ok(acl::PUBLIC),
        Datum::Text(name) => {
            c.view.role(name).ok_or_else(|| sql_err!(UNDEFINED_OBJECT, "role \"{name}\" does not exist"))
        }
        Datum::Oid(oid) => Ok(*oid),
        _ => Ok(acl::PUBLIC),
    }
}

fn relation(c: &Call<'_>, argument: &Datum) -> Result<Option<std::sync::Arc<Relation>>> {
    let oid = match argument {
        Datum::Text(name) => c.view.resolve_reg(oid::REGCLASS, name)?,
        Datum::Oid(oid) => *oid,
        _ => 0,
    };
    Ok(c.view.relation_by_oid(oid))
}

fn column(c: &Call<'_>, relation: &Relation, argument: &Datum) -> Result<Option<usize>> {
    match argument {
        Datum::Text(name) => match relation.column(name) {
            Some(at) => Ok(Some(at)),
            None => bail!(
                UNDEFINED_COLUMN,
                "column \"{name}\" of relation \"{}\" does not exist",
                c.view.display_name(relation)
            ),
        },
        Datum::Int2(number) => {
            let at = usize::try_from(*number - 1).ok();
            Ok(at.filter(|at| relation.columns.get(*at).is_some_and(|c| !c.dropped)))
        }
        _ => Ok(None),
    }
}

fn by_list(c: &Call<'_>, list: Option<&[AclItem]>, kind: AclKind, owner: Oid, user: Oid) -> Allowed {
    let cluster = &c.view.cluster;
    if cluster.is_superuser(user) {
        return Allowed::everything(kind);
    }
    let member = |other: Oid| c.host.has_privileges_of(cluster, user, other);
    let privileges = c.host.privileges(cluster, list, kind, owner, user);
    let grantable = match list {
        _ if member(owner) => kind.all(),
        Some(list) => acl::grantable(list, &member),
        None => 0,
    };
    Allowed { privileges, grantable }
}

fn on_relation(c: &Call<'_>, relation: &Relation, user: Oid) -> Allowed {
    let kind = match relation.kind {
        nq_qsql::catalog::RelationKind::Sequence => AclKind::Sequence,
        _ => AclKind::Table,
    };
    let object = c.view.catalog.object(relation.oid);
    let list = object.and_then(|o| o.acl.as_deref());
    let mut allowed = by_list(c, list, kind, relation.owner, user);
    allowed.privileges |= c.host.relation_privileges(relation, user);
    allowed
}

fn on_column(c: &Call<'_>, relation: &Relation, at: usize, user: Oid) -> Allowed {
    let object = c.view.catalog.object(relation.oid);
    let list = object.and_then(|o| o.column_acl.iter().find(|(column, _)| *column == at));
    match list {
        Some((_, list)) => by_list(c, Some(list), AclKind::Column, relation.owner, user),
        None => Allowed::default(),
    }
}

fn has_role(c: &Call<'_>) -> Result<Datum> {
    let (user, at) = match c.args.len() {
        3 => (role(c, &c.args[0])?, 1),
        _ => (c.host.current_user.oid, 0),
    };
    let other = match &c.args[at] {
        Datum::Text(name) => {
            c.view.role(name).ok_or_else(|| sql_err!(UNDEFINED_OBJECT, "role \"{name}\" does not exist"))?
        }
        _ => c.oid(at),
    };
    let cluster = &c.view.cluster;
    let superuser = cluster.is_superuser(user);
    let one = |part: &str| -> Result<bool> {
        let upper = part.trim().to_ascii_uppercase();
        let admin = upper.ends_with("WITH ADMIN OPTION") || upper.ends_with("WITH GRANT OPTION");
        let word = upper.split(" WITH ").next().unwrap_or_default().trim();
        if !matches!(word, "USAGE" | "MEMBER" | "SET") {
            bail!(INVALID_PARAMETER_VALUE, "unrecognized privilege type: \"{}\"", part.trim());
        }
        Ok(match word {
            _ if superuser => true,
            _ if admin => cluster.memberships(user, Via::Any).iter().any(|member| {
                let role = cluster.role(*member);
                role.is_some_and(|r| r.member_of.iter().any(|m| m.role == other && m.admin))
            }),
            "USAGE" => c.host.has_privileges_of(cluster, user, other),
            "SET" => cluster.memberships(user, Via::Set).contains(&other),
            _ => cluster.memberships(user, Via::Any).contains(&other),
        })
    };
    let mut any = false;
    for part in c.text(at + 1).split(',') {
        any |= one(part)?;
    }
    Ok(Datum::Bool(any))
}
