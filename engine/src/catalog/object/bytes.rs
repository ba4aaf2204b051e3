//! The bytes of objects: a version, then the fields in the order of their declaration.

pub(crate) mod operation;
mod routine;
mod security;
mod types;

use std::sync::Arc;

use nq_qsql::catalog::{
    Column, ColumnSettings, ColumnStats, Constraint, ConstraintKind, ForeignKey, Generated, Index,
    IndexColumn, IndexKey, Persistence, Reference, ReferentialAction, Relation, RelationKind, RelationStats,
    ReplicaIdentity, RowSecurity, Timing,
};
use nq_qsql::error::Result;
use nq_qsql::func::access::AccessMethod;
use nq_qsql::types::{DataType, Datum, Oid, io_binary};

use super::super::acl::{Acl, AclItem};
use super::super::codec::{Reader, Writer, damaged};
use super::{
    Class, DatabaseObject, Dependency, Membership, Namespace, Object, OnCommit, OwnedBy, RelationObject,
    Role, RowType, SequenceOptions,
};
use crate::table::value;

/// Version of the objects' bytes.
const VERSION: u8 = 1;
/// Stands before the kind of a constraint that is deferrable or not enforced, with these attributes between.
const ATTRIBUTES: u8 = b'+';
/// Stands before the kind of a constraint that is NO INHERIT.
const NO_INHERIT: u8 = b'-';
/// The kind of a materialized view that nothing has filled.
const UNPOPULATED: u8 = b'M';

impl Object {
    /// The object's bytes.
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        let mut w = Writer::default();
        w.byte(VERSION);
        match self {
            Object::Namespace(n) => {
                w.u32(n.oid);
                w.str(&n.name);
                w.u32(n.owner);
                w.option(n.acl.as_ref(), write_acl);
            }
            Object::Relation(r) => write_relation(&mut w, r)?,
            Object::Routine(r) => routine::write(&mut w, r),
            Object::Type(t) => types::write(&mut w, t)?,
            Object::Operator(o) => operation::write_operator(&mut w, o),
            Object::Cast(c) => operation::write_cast(&mut w, c),
            Object::Stats(s) => write_stats(&mut w, s)?,
            Object::Comment(text) => w.str(text),
            Object::DefaultAcl(acl) => write_acl(&mut w, acl),
            Object::Role(r) => write_role(&mut w, r),
            Object::Database(d) => {
                w.u32(d.oid);
                w.str(&d.name);
                w.u32(d.owner);
                w.u32(d.tree);
                w.flag(d.is_template);
                w.flag(d.allow_connections);
                w.u32(d.connection_limit as u32);
                w.option(d.acl.as_ref(), write_acl);
            }
            Object::Setting(items) => w.list(items, |w, (name, value)| {
                w.str(name);
                w.str(value);
            }),
        }
        Ok(w.bytes)
    }

    /// Reads an object of a class.
    ///
    /// # Errors
    /// XX001 when the bytes are not such an object.
    pub(crate) fn decode(class: Class, bytes: &[u8]) -> Result<Object> {
        let mut r = Reader::new(bytes);
        if r.byte()? != VERSION {
            return Err(damaged("has an unknown version"));
        }
        Ok(match class {
            Class::Namespace => Object::Namespace(Arc::new(Namespace {
                oid: r.u32()?,
                name: r.shared()?,
                owner: r.u32()?,
                acl: r.option(read_acl)?,
            })),
            Class::Relation => Object::Relation(Arc::new(read_relation(&mut r)?)),
            Class::Routine => Object::Routine(Arc::new(routine::read(&mut r)?)),
            Class::Type => Object::Type(Arc::new(types::read(&mut r)?)),
            Class::Operator => Object::Operator(Arc::new(operation::read_operator(&mut r)?)),
            Class::Cast => Object::Cast(Arc::new(operation::read_cast(&mut r)?)),
            Class::Stats => Object::Stats(Arc::new(read_stats(&mut r)?)),
            Class::Comment | Class::SharedComment => Object::Comment(r.shared()?),
            Class::DefaultAcl => Object::DefaultAcl(Arc::new(read_acl(&mut r)?)),
            Class::Role => Object::Role(Arc::new(read_role(&mut r)?)),
            Class::Database => Object::Database(Arc::new(DatabaseObject {
                oid: r.u32()?,
                name: r.shared()?,
                owner: r.u32()?,
                tree: r.u32()?,
                is_template: r.flag()?,
                allow_connections: r.flag()?,
                connection_limit: r.u32()? as i32,
                acl: r.option(read_acl)?,
            })),
            Class::Setting => Object::Setting(r.list(|r| Ok((r.boxed()?, r.boxed()?)))?.into()),
        })
    }
}

