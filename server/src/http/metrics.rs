//! Prometheus metrics: the database's counters at the moment of the scrape.

use nq_engine::Database;
use prometheus::{Encoder, Gauge, Registry, TextEncoder};

/// Renders all metrics in the text format.
///
/// # Errors
/// When two metrics have one name.
pub fn render(database: &Database) -> Result<String, prometheus::Error> {
    let registry = Registry::new();
    for metric in database.metrics() {
        let gauge = Gauge::new(metric.name, metric.help)?;
        gauge.set(metric.value);
        registry.register(Box::new(gauge))?;
    }
    let mut text = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
