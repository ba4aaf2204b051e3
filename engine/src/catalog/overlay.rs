//! The private copy of the catalog that a transaction with DDL works on.

use std::sync::Arc;

use super::object::{Object, ObjectKey};
use super::state::{CatalogState, ClusterState};

/// A transaction's changes, and the states they were applied to.
pub(crate) struct Overlay {
    base: (Arc<CatalogState>, Arc<ClusterState>),
    current: (Arc<CatalogState>, Arc<ClusterState>),
    changes: Vec<(ObjectKey, Option<Object>)>,
}

impl Overlay {
    /// Starts from the shared states.
    pub(crate) fn new(catalog: Arc<CatalogState>, cluster: Arc<ClusterState>) -> Overlay {
        let base = (catalog, cluster);
        Overlay { current: base.clone(), base, changes: Vec::new() }
    }

    /// The database's objects as the transaction sees them.
    pub(crate) fn catalog(&self) -> &Arc<CatalogState> {
        &self.current.0
    }

    /// The cluster's objects as the transaction sees them.
    pub(crate) fn cluster(&self) -> &Arc<ClusterState> {
        &self.current.1
    }

    /// The changes in order.
    pub(crate) fn changes(&self) -> &[(ObjectKey, Option<Object>)] {
        &self.changes
    }

    /// Applies a change; `version` is the new state's.
    pub(crate) fn apply(&mut self, key: ObjectKey, object: Option<Object>, version: u64) {
        apply(&mut self.current, key, object.clone());
        Arc::make_mut(&mut self.current.0).version = version;
        self.changes.push((key, object));
    }

    /// A mark to roll back to.
    pub(crate) fn mark(&self) -> usize {
        self.changes.len()
    }

    /// Takes back the changes since `mark`.
    pub(crate) fn rollback_to(&mut self, mark: usize, version: u64) {
        if self.changes.len() > mark {
            self.changes.truncate(mark);
            self.replay(version);
        }
    }

    /// Brings in what others have committed since; answers whether there was something.
    pub(crate) fn refresh(
        &mut self,
        catalog: &Arc<CatalogState>,
        cluster: &Arc<ClusterState>,
        version: u64,
    ) -> bool {
        let stale = !Arc::ptr_eq(catalog, &self.base.0) || !Arc::ptr_eq(cluster, &self.base.1);
        if stale {
            self.base = (catalog.clone(), cluster.clone());
            self.replay(version);
        }
        stale
    }

    fn replay(&mut self, version: u64) {
        self.current = self.base.clone();
        for (key, object) in &self.changes {
            apply(&mut self.current, *key, object.clone());
        }
        Arc::make_mut(&mut self.current.0).version = version;
    }
}

/// Applies a change to the state it belongs to.
pub(crate) fn apply(
    states: &mut (Arc<CatalogState>, Arc<ClusterState>),
    key: ObjectKey,
    object: Option<Object>,
) {
    match key.class.shared() {
        true => Arc::make_mut(&mut states.1).apply(key, object),
        false => Arc::make_mut(&mut states.0).apply(key, object),
    }
}