fn write_acl(w: &mut Writer, acl: &Acl) {
    w.list(acl, |w, i| {
        w.u32(i.grantee);
        w.u32(i.grantor);
        w.u32(i.privileges);
        w.u32(i.grantable);
    });
}

fn read_acl(r: &mut Reader<'_>) -> Result<Acl> {
    r.list(|r| {
        Ok(AclItem { grantee: r.u32()?, grantor: r.u32()?, privileges: r.u32()?, grantable: r.u32()? })
    })
}

fn write_type(w: &mut Writer, ty: DataType) {
    w.u32(ty.oid);
    w.u32(ty.typmod as u32);
}

fn read_type(r: &mut Reader<'_>) -> Result<DataType> {
    Ok(DataType { oid: r.u32()?, typmod: r.u32()? as i32 })
}

fn write_datum(w: &mut Writer, value: &Datum, oid: Oid) -> Result<()> {
    w.flag(!value.is_null());
    if !value.is_null() {
        let mut bytes = Vec::new();
        match is_users(oid) {
            true => value::put(value, &mut bytes),
            false => io_binary::send_binary(value, oid, &mut bytes)?,
        }
        w.blob(&bytes);
    }
    Ok(())
}

fn read_datum(r: &mut Reader<'_>, oid: Oid) -> Result<Datum> {
    match r.flag()? {
        true if is_users(oid) => value::get(&mut r.blob()?),
        true => io_binary::recv_binary(oid, -1, r.blob()?),
        false => Ok(Datum::Null),
    }
}

/// Whether a type is one of a user's: what it is nobody can tell while the catalog is read.
fn is_users(oid: Oid) -> bool {
    oid >= super::super::FIRST_NORMAL_OID
}

fn write_relation(w: &mut Writer, object: &RelationObject) -> Result<()> {
    let relation = &object.relation;
    w.u32(relation.oid);
    w.u32(relation.namespace);
    w.str(&relation.schema);
    w.str(&relation.name);
    w.byte(match relation.kind {
        RelationKind::Table => b'r',
        RelationKind::Index => b'i',
        RelationKind::View => b'v',
        RelationKind::Sequence => b'S',
        RelationKind::MaterializedView if relation.populated => b'm',
        RelationKind::MaterializedView => UNPOPULATED,
        RelationKind::Composite => b'c',
        RelationKind::Virtual => return Err(damaged("is of a kind that is not stored")),
    });
    w.byte(match relation.persistence {
        Persistence::Permanent => b'p',
        Persistence::Unlogged => b'u',
        Persistence::Temporary => b't',
    });
    w.u32(relation.owner);
    w.u32(relation.tree);
    w.len(relation.columns.len());
    for column in &relation.columns {
        write_column(w, column)?;
    }
    w.list(&relation.indexes, |w, index| write_index(w, index));
    w.list(&relation.constraints, write_constraint);
    w.option(relation.view.as_deref(), Writer::str);
    w.list(&relation.options, |w, option| w.str(option));
    w.option(object.acl.as_ref(), write_acl);
    w.list(&object.column_acl, |w, (column, acl)| {
        w.len(*column);
        write_acl(w, acl);
    });
    w.option(object.sequence, |w, s| {
        w.u32(s.ty);
        for v in [s.start, s.increment, s.min, s.max, s.cache] {
            w.i64(v);
        }
        w.flag(s.cycle);
    });
    w.option(object.owned_by, |w, o| {
        w.u32(o.table);
        w.len(o.column);
        w.flag(o.internal);
    });
    w.list(&object.depends, |w, d| {
        w.u32(d.relation);
        w.option(d.column, Writer::len);
        w.option(d.from, Writer::len);
    });
    w.byte(match object.on_commit {
        OnCommit::Preserve => 0,
        OnCommit::DeleteRows => 1,
        OnCommit::Drop => 2,
    });
    w.option(object.row_type.as_ref(), |w, row| {
        w.u32(row.oid);
        w.u32(row.array);
        w.str(&row.array_name);
        w.option(row.acl.as_ref(), write_acl);
    });
    w.list(&relation.referenced_by, |w, reference| {
        w.u32(reference.constraint);
        w.u32(reference.table);
        w.list(&reference.columns, |w, c| w.len(*c));
    });
    security::write(w, &relation.security);
    match relation.replica_identity {
        ReplicaIdentity::Default => w.byte(b'd'),
        ReplicaIdentity::Nothing => w.byte(b'n'),
        ReplicaIdentity::Full => w.byte(b'f'),
        ReplicaIdentity::Index(oid) => {
            w.byte(b'i');
            w.u32(oid);
        }
    }
    Ok(())
}

