//! DROP TYPE and DROP DOMAIN, and what depends on types.

use nq_qsql::bail;
use nq_qsql::catalog::{ConstraintKind, Generated, IndexKey, RelationKind, UserCast, UserCastMethod};
use nq_qsql::error::Result;
use nq_qsql::parse::ast::{Drop, ObjectId, ObjectKind};
use nq_qsql::sql_err;
use nq_qsql::types::user::{UserKind, UserType};
use nq_qsql::types::{Oid, info};

use crate::catalog::class;
use crate::catalog::lookup::CatalogView;
use crate::catalog::object::{Class, ObjectKey};
use crate::ddl::dependency::Target;
use crate::session::Session;
use crate::session::utility::Done;

impl Session {
    /// DROP TYPE, DROP DOMAIN.
    pub(crate) fn drop_types(&mut self, drop: &Drop) -> Result<Done> {
        let mut roots = Vec::with_capacity(drop.objects.len());
        for object in &drop.objects {
            let ObjectId::Type(written) = &object.id else { continue };
            let name = &written.name;
            if let Some(schema) = name.schema()
                && drop.if_exists
                && nq_qsql::catalog::Catalog::namespace(&**self.view(), schema).is_none()
            {
                self.host.skipping(format!("schema \"{}\" does not exist, skipping", &**schema));
                continue;
            }
            let found = match info::by_sql_name(name.object()) {
                Some(built_in) if name.schema().is_none_or(|s| &**s == "pg_catalog") => {
                    let shown = info::type_name(built_in.oid);
                    self.check_superuser(&format!("must be owner of type {shown}"))?;
                    bail!(
                        DEPENDENT_OBJECTS_STILL_EXIST,
                        "cannot drop type {shown} because it is required by the database system"
                    );
                }
                _ => self.find_user_type(name)?,
            };
            let Some(mut ty) = found else {
                if drop.if_exists {
                    self.host.skipping(format!("type \"{name}\" does not exist, skipping"));
                    continue;
                }
                bail!(UNDEFINED_OBJECT, "type \"{name}\" does not exist");
            };
            if !written.array_bounds.is_empty()
                && let Some(array) = self.view().catalog.user_type(ty.info.array_oid)
            {
                ty = array.clone();
            }
            if drop.kind == ObjectKind::Domain && ty.domain().is_none() {
                bail!(WRONG_OBJECT_TYPE, "\"{name}\" is not a domain");
            }
            let schema = self.view().catalog.namespace(ty.namespace).map(|n| n.owner);
            if !schema.is_some_and(|owner| self.owns(owner)) {
                self.check_type_owner(&ty)?;
            }
            let target = self.type_target(&ty)?;
            if !roots.contains(&target) {
                roots.push(target);
            }
        }
        let deletion = self.plan_deletion(&roots, None)?;
        self.announce_deletion(&deletion, drop.cascade)?;
        self.carry_out_deletion(&deletion, None)?;
        Done::tag(&format!("DROP {}", drop.kind.words().to_uppercase()))
    }

    /// What is dropped with a type.
    ///
    /// # Errors
    /// 2BP01 for a type that another object owns.
    fn type_target(&mut self, ty: &UserType) -> Result<Target> {
        let refused = |what: &str, owner: String| {
            Err(sql_err!(DEPENDENT_OBJECTS_STILL_EXIST, "cannot drop {what} because {owner} requires it")
                .hint(format!("You can drop {owner} instead.")))
        };
        let shown = format!("type {}", info::type_name(ty.info.oid));
        match &ty.kind {
            UserKind::Multirange(of) => refused(&shown, format!("type {}", info::type_name(of.range))),
            UserKind::Enum(_) | UserKind::Domain(_) | UserKind::Range(_) => {
                self.lock_type(ty.info.oid)?;
                Ok(Target::Type(ty.info.oid))
            }
            UserKind::Composite(relation) if relation.kind == RelationKind::Composite => {
                Ok(Target::Relation(relation.oid))
            }
            UserKind::Composite(relation) => {
                refused(&shown, self.describe_target(Target::Relation(relation.oid)))
            }
            UserKind::Array => refused(&shown, format!("type {}", info::type_name(ty.info.element_oid))),
        }
    }

    /// What depends on a type directly; the flag is false for the array type, which belongs to it.
    pub(crate) fn type_dependents(&mut self, oid: Oid) -> Vec<(Oid, Target, bool)> {
        let mut all = self.uses_of_type(oid);
        let array = info::array_of(oid);
        if array != 0 {
            all.push((array, Target::Type(array), false));
        }
        let view = self.view().clone();
        if let Some(range) = nq_qsql::types::range::of_range(oid) {
            all.push((range.multirange, Target::Type(range.multirange), false));
        }
        // The constructors of a range type belong to it, and so does its cast.
        for object in view.catalog.routines() {
            let r = &object.routine;
            if r.internal && r.result == oid {
                all.push((r.oid, Target::Routine(r.oid), false));
            }
        }
        for cast in view.catalog.operations().casts() {
            if belongs(&view, cast) && cast.target == oid {
                all.push((cast.oid, Target::Cast(cast.oid), false));
            }
        }
        all
    }

