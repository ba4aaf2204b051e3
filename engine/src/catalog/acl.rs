//! Privileges: access control lists, their text form, and what they allow.
//!
//! Source: PostgreSQL manual, section 5.8 "Privileges" (table 5.1 gives the letters).

use nq_qsql::types::Oid;

use super::BOOTSTRAP_SUPERUSER;

/// One privilege, as a bit.
pub(crate) type Privileges = u32;

pub(crate) const INSERT: Privileges = 1 << 0;
pub(crate) const SELECT: Privileges = 1 << 1;
pub(crate) const UPDATE: Privileges = 1 << 2;
pub(crate) const DELETE: Privileges = 1 << 3;
pub(crate) const TRUNCATE: Privileges = 1 << 4;
pub(crate) const REFERENCES: Privileges = 1 << 5;
pub(crate) const TRIGGER: Privileges = 1 << 6;
pub(crate) const EXECUTE: Privileges = 1 << 7;
pub(crate) const USAGE: Privileges = 1 << 8;
pub(crate) const CREATE: Privileges = 1 << 9;
pub(crate) const TEMPORARY: Privileges = 1 << 10;
pub(crate) const CONNECT: Privileges = 1 << 11;
pub(crate) const MAINTAIN: Privileges = 1 << 14;

const LETTERS: &[u8; 15] = b"arwdDxtXUCTcsAm";

const WORDS: [&str; 15] = [
    "INSERT",
    "SELECT",
    "UPDATE",
    "DELETE",
    "TRUNCATE",
    "REFERENCES",
    "TRIGGER",
    "EXECUTE",
    "USAGE",
    "CREATE",
    "TEMPORARY",
    "CONNECT",
    "SET",
    "ALTER SYSTEM",
    "MAINTAIN",
];

/// Grantee `PUBLIC`.
pub(crate) const PUBLIC: Oid = 0;

/// The kinds of object that carry a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AclKind {
    Table,
    Column,
    Sequence,
    Schema,
    Database,
    Function,
    Type,
}

impl AclKind {
    /// All privileges that the kind has.
    pub(crate) fn all(self) -> Privileges {
        match self {
            AclKind::Table => INSERT | SELECT | UPDATE | DELETE | TRUNCATE | REFERENCES | TRIGGER | MAINTAIN,
            AclKind::Column => INSERT | SELECT | UPDATE | REFERENCES,
            AclKind::Sequence => SELECT | UPDATE | USAGE,
            AclKind::Schema => USAGE | CREATE,
            AclKind::Database => CREATE | TEMPORARY | CONNECT,
            AclKind::Function => EXECUTE,
            AclKind::Type => USAGE,
        }
    }

    /// What PUBLIC has when no list is stored.
    pub(crate) fn public_default(self) -> Privileges {
        match self {
            AclKind::Database => TEMPORARY | CONNECT,
            AclKind::Function => EXECUTE,
            AclKind::Type => USAGE,
            _ => 0,
        }
    }
}

/// The bit of a privilege's name in any case; `TEMP` is `TEMPORARY`.
pub(crate) fn privilege(name: &str) -> Option<Privileges> {
    let upper = name.to_ascii_uppercase();
    let upper = if upper == "TEMP" { "TEMPORARY" } else { &upper };
    WORDS.iter().position(|w| *w == upper).map(|i| 1 << i)
}

/// The bit of a privilege's letter in the text form.
pub(crate) fn letter(letter: u8) -> Option<Privileges> {
    LETTERS.iter().position(|l| *l == letter).map(|i| 1 << i)
}

/// The names of the privileges in a set, in PostgreSQL's order.
pub(crate) fn words(set: Privileges) -> impl Iterator<Item = &'static str> {
    WORDS.iter().enumerate().filter(move |(i, _)| set & (1 << i) != 0).map(|(_, w)| *w)
}

/// What one role has granted another (`aclitem`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AclItem {
    pub(crate) grantee: Oid,
    pub(crate) grantor: Oid,
    pub(crate) privileges: Privileges,
    /// With grant option.
    pub(crate) grantable: Privileges,
}

/// An access control list.
pub(crate) type Acl = Vec<AclItem>;

/// The list that stands for "none stored": the owner has everything, PUBLIC its default.
pub(crate) fn default_acl(kind: AclKind, owner: Oid) -> Acl {
    let mut acl = Vec::with_capacity(2);
    if kind.public_default() != 0 {
        acl.push(AclItem {
            grantee: PUBLIC,
            grantor: owner,
            privileges: kind.public_default(),
            grantable: 0,
        });
    }
    if kind != AclKind::Column {
        acl.push(AclItem { grantee: owner, grantor: owner, privileges: kind.all(), grantable: 0 });
    }
    acl
}