fn read_relation(r: &mut Reader<'_>) -> Result<RelationObject> {
    let (oid, namespace, schema, name) = (r.u32()?, r.u32()?, r.boxed()?, r.boxed()?);
    let byte = r.byte()?;
    let kind = match byte {
        b'r' => RelationKind::Table,
        b'i' => RelationKind::Index,
        b'v' => RelationKind::View,
        b'S' => RelationKind::Sequence,
        b'm' | UNPOPULATED => RelationKind::MaterializedView,
        b'c' => RelationKind::Composite,
        _ => return Err(damaged("is a relation of an unknown kind")),
    };
    let persistence = match r.byte()? {
        b'p' => Persistence::Permanent,
        b'u' => Persistence::Unlogged,
        b't' => Persistence::Temporary,
        _ => return Err(damaged("is a relation of an unknown persistence")),
    };
    let relation = Relation {
        oid,
        namespace,
        schema,
        name,
        kind,
        persistence,
        owner: r.u32()?,
        tree: r.u32()?,
        columns: r.list(read_column)?,
        indexes: r.list(|r| read_index(r).map(Arc::new))?,
        constraints: r.list(read_constraint)?,
        referenced_by: Vec::new(),
        view: r.option(Reader::shared)?,
        populated: byte != UNPOPULATED,
        options: r.list(Reader::boxed)?,
        security: RowSecurity::default(),
        replica_identity: ReplicaIdentity::Default,
    };
    let mut object = RelationObject {
        relation: Arc::new(relation),
        acl: r.option(read_acl)?,
        column_acl: r.list(|r| Ok((r.len()?, read_acl(r)?)))?,
        sequence: r.option(|r| {
            Ok(SequenceOptions {
                ty: r.u32()?,
                start: r.i64()?,
                increment: r.i64()?,
                min: r.i64()?,
                max: r.i64()?,
                cache: r.i64()?,
                cycle: r.flag()?,
            })
        })?,
        owned_by: r.option(|r| Ok(OwnedBy { table: r.u32()?, column: r.len()?, internal: r.flag()? }))?,
        depends: r.list(|r| {
            Ok(Dependency {
                relation: r.u32()?,
                column: r.option(Reader::len)?,
                from: r.option(Reader::len)?,
            })
        })?,
        on_commit: match r.byte()? {
            0 => OnCommit::Preserve,
            1 => OnCommit::DeleteRows,
            2 => OnCommit::Drop,
            _ => return Err(damaged("has an unknown ON COMMIT action")),
        },
        row_type: r.option(|r| {
            Ok(RowType { oid: r.u32()?, array: r.u32()?, array_name: r.boxed()?, acl: r.option(read_acl)? })
        })?,
    };
    if let Some(relation) = Arc::get_mut(&mut object.relation) {
        relation.referenced_by = r.list(|r| {
            Ok(Reference { constraint: r.u32()?, table: r.u32()?, columns: r.list(Reader::len)? })
        })?;
        relation.security = security::read(r)?;
        relation.replica_identity = match r.byte()? {
            b'd' => ReplicaIdentity::Default,
            b'n' => ReplicaIdentity::Nothing,
            b'f' => ReplicaIdentity::Full,
            b'i' => ReplicaIdentity::Index(r.u32()?),
            _ => return Err(damaged("has an unknown replica identity")),
        };
        // A deferrable index is one whose constraint is.
        let constraints = &relation.constraints;
        let deferrable = |oid: Oid| constraints.iter().any(|c| c.oid == oid && c.timing.is_deferrable());
        for index in relation.indexes.iter_mut().filter_map(Arc::get_mut) {
            index.deferrable = index.constraint != 0 && deferrable(index.constraint);
        }
    }
    Ok(object)
}

