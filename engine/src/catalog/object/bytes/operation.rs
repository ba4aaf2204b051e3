//! The bytes of operators, casts, and of what makes a routine an aggregate.

use nq_qsql::catalog::{AggregateDef, AggregateKind, AggregateWay, UserCast, UserCastMethod, UserOperator};
use nq_qsql::error::Result;
use nq_qsql::func::CastContext;

use super::{Reader, Writer, damaged};

pub(super) fn write_operator(w: &mut Writer, o: &UserOperator) {
    w.u32(o.oid);
    w.u32(o.namespace);
    w.str(&o.schema);
    w.str(&o.name);
    for oid in [o.owner, o.left, o.right, o.result, o.function, o.commutator, o.negator] {
        w.u32(oid);
    }
    w.u32(o.restriction);
    w.u32(o.join);
    w.flag(o.hashes);
    w.flag(o.merges);
}

pub(super) fn read_operator(r: &mut Reader<'_>) -> Result<UserOperator> {
    Ok(UserOperator {
        oid: r.u32()?,
        namespace: r.u32()?,
        schema: r.boxed()?,
        name: r.boxed()?,
        owner: r.u32()?,
        left: r.u32()?,
        right: r.u32()?,
        result: r.u32()?,
        function: r.u32()?,
        commutator: r.u32()?,
        negator: r.u32()?,
        restriction: r.u32()?,
        join: r.u32()?,
        hashes: r.flag()?,
        merges: r.flag()?,
    })
}

/// The letter in `castcontext`.
pub(crate) fn context_letter(context: CastContext) -> u8 {
    match context {
        CastContext::Implicit => b'i',
        CastContext::Assignment => b'a',
        CastContext::Explicit => b'e',
    }
}

pub(super) fn write_cast(w: &mut Writer, c: &UserCast) {
    w.u32(c.oid);
    w.u32(c.source);
    w.u32(c.target);
    w.byte(context_letter(c.context));
    let (method, function) = match c.method {
        UserCastMethod::Function(oid) => (b'f', oid),
        UserCastMethod::Binary => (b'b', 0),
        UserCastMethod::InOut => (b'i', 0),
    };
    w.byte(method);
    w.u32(function);
}

pub(super) fn read_cast(r: &mut Reader<'_>) -> Result<UserCast> {
    let (oid, source, target) = (r.u32()?, r.u32()?, r.u32()?);
    let context = match r.byte()? {
        b'i' => CastContext::Implicit,
        b'a' => CastContext::Assignment,
        b'e' => CastContext::Explicit,
        _ => return Err(damaged("has a cast of an unknown context")),
    };
    let method = (r.byte()?, r.u32()?);
    let method = match method {
        (b'f', function) => UserCastMethod::Function(function),
        (b'b', _) => UserCastMethod::Binary,
        (b'i', _) => UserCastMethod::InOut,
        _ => return Err(damaged("has a cast of an unknown method")),
    };
    Ok(UserCast { oid, source, target, context, method })
}

pub(super) fn write_aggregate(w: &mut Writer, def: &AggregateDef) {
    w.byte(def.kind.letter());
    w.u32(u32::from(def.direct));
    for way in [&def.plain, &def.moving] {
        w.u32(way.transition);
        w.u32(way.finish);
        w.flag(way.extra);
        w.byte(way.modify);
        w.u32(way.state);
        w.u32(way.space as u32);
        w.option(way.initial.as_deref(), Writer::str);
    }
    for oid in [def.inverse, def.combine, def.serialize, def.deserialize, def.sort_operator] {
        w.u32(oid);
    }
}

pub(super) fn read_aggregate(r: &mut Reader<'_>) -> Result<AggregateDef> {
    let kind =
        AggregateKind::of_letter(r.byte()?).ok_or_else(|| damaged("has an aggregate of unknown kind"))?;
    let direct = r.u32()? as u16;
    let way = |r: &mut Reader<'_>| -> Result<AggregateWay> {
        Ok(AggregateWay {
            transition: r.u32()?,
            finish: r.u32()?,
            extra: r.flag()?,
            modify: r.byte()?,
            state: r.u32()?,
            space: r.u32()? as i32,
            initial: r.option(Reader::shared)?,
        })
    };
    Ok(AggregateDef {
        kind,
        direct,
        plain: way(r)?,
        moving: way(r)?,
        inverse: r.u32()?,
        combine: r.u32()?,
        serialize: r.u32()?,
        deserialize: r.u32()?,
        sort_operator: r.u32()?,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::{Class, Object};
    use super::*;

    fn survives(class: Class, object: &Object) {
        let bytes = object.encode().unwrap();
        let read = Object::decode(class, &bytes).unwrap();
        assert_eq!(format!("{object:?}"), format!("{read:?}"));
        for cut in 0..bytes.len() {
            assert!(Object::decode(class, &bytes[..cut]).is_err());
        }
    }

    #[test]
    fn operators_and_casts_survive_the_codec() {
        let operator = UserOperator {
            oid: 20000,
            namespace: 2200,
            schema: "public".into(),
            name: "+++".into(),
            owner: 10,
            left: 0,
            right: 23,
            result: 25,
            function: 20001,
            commutator: 1,
            negator: 2,
            restriction: 3,
            join: 4,
            hashes: true,
            merges: false,
        };
        survives(Class::Operator, &Object::Operator(Arc::new(operator)));
        for method in [UserCastMethod::Function(7), UserCastMethod::Binary, UserCastMethod::InOut] {
            let cast = UserCast { oid: 1, source: 2, target: 3, context: CastContext::Assignment, method };
            survives(Class::Cast, &Object::Cast(Arc::new(cast)));
        }
    }
}
