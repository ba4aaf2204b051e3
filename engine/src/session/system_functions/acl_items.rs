//! Access control lists as values: `aclitem` in its text form.

use nq_qsql::error::Result;
use nq_qsql::types::oid::ACLITEM;
use nq_qsql::types::{Datum, Oid};
use nq_qsql::{bail, catalog::Catalog, sql_err};

use super::visibility::array;
use super::{Answer, Call, Rows};
use crate::catalog::acl::{self, AclItem, AclKind};

pub(super) fn call(c: &mut Call<'_>) -> Answer {
    Ok(Some(match c.name {
        "acldefault" => {
            let owner = c.oid(1);
            match c.args.first() {
                Some(Datum::Char(b'c')) => array(ACLITEM, Vec::new()),
                Some(Datum::Char(kind)) => {
                    let kind = object_kind(*kind)?;
                    let name = |role: Oid| c.view.cluster.role_name(role);
                    let items = acl::default_acl(kind, owner);
                    array(ACLITEM, items.iter().map(|i| Datum::text(acl::print(i, &name))).collect())
                }
                _ => Datum::Null,
            }
        }
        "makeaclitem" => {
            let mut privileges = 0;
            for word in c.text(2).split(',') {
                match acl::privilege(word.trim()) {
                    Some(privilege) => privileges |= privilege,
                    None => {
                        bail!(INVALID_PARAMETER_VALUE, "unrecognized privilege type: \"{}\"", word.trim())
                    }
                }
            }
            let grantable = if c.flag(3) { privileges } else { 0 };
            let item = AclItem { grantee: c.oid(0), grantor: c.oid(1), privileges, grantable };
            Datum::text(acl::print(&item, &|role| c.view.cluster.role_name(role)))
        }
        "aclcontains" => {
            let wanted = read(c, c.text(1))?;
            let held = items(c)?.into_iter().any(|i| {
                i.grantee == wanted.grantee
                    && i.grantor == wanted.grantor
                    && i.privileges & wanted.privileges == wanted.privileges
            });
            Datum::Bool(held)
        }
        "aclitemeq" => Datum::Bool(read(c, c.text(0))? == read(c, c.text(1))?),
        "hash_aclitem" => Datum::Int4(sum(&read(c, c.text(0))?) as i32),
        "hash_aclitem_extended" => {
            let sum = sum(&read(c, c.text(0))?);
            Datum::Int8(match c.int(1) {
                0 => i64::from(sum),
                seed => nq_qsql::func::hash_number_seeded(sum, seed),
            })
        }
        "aclinsert" | "aclremove" => {
            bail!(FEATURE_NOT_SUPPORTED, "{} is no longer supported", c.name)
        }
        _ => return Ok(None),
    }))
}

/// PostgreSQL's hash of an item.
fn sum(item: &AclItem) -> u32 {
    item.privileges.wrapping_add(item.grantee).wrapping_add(item.grantor)
}

fn object_kind(kind: u8) -> Result<AclKind> {
    Ok(match kind {
        b'r' => AclKind::Table,
        b's' => AclKind::Sequence,
        b'd' => AclKind::Database,
        b'f' => AclKind::Function,
        b'l' | b'T' => AclKind::Type,
        b'n' => AclKind::Schema,
        other => bail!(INVALID_PARAMETER_VALUE, "unrecognized object type abbreviation: {}", other as char),
    })
}

/// Reads `grantee=privileges/grantor`.
fn read(c: &Call<'_>, text: &str) -> Result<AclItem> {
    let role = |name: &str| -> Result<Oid> {
        let name = match name.strip_prefix('"').and_then(|n| n.strip_suffix('"')) {
            Some(quoted) => quoted.replace("\"\"", "\""),
            None => name.to_owned(),
        };
        match (name.is_empty(), c.view.role(&name), name.parse()) {
            (true, ..) => Ok(acl::PUBLIC),
            (false, Some(role), _) => Ok(role),
            (false, None, Ok(number)) => Ok(number),
            (false, None, Err(_)) => Err(sql_err!(UNDEFINED_OBJECT, "role \"{name}\" does not exist")),
        }
    };
    let malformed = || sql_err!(INVALID_TEXT_REPRESENTATION, "missing \"=\" sign");
    let (grantee, rest) = text.split_once('=').ok_or_else(malformed)?;
    let (letters, grantor) = rest.split_once('/').unwrap_or((rest, ""));
    let mut item = AclItem { grantee: role(grantee)?, grantor: role(grantor)?, privileges: 0, grantable: 0 };
    let mut last = 0;
    for letter in letters.bytes() {
        match (letter, acl::letter(letter)) {
            (b'*', _) => item.grantable |= last,
            (_, Some(privilege)) => {
                last = privilege;
                item.privileges |= privilege;
            }
            (_, None) => bail!(
                INVALID_TEXT_REPRESENTATION,
                "invalid mode character: must be one of \"arwdDxtXUCTcsAm\""
            ),
        }
    }
    Ok(item)
}

fn items(c: &Call<'_>) -> Result<Vec<AclItem>> {
    let Some(Datum::Array(list)) = c.args.first() else { return Ok(Vec::new()) };
    let item = |d: &Datum| match d {
        Datum::Text(text) => read(c, text),
        _ => bail!(NULL_VALUE_NOT_ALLOWED, "ACL arrays must not contain null values"),
    };
    list.items.iter().map(item).collect()
}

/// `aclexplode`: one row for each privilege of each item.
pub(super) fn explode(c: &Call<'_>) -> Result<Rows> {
    let mut out = Rows::new();
    for item in items(c)? {
        for word in acl::words(item.privileges) {
            let grantable = acl::privilege(word).is_some_and(|p| item.grantable & p != 0);
            out.push(vec![
                Datum::Oid(item.grantor),
                Datum::Oid(item.grantee),
                Datum::text(word),
                Datum::Bool(grantable),
            ]);
        }
    }
    Ok(out)
}