fn write_column(w: &mut Writer, column: &Column) -> Result<()> {
    w.str(&column.name);
    write_type(w, column.ty);
    w.flag(column.not_null);
    w.option(column.default.as_deref(), Writer::str);
    w.byte(match column.generated {
        Generated::No => 0,
        Generated::IdentityAlways => 1,
        Generated::IdentityByDefault => 2,
        Generated::Stored => 3,
        Generated::Virtual => 4,
    });
    w.u32(column.collation);
    w.flag(column.dropped);
    let settings = &column.settings;
    w.flag(*settings != ColumnSettings::default());
    if *settings != ColumnSettings::default() {
        w.u32(settings.dimensions as u32);
        w.option(settings.statistics, |w, target| w.u32(target as u32));
        w.option(settings.storage, Writer::byte);
        w.option(settings.compression, Writer::byte);
        w.list(&settings.options, |w, option| w.str(option));
    }
    w.flag(column.missing.is_some());
    match &column.missing {
        Some(value) => write_datum(w, value, column.ty.oid),
        None => Ok(()),
    }
}

fn read_column(r: &mut Reader<'_>) -> Result<Column> {
    let (name, ty, not_null, default) = (r.boxed()?, read_type(r)?, r.flag()?, r.option(Reader::shared)?);
    Ok(Column {
        name,
        ty,
        not_null,
        default,
        generated: match r.byte()? {
            0 => Generated::No,
            1 => Generated::IdentityAlways,
            2 => Generated::IdentityByDefault,
            3 => Generated::Stored,
            4 => Generated::Virtual,
            _ => return Err(damaged("has a column generated in an unknown way")),
        },
        collation: r.u32()?,
        dropped: r.flag()?,
        settings: match r.flag()? {
            false => ColumnSettings::default(),
            true => ColumnSettings {
                dimensions: r.u32()? as i16,
                statistics: r.option(|r| Ok(r.u32()? as i16))?,
                storage: r.option(Reader::byte)?,
                compression: r.option(Reader::byte)?,
                options: r.list(Reader::boxed)?,
            },
        },
        missing: r.option(|r| read_datum(r, ty.oid))?,
    })
}

fn write_index(w: &mut Writer, index: &Index) {
    w.u32(index.oid);
    w.str(&index.name);
    w.u32(index.tree);
    w.flag(index.unique);
    w.flag(index.primary);
    w.flag(index.nulls_not_distinct);
    w.list(&index.columns, |w, c| {
        match &c.key {
            IndexKey::Column(i) => {
                w.flag(false);
                w.len(*i);
            }
            IndexKey::Expression(text) => {
                w.flag(true);
                w.str(text);
            }
        }
        write_type(w, c.ty);
        w.flag(c.descending);
        w.flag(c.nulls_first);
        w.u32(c.collation);
        w.str(&c.name);
        w.u32(c.opclass);
    });
    w.list(&index.include, |w, c| w.len(*c));
    w.option(index.predicate.as_deref(), Writer::str);
    w.u32(index.constraint);
    w.flag(index.valid);
    w.list(&index.options, |w, o| w.str(o));
    w.u32(index.method.oid());
    w.list(&index.exclusion, |w, o| w.u32(*o));
    w.flag(index.clustered);
}

