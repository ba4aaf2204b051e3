//! The JSON form, with PostgreSQL's keys and layout.

use super::block::{Block, Fact};
use super::text::millis;
use super::{ActualStats, ExplainOptions};

pub(super) fn print(root: &Block, options: &ExplainOptions, actuals: Option<&ActualStats>) -> Vec<String> {
    let mut out = String::from("[\n  {\n    \"Plan\": ");
    node(root, options, 4, &mut out);
    if let (true, Some(actuals)) = (options.buffers, actuals) {
        let (hits, reads) = actuals.planning_pages;
        out.push_str(&format!(
            ",\n    \"Planning\": {{\n      \"Shared Hit Blocks\": {hits},\n      \"Shared Read Blocks\": {reads}\n    }}"
        ));
    }
    if let (true, Some(actuals)) = (options.summary, actuals) {
        out.push_str(&format!(",\n    \"Planning Time\": {:.3}", millis(actuals.planning_micros)));
        if options.analyze {
            out.push_str(",\n    \"Triggers\": [\n    ]");
            out.push_str(&format!(",\n    \"Execution Time\": {:.3}", millis(actuals.execution_micros)));
        }
    }
    out.push_str("\n  }\n]");
    vec![out]
}

fn node(block: &Block, options: &ExplainOptions, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent + 2);
    let mut items: Vec<String> = vec![format!("\"Node Type\": {}", string(&block.kind))];
    if !block.relationship.is_empty() {
        items.push(format!("\"Parent Relationship\": {}", string(block.relationship)));
    }
    if let Some(name) = &block.subplan {
        items.push(format!("\"Subplan Name\": {}", string(name)));
    }
    let strategy = block.facts.iter().filter(|f| f.0 == "Strategy");
    let others = block.facts.iter().filter(|f| f.0 != "Strategy");
    items.extend(strategy.map(|(k, v)| format!("\"{k}\": {}", fact(v))));
    items.push("\"Parallel Aware\": false".to_owned());
    items.push("\"Async Capable\": false".to_owned());
    items.extend(others.map(|(k, v)| format!("\"{k}\": {}", fact(v))));
    if options.costs {
        let c = block.cost;
        items.push(format!("\"Startup Cost\": {:.2}", c.startup));
        items.push(format!("\"Total Cost\": {:.2}", c.total));
        items.push(format!("\"Plan Rows\": {:.0}", c.rows));
        items.push(format!("\"Plan Width\": {:.0}", c.width + 0.0));
    }
    if options.analyze {
        let a = block.actual.unwrap_or_default();
        let loops = (a.loops as f64).max(1.0);
        if options.timing {
            items.push(format!("\"Actual Startup Time\": {:.3}", millis(a.startup_micros) / loops));
            items.push(format!("\"Actual Total Time\": {:.3}", millis(a.total_micros) / loops));
        }
        items.push(format!("\"Actual Rows\": {:.2}", a.rows as f64 / loops));
        items.push(format!("\"Actual Loops\": {}", a.loops));
    }
    items.push("\"Disabled\": false".to_owned());
    for (name, value) in &block.details {
        items.push(format!("{}: {}", string(name), fact(value)));
    }
    if let (true, Some(actual)) = (options.buffers, block.actual) {
        items.push(format!("\"Shared Hit Blocks\": {}", actual.hits));
        items.push(format!("\"Shared Read Blocks\": {}", actual.reads));
    }
    out.push_str("{\n");
    for (i, item) in items.iter().enumerate() {
        out.push_str(&format!("{pad}{item}"));
        out.push_str(if i + 1 < items.len() || !block.children.is_empty() { ",\n" } else { "\n" });
    }
    if !block.children.is_empty() {
        out.push_str(&format!("{pad}\"Plans\": [\n"));
        for (i, child) in block.children.iter().enumerate() {
            out.push_str(&" ".repeat(indent + 4));
            node(child, options, indent + 4, out);
            out.push_str(if i + 1 < block.children.len() { ",\n" } else { "\n" });
        }
        out.push_str(&format!("{pad}]\n"));
    }
    out.push_str(&format!("{}}}", " ".repeat(indent)));
}

fn fact(value: &Fact) -> String {
    match value {
        Fact::Text(text) => string(text),
        Fact::Count(count) => format!("{count:.0}"),
        Fact::List(items) => format!("[{}]", items.iter().map(|i| string(i)).collect::<Vec<_>>().join(", ")),
    }
}

/// A JSON string.
fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
