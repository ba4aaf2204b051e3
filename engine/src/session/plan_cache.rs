//! Plans that can be used again.
//!
//! A plan belongs to a text and to what planning read beside it: the search path, planner settings, declared parameter types (all in
//! [`PlanKey`]), and the catalog. The catalog's part is checked when a plan is taken: if the version is another one than when the
//! plan was last found valid, the questions that planning asked are asked again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::{Equivalent, HashMap};
use nq_qsql::catalog::RelationKind;
use nq_qsql::error::Result;
use nq_qsql::plan::physical::{Command, OutputColumn, PhysicalPlan, TableLock};
use nq_qsql::types::{DataType, Oid};
use nq_storage::txn::lock::{LockClass, LockMode};
use nq_storage::{TreeId, Txn, WaitPolicy};
use parking_lot::Mutex;

use super::prepared::Source;
use super::recall::Recalled;
use crate::catalog::FIRST_NORMAL_OID;
use crate::catalog::lookup::{CatalogView, Lookup, RecordingView};
use crate::error::store_error;
use crate::exec::point::PointPlan;
use crate::exec::short;

/// A plan with what decides whether it may be used.
pub(crate) struct Plan {
    pub(crate) physical: Arc<PhysicalPlan>,
    pub(crate) columns: Arc<[OutputColumn]>,
    pub(crate) params: Arc<[DataType]>,
    /// Whether it reads relations that are computed from the catalog.
    pub(crate) virtual_tables: bool,
    /// A materialized view without rows that it reads.
    unpopulated: Option<Box<str>>,
    /// Holds values that are only good in the transaction it was made in.
    pub(crate) transient: bool,
    /// Straight-line code that does the same.
    pub(crate) point: Option<PointPlan>,
    short: bool,
    /// Row-level security has been asked for: another user may need another plan.
    guarded: bool,
    lookups: Vec<Lookup>,
    path: Arc<[Oid]>,
    plan_key: u64,
    /// Version of the catalog under which it was last found valid.
    version: AtomicU64,
    /// Rows of the scanned tables when it was made.
    rows: Vec<(TreeId, u64)>,
    uses: AtomicU64,
}

/// How often a plan's row counts are compared with the present ones.
const ROW_CHECK_USES: u64 = 64;

impl Plan {
    pub(crate) fn new(
        physical: PhysicalPlan,
        lookups: Vec<Lookup>,
        view: &CatalogView,
        transient: bool,
    ) -> Plan {
        let computed = |kind| matches!(kind, RelationKind::Virtual | RelationKind::Sequence);
        let virtual_tables = physical.relations.iter().any(|r| computed(r.relation.kind));
        let rows = physical
            .relations
            .iter()
            .filter(|r| r.relation.tree != 0 && r.relation.kind != RelationKind::Sequence)
            .filter_map(|r| {
                let tree = TreeId(r.relation.tree);
                Some((tree, view.store.recent_tree_stats(tree).ok()?.records))
            })
            .collect();
        let empty = |r: &&nq_qsql::plan::physical::RelationUse| !r.relation.populated;
        let unpopulated = physical.relations.iter().find(empty).map(|r| r.relation.name.clone());
        let straight =
            !virtual_tables && unpopulated.is_none() && !view.planner.is_disabled("enable_point_path");
        let point = if straight { PointPlan::recognise(&physical) } else { None };
        Plan {
            short: match &point {
                Some(point) => point.short,
                None => !virtual_tables && short::is_short(&physical),
            },
            point,
            columns: physical.columns.clone().into(),
            params: physical.params.clone().into(),
            virtual_tables,
            unpopulated,
            transient,
            guarded: lookups.iter().any(|l| matches!(l, Lookup::RowSecurity { .. })),
            lookups,
            path: view.path.clone(),
            plan_key: view.plan_key,
            version: AtomicU64::new(view.catalog.version),
            rows,
            uses: AtomicU64::new(0),
            physical: Arc::new(physical),
        }
    }

    /// Locks the relations that the plan uses; answers whether there was one. The catalog may have changed meanwhile.
    pub(crate) fn lock_relations(&self, txn: &mut Txn) -> Result<bool> {
        let mut locked = false;
        for used in self.physical.relations.iter().filter(|r| r.relation.oid >= FIRST_NORMAL_OID) {
            let mode = match used.lock {
                TableLock::AccessShare => LockMode::AccessShare,
                TableLock::RowShare => LockMode::RowShare,
                TableLock::RowExclusive => LockMode::RowExclusive,
            };
            txn.lock_object(LockClass::Relation, u64::from(used.relation.oid), mode, WaitPolicy::Wait)
                .map_err(store_error)?;
            locked = true;
        }
        Ok(locked)
    }

    /// # Errors
    /// 55000 for a materialized view that nothing has filled.
    pub(crate) fn check_populated(&self) -> Result<()> {
        match &self.unpopulated {
            None => Ok(()),
            Some(name) => Err(nq_qsql::sql_err!(
                OBJECT_NOT_IN_PREREQUISITE_STATE,
                "materialized view \"{name}\" has not been populated"
            )
            .hint("Use the REFRESH MATERIALIZED VIEW command.")),
        }
    }

    /// Whether it takes microseconds, waits apart.
    pub(crate) fn is_short(&self) -> bool {
        self.short
    }

    /// Whether a client is told of columns, even if there are none.
    pub(crate) fn returns_rows(&self) -> bool {
        !self.columns.is_empty() || self.physical.command == Command::Select
    }