fn read_index(r: &mut Reader<'_>) -> Result<Index> {
    Ok(Index {
        oid: r.u32()?,
        name: r.boxed()?,
        tree: r.u32()?,
        unique: r.flag()?,
        primary: r.flag()?,
        nulls_not_distinct: r.flag()?,
        columns: r.list(|r| {
            Ok(IndexColumn {
                key: match r.flag()? {
                    false => IndexKey::Column(r.len()?),
                    true => IndexKey::Expression(r.shared()?),
                },
                ty: read_type(r)?,
                descending: r.flag()?,
                nulls_first: r.flag()?,
                collation: r.u32()?,
                name: r.boxed()?,
                opclass: r.u32()?,
            })
        })?,
        include: r.list(Reader::len)?,
        predicate: r.option(Reader::shared)?,
        constraint: r.u32()?,
        valid: r.flag()?,
        deferrable: false,
        options: r.list(Reader::boxed)?,
        method: AccessMethod::by_oid(r.u32()?).ok_or_else(|| damaged("has an unknown access method"))?,
        exclusion: r.list(Reader::u32)?,
        clustered: r.flag()?,
    })
}

fn write_constraint(w: &mut Writer, constraint: &Constraint) {
    w.u32(constraint.oid);
    w.str(&constraint.name);
    w.flag(constraint.validated);
    if constraint.timing != Timing::Fixed || !constraint.enforced {
        w.byte(ATTRIBUTES);
        w.byte(match constraint.timing {
            Timing::Fixed => 0,
            Timing::Deferrable => 1,
            Timing::Deferred => 2,
        });
        w.flag(constraint.enforced);
    }
    if constraint.no_inherit {
        w.byte(NO_INHERIT);
    }
    match &constraint.kind {
        ConstraintKind::Check(text) => {
            w.byte(b'c');
            w.str(text);
        }
        ConstraintKind::NotNull(column) => {
            w.byte(b'n');
            w.len(*column);
        }
        ConstraintKind::Primary(index) => {
            w.byte(b'p');
            w.u32(*index);
        }
        ConstraintKind::Unique(index) => {
            w.byte(b'u');
            w.u32(*index);
        }
        ConstraintKind::Exclude(index) => {
            w.byte(b'x');
            w.u32(*index);
        }
        ConstraintKind::ForeignKey(key) => {
            w.byte(b'f');
            w.list(&key.columns, |w, c| w.len(*c));
            w.u32(key.table);
            w.list(&key.ref_columns, |w, c| w.len(*c));
            w.u32(key.index);
            w.flag(key.match_full);
            w.byte(action_byte(key.on_update));
            w.byte(action_byte(key.on_delete));
            w.list(&key.delete_columns, |w, c| w.len(*c));
        }
    }
}

/// An action as `pg_constraint` has it.
pub(crate) fn action_byte(action: ReferentialAction) -> u8 {
    match action {
        ReferentialAction::NoAction => b'a',
        ReferentialAction::Restrict => b'r',
        ReferentialAction::Cascade => b'c',
        ReferentialAction::SetNull => b'n',
        ReferentialAction::SetDefault => b'd',
    }
}

fn read_action(r: &mut Reader<'_>) -> Result<ReferentialAction> {
    Ok(match r.byte()? {
        b'a' => ReferentialAction::NoAction,
        b'r' => ReferentialAction::Restrict,
        b'c' => ReferentialAction::Cascade,
        b'n' => ReferentialAction::SetNull,
        b'd' => ReferentialAction::SetDefault,
        _ => return Err(damaged("has a foreign key with an unknown action")),
    })
}

