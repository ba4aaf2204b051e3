//! What belongs to the cluster: databases, roles, parameters.

use nq_qsql::catalog::Relation;
use nq_qsql::types::Datum;

use super::cell::{acl_texts, texts};
use super::record::Record;
use super::{RowList, SettingFact, SystemCx};
use crate::catalog::BOOTSTRAP_SUPERUSER;
use crate::settings::{Kind, general};

/// `pg_database`
pub(super) fn pg_database(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let row = |d: &&std::sync::Arc<crate::catalog::object::DatabaseObject>| {
        Record::new(of)
            .set("oid", d.oid)
            .set("datname", d.name.clone())
            .set("datdba", d.owner)
            .set("encoding", 6i32)
            .set("datlocprovider", b'b')
            .set("datistemplate", d.is_template)
            .set("datallowconn", d.allow_connections)
            .set("dathasloginevt", false)
            .set("datconnlimit", d.connection_limit)
            .set("datfrozenxid", 0u32)
            .set("datminmxid", 0u32)
            .set("dattablespace", 1663u32)
            .set("datcollate", "C")
            .set("datctype", "C")
            .set("datlocale", "C.UTF-8")
            .set("datcollversion", "1")
            .set("datacl", acl_texts(cx, d.acl.as_deref()))
            .done()
    };
    cx.view.cluster.databases().iter().map(row).collect()
}

/// `pg_authid`
pub(super) fn pg_authid(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let row = |r: &&std::sync::Arc<crate::catalog::object::Role>| {
        Record::new(of)
            .set("oid", r.oid)
            .set("rolname", r.name.clone())
            .set("rolsuper", r.superuser)
            .set("rolinherit", r.inherit)
            .set("rolcreaterole", r.create_role)
            .set("rolcreatedb", r.create_db)
            .set("rolcanlogin", r.login)
            .set("rolreplication", r.replication)
            .set("rolbypassrls", r.bypass_rls)
            .set("rolconnlimit", r.connection_limit)
            .set("rolpassword", r.verifier.clone())
            .set("rolvaliduntil", r.valid_until.map(Datum::TimestampTz))
            .done()
    };
    cx.view.cluster.roles().iter().map(row).collect()
}

/// `pg_auth_members`; a membership's OID is made up, as nothing refers to it.
pub(super) fn pg_auth_members(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let mut out = RowList::new();
    for role in cx.view.cluster.roles() {
        for membership in &role.member_of {
            let row = Record::new(of)
                .set("oid", crate::catalog::FIRST_NORMAL_OID + out.len() as u32)
                .set("roleid", membership.role)
                .set("member", role.oid)
                .set("grantor", membership.grantor)
                .set("admin_option", membership.admin)
                .set("inherit_option", membership.inherit)
                .set("set_option", membership.set);
            out.push(row.done());
        }
    }
    out
}

/// `pg_db_role_setting`
pub(super) fn pg_db_role_setting(cx: &SystemCx<'_>, of: &Relation) -> RowList {
    let row = |(database, role, items): (u32, u32, &crate::catalog::state::SettingList)| {
        Record::new(of)
            .set("setdatabase", database)
            .set("setrole", role)
            .set("setconfig", texts(items.iter().map(|(name, value)| format!("{name}={value}"))))
            .done()
    };
    cx.view.cluster.all_settings().into_iter().map(row).collect()
}

/// `pg_tablespace`
pub(super) fn pg_tablespace(of: &Relation) -> RowList {
    let row = |(oid, name): (u32, &str)| {
        Record::new(of).set("oid", oid).set("spcname", name).set("spcowner", BOOTSTRAP_SUPERUSER).done()
    };
    [(1663, "pg_default"), (1664, "pg_global")].into_iter().map(row).collect()
}

/// `pg_settings`
pub(super) fn pg_settings(settings: &[SettingFact], of: &Relation) -> RowList {
    let row = |fact: &SettingFact| {
        let d = fact.definition;
        let (kind, words, min, max) = match &d.kind {
            Kind::Bool => ("bool", None, None, None),
            Kind::Int { min, max } => ("integer", None, Some(min.to_string()), Some(max.to_string())),
            Kind::Real { min, max } => ("real", None, Some(general(*min)), Some(general(*max))),
            Kind::Text => ("string", None, None, None),
            Kind::Enum(words) => ("enum", Some(texts(words.iter().copied())), None, None),
        };
        Record::new(of)
            .set("name", d.name)
            .set("setting", fact.setting.clone())
            .set("unit", Some(d.unit).filter(|u| !u.is_empty()))
            .set("category", d.category)
            .set("short_desc", d.description)
            .set("context", format!("{:?}", d.context).to_lowercase())
            .set("vartype", kind)
            .set("source", fact.source)
            .set("min_val", min)
            .set("max_val", max)
            .set("enumvals", words)
            .set("boot_val", d.default.plain())
            .set("reset_val", fact.reset.clone())
            .set("sourcefile", fact.file.as_ref().map(|(file, _)| file.clone()))
            .set("sourceline", fact.file.as_ref().map(|(_, line)| *line))
            .set("pending_restart", fact.pending_restart)
            .done()
    };
    settings.iter().map(row).collect()
}