/// Functions that PostgreSQL's `initdb` takes from PUBLIC, as far as they can be called.
const RESTRICTED_FUNCTIONS: [&str; 24] = [
    "lo_export",
    "lo_import",
    "pg_backup_start",
    "pg_backup_stop",
    "pg_create_restore_point",
    "pg_current_logfile",
    "pg_log_backend_memory_contexts",
    "pg_log_standby_snapshot",
    "pg_ls_dir",
    "pg_promote",
    "pg_read_binary_file",
    "pg_read_file",
    "pg_reload_conf",
    "pg_rotate_logfile",
    "pg_stat_file",
    "pg_stat_have_stats",
    "pg_stat_reset",
    "pg_stat_reset_backend_stats",
    "pg_stat_reset_shared",
    "pg_stat_reset_single_function_counters",
    "pg_stat_reset_single_table_counters",
    "pg_stat_reset_slru",
    "pg_switch_wal",
    "pg_wal_replay_pause",
];

/// The list of a built-in function; `None` where everybody may call it.
pub(crate) fn function_acl(name: &str) -> Option<[AclItem; 1]> {
    RESTRICTED_FUNCTIONS.contains(&name).then_some([AclItem {
        grantee: BOOTSTRAP_SUPERUSER,
        grantor: BOOTSTRAP_SUPERUSER,
        privileges: EXECUTE,
        grantable: 0,
    }])
}

/// Adds privileges to a list.
pub(crate) fn grant(acl: &mut Acl, grantee: Oid, grantor: Oid, privileges: Privileges, option: bool) {
    let grantable = if option { privileges } else { 0 };
    match acl.iter_mut().find(|i| i.grantee == grantee && i.grantor == grantor) {
        Some(item) => {
            item.privileges |= privileges;
            item.grantable |= grantable;
        }
        None => acl.push(AclItem { grantee, grantor, privileges, grantable }),
    }
}

/// Takes privileges, or only their grant option, out of a list.
pub(crate) fn revoke(acl: &mut Acl, grantee: Oid, grantor: Oid, privileges: Privileges, option_only: bool) {
    for item in acl.iter_mut().filter(|i| i.grantee == grantee && i.grantor == grantor) {
        item.grantable &= !privileges;
        if !option_only {
            item.privileges &= !privileges;
        }
    }
    acl.retain(|i| i.privileges != 0);
}

/// Passes what the old owner holds and has granted on to the new one.
pub(crate) fn change_owner(acl: &mut Acl, old: Oid, new: Oid) {
    if old == new {
        return;
    }
    let heir = |role: Oid| if role == old { new } else { role };
    for item in std::mem::take(acl) {
        let (grantee, grantor) = (heir(item.grantee), heir(item.grantor));
        grant(acl, grantee, grantor, item.privileges, false);
        grant(acl, grantee, grantor, item.grantable, true);
    }
}

/// What `member_of` (the role and all it belongs to) may do by the list.
pub(crate) fn allowed(acl: &[AclItem], member_of: &dyn Fn(Oid) -> bool) -> Privileges {
    acl.iter().filter(|i| i.grantee == PUBLIC || member_of(i.grantee)).fold(0, |set, i| set | i.privileges)
}

/// Which privileges `member_of` may grant on.
pub(crate) fn grantable(acl: &[AclItem], member_of: &dyn Fn(Oid) -> bool) -> Privileges {
    acl.iter().filter(|i| i.grantee != PUBLIC && member_of(i.grantee)).fold(0, |set, i| set | i.grantable)
}

/// Prints an item as `grantee=privileges/grantor`.
pub(crate) fn print(item: &AclItem, role_name: &dyn Fn(Oid) -> String) -> String {
    let quote = |name: String| match name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        true => name,
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    };
    let mut text = if item.grantee == PUBLIC { String::new() } else { quote(role_name(item.grantee)) };
    text.push('=');
    for (i, letter) in LETTERS.iter().enumerate() {
        if item.privileges & (1 << i) != 0 {
            text.push(*letter as char);
            if item.grantable & (1 << i) != 0 {
                text.push('*');
            }
        }
    }
    text.push('/');
    text.push_str(&quote(role_name(item.grantor)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_add_up_and_print_as_postgresql() {
        let names = |oid: Oid| match oid {
            10 => "postgres".to_owned(),
            20 => "joe doe".to_owned(),
            _ => oid.to_string(),
        };
        let mut acl = default_acl(AclKind::Table, 10);
        grant(&mut acl, 20, 10, SELECT, false);
        grant(&mut acl, 20, 10, UPDATE, true);
        grant(&mut acl, PUBLIC, 10, SELECT, false);
        let printed: Vec<String> = acl.iter().map(|i| print(i, &names)).collect();
        assert_eq!(printed, ["postgres=arwdDxtm/postgres", "\"joe doe\"=rw*/postgres", "=r/postgres"]);
        assert_eq!(allowed(&acl, &|r| r == 20), SELECT | UPDATE);
        revoke(&mut acl, 20, 10, UPDATE, true);
        assert_eq!(grantable(&acl, &|r| r == 20), 0);
        revoke(&mut acl, 20, 10, SELECT | UPDATE, false);
        assert_eq!(allowed(&acl, &|r| r == 20), SELECT);
        grant(&mut acl, 20, 10, INSERT, true);
        change_owner(&mut acl, 10, 20);
        let printed: Vec<String> = acl.iter().map(|i| print(i, &names)).collect();
        assert_eq!(printed, ["\"joe doe\"=a*rwdDxtm/\"joe doe\"", "=r/\"joe doe\""]);
    }
}