fn read_constraint(r: &mut Reader<'_>) -> Result<Constraint> {
    let (oid, name, validated) = (r.u32()?, r.boxed()?, r.flag()?);
    let (mut timing, mut enforced, mut kind) = (Timing::Fixed, true, r.byte()?);
    if kind == ATTRIBUTES {
        timing = match r.byte()? {
            0 => Timing::Fixed,
            1 => Timing::Deferrable,
            2 => Timing::Deferred,
            _ => return Err(damaged("has a constraint with an unknown timing")),
        };
        (enforced, kind) = (r.flag()?, r.byte()?);
    }
    let no_inherit = kind == NO_INHERIT;
    if no_inherit {
        kind = r.byte()?;
    }
    let kind = match kind {
        b'c' => ConstraintKind::Check(r.shared()?),
        b'n' => ConstraintKind::NotNull(r.len()?),
        b'p' => ConstraintKind::Primary(r.u32()?),
        b'u' => ConstraintKind::Unique(r.u32()?),
        b'x' => ConstraintKind::Exclude(r.u32()?),
        b'f' => ConstraintKind::ForeignKey(Box::new(ForeignKey {
            columns: r.list(Reader::len)?,
            table: r.u32()?,
            ref_columns: r.list(Reader::len)?,
            index: r.u32()?,
            match_full: r.flag()?,
            on_update: read_action(r)?,
            on_delete: read_action(r)?,
            delete_columns: r.list(Reader::len)?,
        })),
        _ => return Err(damaged("has a constraint of an unknown kind")),
    };
    Ok(Constraint { oid, name, kind, validated, timing, enforced, no_inherit })
}

/// Statistics keep the type of a column's values beside them: the column may change.
fn write_stats(w: &mut Writer, stats: &RelationStats) -> Result<()> {
    w.f64(stats.rows);
    w.f64(stats.pages);
    w.len(stats.columns.len());
    for column in &stats.columns {
        w.flag(column.is_some());
        let Some(c) = column else { continue };
        for v in [c.null_fraction, c.width, c.distinct, c.correlation] {
            w.f64(v);
        }
        w.len(c.common.len());
        for (value, frequency) in &c.common {
            write_tagged(w, value)?;
            w.f64(*frequency);
        }
        w.len(c.histogram.len());
        for value in &c.histogram {
            write_tagged(w, value)?;
        }
    }
    Ok(())
}

fn read_stats(r: &mut Reader<'_>) -> Result<RelationStats> {
    Ok(RelationStats {
        rows: r.f64()?,
        pages: r.f64()?,
        columns: r.list(|r| {
            r.option(|r| {
                let (null_fraction, width, distinct, correlation) = (r.f64()?, r.f64()?, r.f64()?, r.f64()?);
                Ok(ColumnStats {
                    null_fraction,
                    width,
                    distinct,
                    correlation,
                    common: r.list(|r| Ok((read_tagged(r)?, r.f64()?)))?,
                    histogram: r.list(read_tagged)?,
                })
            })
        })?,
    })
}

/// A value with a type that its variant implies.
fn write_tagged(w: &mut Writer, value: &Datum) -> Result<()> {
    use nq_qsql::types::oid;
    let ty = match value {
        Datum::Bool(_) => oid::BOOL,
        Datum::Char(_) => oid::CHAR,
        Datum::Int2(_) => oid::INT2,
        Datum::Int4(_) => oid::INT4,
        Datum::Int8(_) => oid::INT8,
        Datum::Oid(_) => oid::OID,
        Datum::Float4(_) => oid::FLOAT4,
        Datum::Float8(_) => oid::FLOAT8,
        Datum::Numeric(_) => oid::NUMERIC,
        Datum::Bytea(_) => oid::BYTEA,
        Datum::Date(_) => oid::DATE,
        Datum::Time(_) => oid::TIME,
        Datum::TimeTz(..) => oid::TIMETZ,
        Datum::Timestamp(_) => oid::TIMESTAMP,
        Datum::TimestampTz(_) => oid::TIMESTAMPTZ,
        Datum::Interval(_) => oid::INTERVAL,
        Datum::Uuid(_) => oid::UUID,
        Datum::Bits(_) => oid::VARBIT,
        Datum::Inet(_) => oid::INET,
        Datum::MacAddr(_) => oid::MACADDR,
        Datum::MacAddr8(_) => oid::MACADDR8,
        Datum::Money(_) => oid::MONEY,
        Datum::Jsonb(_) => oid::JSONB,
        Datum::Enum(ty, _) => *ty,
        Datum::Text(_) => oid::TEXT,
        Datum::Range(_) | Datum::Multirange(_) => value.natural_type(),
        _ => {
            w.u32(0);
            return Ok(());
        }
    };
    w.u32(ty);
    write_datum(w, value, ty)
}

