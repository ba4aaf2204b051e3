//! The bytes of functions and procedures.

use std::sync::Arc;

use nq_qsql::catalog::{ParamMode, Routine, RoutineBody, RoutineParam, StandardBody};
use nq_qsql::error::Result;
use nq_qsql::func::Volatility;

use super::super::RoutineObject;
use super::{Reader, Writer, damaged, read_acl, write_acl};

/// The kind of a routine that is an aggregate; 0 is a function, 1 a procedure.
const AGGREGATE: u8 = b'a';
/// The kind of a function whose body is built in.
const INTERNAL: u8 = b'i';

pub(super) fn write(w: &mut Writer, object: &RoutineObject) {
    let routine = &object.routine;
    w.u32(routine.oid);
    w.u32(routine.namespace);
    w.str(&routine.schema);
    w.str(&routine.name);
    w.u32(routine.owner);
    // What makes an aggregate stands between the kind and the parameters.
    match &routine.aggregate {
        Some(def) => {
            w.byte(AGGREGATE);
            super::operation::write_aggregate(w, def);
        }
        None if routine.internal => w.byte(INTERNAL),
        None => w.flag(routine.procedure),
    }
    w.list(&routine.params, |w, p| {
        w.str(&p.name);
        w.byte(p.mode.letter());
        w.u32(p.ty);
        w.option(p.default.as_deref(), Writer::str);
    });
    w.u32(routine.result);
    w.flag(routine.returns_set);
    w.byte(letter(routine.volatility));
    w.flag(routine.strict);
    w.flag(routine.leakproof);
    w.flag(routine.security_definer);
    w.byte(routine.parallel);
    w.f64(f64::from(routine.cost));
    w.f64(f64::from(routine.rows));
    w.list(&routine.config, |w, (name, value)| {
        w.str(name);
        w.str(value);
    });
    w.str(&routine.body.text);
    w.option(routine.body.standard.as_ref(), |w, standard| {
        w.flag(standard.atomic);
        w.list(&standard.path, |w, oid| w.u32(*oid));
    });
    w.option(object.acl.as_ref(), write_acl);
    w.list(&object.depends, |w, oid| w.u32(*oid));
}

pub(super) fn read(r: &mut Reader<'_>) -> Result<RoutineObject> {
    let (oid, namespace, schema, name, owner) = (r.u32()?, r.u32()?, r.boxed()?, r.boxed()?, r.u32()?);
    let kind = r.byte()?;
    let (procedure, aggregate) = match kind {
        0 | INTERNAL => (false, None),
        1 => (true, None),
        AGGREGATE => (false, Some(Arc::new(super::operation::read_aggregate(r)?))),
        _ => return Err(damaged("has a routine of an unknown kind")),
    };
    let routine = Routine {
        oid,
        namespace,
        schema,
        name,
        owner,
        procedure,
        params: r.list(|r| {
            Ok(RoutineParam {
                name: r.boxed()?,
                mode: read_mode(r.byte()?)?,
                ty: r.u32()?,
                default: r.option(Reader::shared)?,
            })
        })?,
        result: r.u32()?,
        returns_set: r.flag()?,
        volatility: read_volatility(r.byte()?)?,
        strict: r.flag()?,
        leakproof: r.flag()?,
        security_definer: r.flag()?,
        parallel: r.byte()?,
        cost: r.f64()? as f32,
        rows: r.f64()? as f32,
        config: r.list(|r| Ok((r.boxed()?, r.boxed()?)))?,
        body: RoutineBody {
            text: r.shared()?,
            standard: r.option(|r| Ok(StandardBody { atomic: r.flag()?, path: r.list(Reader::u32)? }))?,
        },
        internal: kind == INTERNAL,
        aggregate,
    };
    Ok(RoutineObject { routine: Arc::new(routine), acl: r.option(read_acl)?, depends: r.list(Reader::u32)? })
}

/// The letter in `provolatile`.
pub(crate) fn letter(volatility: Volatility) -> u8 {
    match volatility {
        Volatility::Immutable => b'i',
        Volatility::Stable => b's',
        Volatility::Volatile => b'v',
    }
}

fn read_volatility(byte: u8) -> Result<Volatility> {
    Ok(match byte {
        b'i' => Volatility::Immutable,
        b's' => Volatility::Stable,
        b'v' => Volatility::Volatile,
        _ => return Err(damaged("has an unknown volatility")),
    })
}

fn read_mode(byte: u8) -> Result<ParamMode> {
    Ok(match byte {
        b'i' => ParamMode::In,
        b'o' => ParamMode::Out,
        b'b' => ParamMode::InOut,
        b'v' => ParamMode::Variadic,
        b't' => ParamMode::Table,
        _ => return Err(damaged("has a parameter of an unknown mode")),
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::{Class, Object};
    use nq_qsql::catalog::{AggregateDef, AggregateKind, AggregateWay};

    use super::*;
    use crate::catalog::acl::AclItem;

    #[test]
    fn routine_survives_the_codec() {
        let param = |name: &str, mode, default: Option<&str>| RoutineParam {
            name: name.into(),
            mode,
            ty: 23,
            default: default.map(Arc::from),
        };
        let routine = Routine {
            oid: 20000,
            namespace: 2200,
            schema: "public".into(),
            name: "f".into(),
            owner: 10,
            procedure: false,
            params: vec![
                param("a", ParamMode::In, None),
                param("b", ParamMode::InOut, Some("1")),
                param("", ParamMode::Variadic, None),
                param("c", ParamMode::Out, None),
                param("d", ParamMode::Table, None),
            ],
            result: 2249,
            returns_set: true,
            volatility: Volatility::Stable,
            strict: true,
            leakproof: false,
            security_definer: true,
            parallel: b'r',
            cost: 12.5,
            rows: 100.0,
            config: vec![("search_path".into(), "public".into())],
            body: RoutineBody {
                text: "select 1".into(),
                standard: Some(StandardBody { atomic: true, path: vec![11, 2200] }),
            },
            internal: false,
            aggregate: None,
        };
        let way =
            AggregateWay { transition: 1, state: 23, initial: Some("0".into()), ..AggregateWay::default() };
        let def = AggregateDef {
            kind: AggregateKind::OrderedSet,
            direct: 1,
            plain: AggregateWay { finish: 2, extra: true, modify: b'r', space: 3, ..way.clone() },
            moving: way,
            inverse: 4,
            combine: 5,
            serialize: 6,
            deserialize: 7,
            sort_operator: 8,
        };
        for aggregate in [None, Some(Arc::new(def))] {
            survives(Routine { aggregate, ..routine.clone() });
        }
        survives(Routine { internal: true, ..routine });
    }

    fn survives(routine: Routine) {
        let acl = Some(vec![AclItem { grantee: 0, grantor: 10, privileges: 128, grantable: 0 }]);
        let object = RoutineObject { routine: Arc::new(routine), acl, depends: vec![20001] };
        let bytes = Object::Routine(Arc::new(object.clone())).encode().unwrap();
        let Object::Routine(read) = Object::decode(Class::Routine, &bytes).unwrap() else { panic!() };
        assert_eq!(format!("{object:?}"), format!("{read:?}"));
        for cut in 0..bytes.len() {
            assert!(Object::decode(Class::Routine, &bytes[..cut]).is_err());
        }
    }
}
