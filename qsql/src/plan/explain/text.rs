//! The text form.

use super::block::{Block, Fact};
use super::{ActualStats, ExplainOptions};

pub(super) fn print(root: &Block, options: &ExplainOptions, actuals: Option<&ActualStats>) -> Vec<String> {
    let mut lines = Vec::new();
    node(root, options, 0, &mut lines);
    if let (true, Some(actuals)) = (options.buffers, actuals)
        && let Some(text) = pages(actuals.planning_pages)
    {
        lines.push("Planning:".to_owned());
        lines.push(format!("  {text}"));
    }
    if let (true, Some(actuals)) = (options.summary, actuals) {
        lines.push(format!("Planning Time: {:.3} ms", millis(actuals.planning_micros)));
        if options.analyze {
            lines.push(format!("Execution Time: {:.3} ms", millis(actuals.execution_micros)));
        }
    }
    lines
}

/// `indent` is the column where the node's details start; 0 for the top node.
fn node(block: &Block, options: &ExplainOptions, indent: usize, lines: &mut Vec<String>) {
    let mut line = String::new();
    if indent == 0 {
        line.push_str(&block.label);
    } else {
        line.push_str(&" ".repeat(indent - 4));
        line.push_str("->  ");
        line.push_str(&block.label);
    }
    if options.costs {
        let c = block.cost;
        line.push_str(&format!(
            "  (cost={:.2}..{:.2} rows={:.0} width={:.0})",
            c.startup,
            c.total,
            c.rows,
            c.width + 0.0
        ));
    }
    if options.analyze {
        match block.actual {
            Some(a) if a.loops > 0 => {
                let loops = a.loops as f64;
                let rows = a.rows as f64 / loops;
                if options.timing {
                    line.push_str(&format!(
                        " (actual time={:.3}..{:.3} rows={rows:.2} loops={})",
                        millis(a.startup_micros) / loops,
                        millis(a.total_micros) / loops,
                        a.loops
                    ));
                } else {
                    line.push_str(&format!(" (actual rows={rows:.2} loops={})", a.loops));
                }
            }
            _ => line.push_str(" (never executed)"),
        }
    }
    lines.push(line);
    let pad = " ".repeat(indent + 2);
    for (name, fact) in &block.details {
        match fact {
            Fact::Text(text) => lines.push(format!("{pad}{name}: {text}")),
            Fact::List(items) => lines.push(format!("{pad}{name}: {}", items.join(", "))),
            Fact::Count(count) => lines.push(format!("{pad}{name}: {count:.0}")),
        }
    }
    if let (true, Some(actual)) = (options.buffers, block.actual) {
        lines.extend(pages((actual.hits, actual.reads)).map(|text| format!("{pad}{text}")));
    }
    for child in &block.children {
        match &child.subplan {
            Some(name) => {
                lines.push(format!("{pad}{name}"));
                node(child, options, indent + 8, lines);
            }
            None => node(child, options, indent + 6, lines),
        }
    }
}

/// The line about pages found in the pool and pages read; `None` when there were none.
fn pages((hits, reads): (u64, u64)) -> Option<String> {
    let hits = (hits > 0).then(|| format!(" hit={hits}"));
    let reads = (reads > 0).then(|| format!(" read={reads}"));
    (hits.is_some() || reads.is_some())
        .then(|| format!("Buffers: shared{}{}", hits.unwrap_or_default(), reads.unwrap_or_default()))
}

pub(super) fn millis(micros: i64) -> f64 {
    micros as f64 / 1000.0
}