fn read_tagged(r: &mut Reader<'_>) -> Result<Datum> {
    match r.u32()? {
        0 => Ok(Datum::Null),
        ty => read_datum(r, ty),
    }
}

fn write_role(w: &mut Writer, role: &Role) {
    w.u32(role.oid);
    w.str(&role.name);
    let flags = [
        role.superuser,
        role.inherit,
        role.create_role,
        role.create_db,
        role.login,
        role.replication,
        role.bypass_rls,
    ];
    w.byte(flags.iter().enumerate().fold(0, |set, (i, flag)| set | (u8::from(*flag) << i)));
    w.u32(role.connection_limit as u32);
    w.option(role.verifier.as_deref(), Writer::str);
    w.option(role.valid_until, Writer::i64);
    w.list(&role.member_of, |w, m| {
        w.u32(m.role);
        w.u32(m.grantor);
        w.byte(u8::from(m.admin) | u8::from(m.inherit) << 1 | u8::from(m.set) << 2);
    });
}

fn read_role(r: &mut Reader<'_>) -> Result<Role> {
    let (oid, name, flags) = (r.u32()?, r.shared()?, r.byte()?);
    let flag = |i: u32| flags & (1 << i) != 0;
    Ok(Role {
        oid,
        name,
        superuser: flag(0),
        inherit: flag(1),
        create_role: flag(2),
        create_db: flag(3),
        login: flag(4),
        replication: flag(5),
        bypass_rls: flag(6),
        connection_limit: r.u32()? as i32,
        verifier: r.option(Reader::shared)?,
        valid_until: r.option(Reader::i64)?,
        member_of: r.list(|r| {
            let (role, grantor, flags) = (r.u32()?, r.u32()?, r.byte()?);
            Ok(Membership {
                role,
                grantor,
                admin: flags & 1 != 0,
                inherit: flags & 2 != 0,
                set: flags & 4 != 0,
            })
        })?,
    })
}

#[cfg(test)]
mod tests {
    use nq_qsql::catalog::{Policy, PolicyCommand};

    use super::super::ObjectKey;
    use super::*;