    fn uses_of_type(&mut self, oid: Oid) -> Vec<(Oid, Target, bool)> {
        let view = self.view().clone();
        let is = |ty: Oid| ty == oid;
        let mentions = |text: &str| nq_qsql::plan::deparse::mentions_type(text, oid);
        let mut all = Vec::new();
        for object in view.catalog.relations() {
            let relation = &object.relation;
            // A row type does not depend on itself.
            if object.row_type.as_ref().is_some_and(|row| row.oid == oid) {
                continue;
            }
            let table = relation.oid;
            for (i, column) in relation.columns.iter().enumerate().rev().filter(|(_, c)| !c.dropped) {
                if is(column.ty.oid) && relation.kind != RelationKind::View {
                    all.push((table, Target::Column(table, i)));
                } else if let Some(text) = &column.default
                    && mentions(text)
                {
                    let generated = matches!(column.generated, Generated::Stored | Generated::Virtual);
                    let target = if generated { Target::Column(table, i) } else { Target::Default(table, i) };
                    all.push((table, target));
                }
            }
            for constraint in &relation.constraints {
                if let ConstraintKind::Check(text) = &constraint.kind
                    && mentions(text)
                {
                    all.push((constraint.oid, Target::Constraint(table, constraint.oid)));
                }
            }
            for index in &relation.indexes {
                let in_key = |key: &IndexKey| matches!(key, IndexKey::Expression(text) if mentions(text));
                let uses = index.columns.iter().any(|c| in_key(&c.key))
                    || index.predicate.as_ref().is_some_and(|text| mentions(text));
                if uses {
                    all.push((index.oid, Target::Index(table, index.oid)));
                }
            }
            for policy in &relation.security.policies {
                let texts = policy.using.iter().chain(&policy.check);
                if texts.into_iter().any(|text| mentions(text)) {
                    all.push((policy.oid, Target::Policy(table, policy.oid)));
                }
            }
            if relation.view.as_ref().is_some_and(|text| mentions(text)) {
                all.push((table, Target::Relation(table)));
            }
        }
        for object in view.catalog.routines() {
            let r = &object.routine;
            if r.internal {
                continue;
            }
            let states = r.aggregate.iter().flat_map(|def| [def.plain.state, def.moving.state]);
            let mut types = r.params.iter().map(|p| p.ty).chain([r.result]).chain(states);
            let defaults = r.params.iter().filter_map(|p| p.default.as_ref());
            if types.any(is) || defaults.into_iter().any(|text| mentions(text)) {
                all.push((r.oid, Target::Routine(r.oid)));
            }
        }
        let operations = view.catalog.operations();
        for o in operations.operators() {
            if [o.left, o.right, o.result].into_iter().any(is) {
                all.push((o.oid, Target::Operator(o.oid)));
            }
        }
        for c in operations.casts() {
            if !belongs(&view, c) && (is(c.source) || is(c.target)) {
                all.push((c.oid, Target::Cast(c.oid)));
            }
        }
        for object in view.catalog.type_objects() {
            let own = object.ty.info.oid;
            if let UserKind::Range(range) = &object.ty.kind
                && is(range.info.element)
            {
                all.push((own, Target::Type(own)));
            }
            let Some(domain) = object.ty.domain() else { continue };
            if own != oid && is(domain.over.oid) {
                all.push((own, Target::Type(own)));
            }
        }
        all.into_iter().map(|(oid, target)| (oid, target, true)).collect()
    }

    /// Removes an enum or a domain.
    pub(crate) fn remove_type(&mut self, oid: Oid) -> Result<()> {
        let Some(object) = self.view().catalog.type_object(oid).cloned() else { return Ok(()) };
        let namespace = object.ty.namespace;
        self.release_name(Class::Type, namespace, &object.ty.info.name)?;
        self.release_name(Class::Type, namespace, &object.array_name)?;
        self.remove_comments(class::TYPE, oid)?;
        for constraint in crate::catalog::state::domain_constraints(&object.ty) {
            self.remove_comments(class::CONSTRAINT, constraint.oid)?;
        }
        self.remove_object(ObjectKey::new(Class::Type, oid))
    }
}

/// Whether a cast is the one from a range type to its multirange type.
fn belongs(view: &CatalogView, cast: &UserCast) -> bool {
    match cast.method {
        UserCastMethod::Function(function) => {
            view.catalog.routine(function).is_some_and(|object| object.routine.internal)
                && nq_qsql::types::range::of_multirange(cast.target).is_some_and(|r| r.range == cast.source)
        }
        _ => false,
    }
}