    /// Version of the catalog under which it was last found valid.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    /// Whether planning under this view would give an equally good plan.
    pub(crate) fn fits(&self, view: &CatalogView) -> bool {
        if self.plan_key != view.plan_key || !(Arc::ptr_eq(&self.path, &view.path) || self.path == view.path)
        {
            return false;
        }
        if self.guarded || self.version.load(Ordering::Relaxed) != view.catalog.version {
            if !RecordingView::still_valid(view, &self.lookups) {
                return false;
            }
            self.version.store(view.catalog.version, Ordering::Relaxed);
        }
        let uses = self.uses.fetch_add(1, Ordering::Relaxed);
        self.point.is_some() || !uses.is_multiple_of(ROW_CHECK_USES) || self.rows_alike(view)
    }

    /// Whether no table has grown or shrunk by more than a factor of four since.
    fn rows_alike(&self, view: &CatalogView) -> bool {
        self.rows.iter().all(|(tree, then)| match view.store.recent_tree_stats(*tree) {
            Ok(now) => now.records / 4 <= then + 250 && then / 4 <= now.records + 250,
            Err(_) => true,
        })
    }
}

/// What a cached plan is found by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct PlanKey {
    text: Arc<str>,
    params: Box<[Oid]>,
    plan_key: u64,
}

/// A borrowed [`PlanKey`]; the derived hashes agree.
#[derive(Hash)]
struct PlanKeyRef<'a> {
    text: &'a str,
    params: &'a [Oid],
    plan_key: u64,
}

impl Equivalent<PlanKey> for PlanKeyRef<'_> {
    fn equivalent(&self, key: &PlanKey) -> bool {
        self.plan_key == key.plan_key && *self.text == *key.text && *self.params == *key.params
    }
}

/// A plan with the statement it was made of.
struct Cached {
    plan: Arc<Plan>,
    /// `None` when the statement is a part of a longer text.
    source: Option<Arc<Source>>,
}

/// What is known of a text without its literals.
#[derive(Clone)]
pub(crate) enum Shape {
    /// It came once.
    Seen,
    /// It is planned with its literals in sight.
    Other,
    /// A short statement.
    Short(Arc<Recalled>),
}

struct KnownShape {
    text: Box<str>,
    plan_key: u64,
    shape: Shape,
}

/// Plans of one database, by text.
#[derive(Default)]
pub(crate) struct PlanCache {
    plans: Mutex<HashMap<PlanKey, Cached>>,
    /// By the hash of the text; of two texts with one hash the later one is kept.
    shapes: Mutex<HashMap<u64, KnownShape>>,
}

/// Plans kept per database. Beyond it the cache starts over: rare, and simpler than ageing.
const CAPACITY: usize = 1024;
/// Shapes kept per database.
const SHAPE_CAPACITY: usize = 4096;
/// Longest text whose plan is kept.
const TEXT_MAX_BYTES: usize = 16 << 10;

impl PlanCache {
    /// Finds a plan that fits.
    pub(crate) fn get(&self, text: &str, params: &[Oid], view: &CatalogView) -> Option<Arc<Plan>> {
        let key = PlanKeyRef { text, params, plan_key: view.plan_key };
        let plan = self.plans.lock().get(&key)?.plan.clone();
        plan.fits(view).then_some(plan)
    }

    /// Finds a whole text's statement with a plan that fits.
    pub(crate) fn parsed(
        &self,
        text: &str,
        params: &[Oid],
        view: &CatalogView,
    ) -> Option<(Arc<Source>, Arc<Plan>)> {
        let key = PlanKeyRef { text, params, plan_key: view.plan_key };
        let (source, plan) = {
            let plans = self.plans.lock();
            let cached = plans.get(&key)?;
            (cached.source.clone()?, cached.plan.clone())
        };
        plan.fits(view).then_some((source, plan))
    }

    /// Keeps a plan; `source` is the statement if it is the whole text and parsing it had nothing to say.
    pub(crate) fn put(&self, text: Arc<str>, params: &[Oid], plan: &Arc<Plan>, source: Option<Arc<Source>>) {
        if plan.transient || text.len() > TEXT_MAX_BYTES {
            return;
        }
        let mut plans = self.plans.lock();
        if plans.len() >= CAPACITY {
            plans.clear();
        }
        let key = PlanKey { text, params: params.into(), plan_key: plan.plan_key };
        plans.insert(key, Cached { plan: plan.clone(), source });
    }

    /// What is known of a text without its literals.
    pub(crate) fn shape(&self, hash: u64, text: &str, plan_key: u64) -> Option<Shape> {
        let shapes = self.shapes.lock();
        let known = shapes.get(&hash)?;
        (known.plan_key == plan_key && *known.text == *text).then(|| known.shape.clone())
    }

    /// Keeps what is known of a text without its literals.
    pub(crate) fn put_shape(&self, hash: u64, text: &str, plan_key: u64, shape: Shape) {
        let mut shapes = self.shapes.lock();
        if shapes.len() >= SHAPE_CAPACITY {
            shapes.clear();
        }
        shapes.insert(hash, KnownShape { text: text.into(), plan_key, shape });
    }

    /// Forgets all plans (DISCARD PLANS).
    pub(crate) fn clear(&self) {
        self.plans.lock().clear();
        self.shapes.lock().clear();
    }
}