    fn table() -> RelationObject {
        let int4 = DataType::of(nq_qsql::types::oid::INT4);
        let column = |name: &str| Column {
            name: name.into(),
            ty: int4,
            not_null: true,
            default: Some("1".into()),
            generated: Generated::IdentityAlways,
            collation: 0,
            dropped: false,
            missing: None,
            settings: ColumnSettings { statistics: Some(-1), ..ColumnSettings::default() },
        };
        let index = Index {
            oid: 20001,
            name: "t_pkey".into(),
            tree: 9,
            unique: true,
            primary: true,
            nulls_not_distinct: false,
            columns: vec![IndexColumn {
                key: IndexKey::Expression("lower(a)".into()),
                ty: int4,
                descending: true,
                nulls_first: true,
                collation: 100,
                name: "lower".into(),
                opclass: 4217,
            }],
            include: vec![1],
            predicate: Some("(a > 1)".into()),
            constraint: 20002,
            valid: true,
            deferrable: false,
            options: vec!["fillfactor=90".into()],
            method: AccessMethod::Btree,
            exclusion: vec![96],
            clustered: true,
        };
        let key = ForeignKey {
            columns: vec![1],
            table: 20000,
            ref_columns: vec![0],
            index: 20001,
            match_full: true,
            on_update: ReferentialAction::Cascade,
            on_delete: ReferentialAction::SetNull,
            delete_columns: vec![1],
        };
        let policy = Policy {
            oid: 20005,
            name: "p".into(),
            command: PolicyCommand::Update,
            permissive: false,
            roles: vec![0, 10],
            using: Some("SELECT (a > 1) FROM public.t".into()),
            check: None,
        };
        RelationObject {
            relation: Arc::new(Relation {
                oid: 20000,
                namespace: 2200,
                schema: "public".into(),
                name: "t".into(),
                kind: RelationKind::Table,
                persistence: Persistence::Permanent,
                owner: 10,
                tree: 8,
                columns: vec![column("a"), column("b")],
                indexes: vec![Arc::new(index)],
                constraints: vec![
                    Constraint::new(20002, "t_pkey".into(), ConstraintKind::Primary(20001)),
                    Constraint {
                        timing: Timing::Deferred,
                        enforced: false,
                        no_inherit: true,
                        ..Constraint::new(20004, "t_a_fkey".into(), ConstraintKind::ForeignKey(Box::new(key)))
                    },
                ],
                referenced_by: vec![Reference { constraint: 20004, table: 20000, columns: vec![0] }],
                view: None,
                populated: true,
                options: vec!["fillfactor=70".into()],
                security: RowSecurity { enabled: true, forced: false, policies: vec![policy] },
                replica_identity: ReplicaIdentity::Index(20001),
            }),
            acl: Some(vec![AclItem { grantee: 0, grantor: 10, privileges: 2, grantable: 0 }]),
            column_acl: vec![(1, vec![])],
            sequence: None,
            owned_by: Some(OwnedBy { table: 1, column: 2, internal: true }),
            depends: vec![Dependency { relation: 3, column: Some(200), from: None }],
            on_commit: OnCommit::Drop,
            row_type: Some(RowType { oid: 20003, array: 20005, array_name: "_t".into(), acl: None }),
        }
    }

    #[test]
    fn relation_survives_the_codec() {
        let object = table();
        let bytes = Object::Relation(Arc::new(object.clone())).encode().unwrap();
        let Object::Relation(read) = Object::decode(Class::Relation, &bytes).unwrap() else { panic!() };
        assert_eq!(format!("{object:?}"), format!("{read:?}"));
        for cut in 0..bytes.len() {
            assert!(Object::decode(Class::Relation, &bytes[..cut]).is_err());
        }
    }

    /// When this fails, the bytes of objects have changed: clusters that exist cannot be read any more, and the version says so.
    #[test]
    fn the_bytes_belong_to_the_catalog_version() {
        use crate::catalog::bootstrap;
        let mut bytes = Object::Relation(Arc::new(table())).encode().unwrap();
        for (key, object) in bootstrap::cluster_objects("postgres", Some("x")) {
            bytes.extend(key.to_bytes());
            bytes.extend(object.encode().unwrap());
        }
        let database = bootstrap::database(5, "postgres", bootstrap::CLUSTER_TREE);
        bytes.extend(database.encode().unwrap());
        let sum = nq_storage::ecc::checksum(&bytes);
        assert_eq!((bootstrap::CATALOG_VERSION, format!("{sum:08x}")), (7, "c47defa7".to_owned()));
    }

    #[test]
    fn keys_sort_by_class_and_oid() {
        let key = ObjectKey::comment(Class::Comment, 1259, 70000, -3);
        assert_eq!(ObjectKey::from_bytes(&key.to_bytes()).unwrap(), key);
        assert!(
            ObjectKey::new(Class::Relation, 255).to_bytes() < ObjectKey::new(Class::Relation, 256).to_bytes()
        );
    }
}
