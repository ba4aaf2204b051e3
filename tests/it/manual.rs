//! The book's generated pages say what the code says.

use std::fmt::Write as _;
use std::path::Path;

use nq_engine::settings::definition::{self, Context, Definition, Kind};

fn kind(definition: &Definition) -> String {
    let unit = match definition.unit {
        "" => String::new(),
        unit => format!(" ({unit})"),
    };
    match &definition.kind {
        Kind::Bool => "bool".to_owned(),
        Kind::Int { min, max } => format!("integer{unit} {min} to {max}"),
        Kind::Real { min, max } => format!("real{unit} {min:?} to {max:?}"),
        Kind::Text => "text".to_owned(),
        Kind::Enum(words) => words.join(", "),
    }
}

fn changed(context: Context) -> &'static str {
    match context {
        Context::Internal => "never",
        Context::Postmaster | Context::Sighup => "at start",
        Context::SuperuserBackend | Context::Backend => "at connection",
        Context::Superuser => "by superusers",
        Context::User => "by anybody",
    }
}

fn parameters_page() -> String {
    let mut out = String::from(
        "# Parameters\n\nEvery parameter by name, generated from `engine/src/settings/definitions.tbl`. Those that steer this server are explained in\n\
         [Configuration](configuration.md); the others are known, checked and shown, so that clients written for PostgreSQL find them, and change\n\
         nothing here.\n\n| parameter | type | default | set | meaning |\n|---|---|---|---|---|\n",
    );
    for definition in definition::all() {
        let default = definition.default.plain().replace('|', "\\|");
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} | {} |",
            definition.name,
            kind(definition),
            if default.is_empty() { String::new() } else { format!("`{default}`") },
            changed(definition.context),
            definition.description.replace('|', "\\|"),
        );
    }
    out
}

/// `NQ_BLESS=1` rewrites the page.
#[test]
fn the_book_lists_every_parameter() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/settings.md");
    let page = parameters_page();
    assert!(page.lines().count() > 300, "parameters are missing");
    if std::env::var_os("NQ_BLESS").is_some() {
        std::fs::write(&path, &page).expect("write the page");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/src/settings.md is not what the code says: run this test with NQ_BLESS=1");
}
