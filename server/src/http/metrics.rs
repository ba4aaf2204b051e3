//! Prometheus metrics: the database's counters at the moment of the scrape.
//!
//! Source: Prometheus documentation, "Exposition formats", text format 0.0.4.

use std::fmt::Write;

use nq_engine::Database;
use nq_engine::metrics::{Metric, MetricKind};

/// Renders all metrics in the text format.
pub fn render(database: &Database) -> String {
    print(&database.metrics())
}

fn print(metrics: &[Metric]) -> String {
    let mut text = String::new();
    let mut last = "";
    for metric in metrics {
        if metric.name != last {
            last = metric.name;
            let kind = match metric.kind {
                MetricKind::Counter => "counter",
                MetricKind::Gauge => "gauge",
            };
            let _ = writeln!(text, "# HELP {last} {}\n# TYPE {last} {kind}", metric.help);
        }
        let label = metric.label.map_or_else(String::new, |(name, value)| format!("{{{name}=\"{value}\"}}"));
        let _ = writeln!(text, "{last}{label} {}", metric.value);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_of_one_name_have_one_head() {
        let metric = |name, class, value| Metric {
            name,
            help: "Help.",
            kind: MetricKind::Counter,
            label: Some(("class", class)),
            value,
        };
        let text = print(&[metric("a_total", "22", 1.0), metric("a_total", "23", 0.5)]);
        assert_eq!(
            text,
            "# HELP a_total Help.\n# TYPE a_total counter\na_total{class=\"22\"} 1\na_total{class=\"23\"} 0.5\n"
        );
    }
}
