//! Rules about the tree itself: who may import whom, what every member inherits, where the outside world may be touched.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("workspace root").to_owned()
}

fn files(dir: &Path, extension: &str, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("readable directory") {
        let path = entry.expect("directory entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            files(&path, extension, out);
        } else if path.extension().is_some_and(|e| e == extension) {
            out.push(path);
        }
    }
}

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut out = Vec::new();
    files(&root().join(folder), "rs", &mut out);
    assert!(!out.is_empty(), "{folder} has no sources");
    out.into_iter().map(|p| (p.clone(), fs::read_to_string(&p).expect("readable source"))).collect()
}

/// The part of a source that ships: up to its unit tests.
fn shipped(text: &str) -> &str {
    text.find("#[cfg(test)]").map_or(text, |at| &text[..at])
}

#[test]
fn dependencies_point_one_way() {
    let forbidden: [(&str, &[&str]); 3] = [
        ("qsql/src", &["nq_storage", "nq_engine", "neuroquantumdb", "tokio"]),
        ("engine/storage/src", &["nq_qsql", "nq_engine", "neuroquantumdb", "tokio"]),
        ("engine/src", &["neuroquantumdb", "tokio"]),
    ];
    for (folder, names) in forbidden {
        for (path, text) in sources(folder) {
            for name in names {
                assert!(
                    !text.contains(&format!("{name}::")),
                    "{}: {folder} must not import {name}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn every_member_inherits_the_lints() {
    for member in ["server", "engine", "engine/storage", "qsql", "tests"] {
        let manifest = fs::read_to_string(root().join(member).join("Cargo.toml")).expect("manifest");
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{member}/Cargo.toml does not inherit the lints"
        );
    }
}

#[test]
fn the_outside_world_is_behind_env() {
    let words = [
        "std::fs::",
        "SystemTime::now",
        "Instant::now",
        "thread::spawn",
        "thread::sleep",
        "getrandom::",
        "rand::",
    ];
    for folder in ["qsql/src", "engine/src", "engine/storage/src"] {
        for (path, text) in sources(folder) {
            let place = path.to_string_lossy().into_owned();
            if place.contains("storage/src/env/")
                || place.contains("/tests")
                || place.ends_with("/testing.rs")
            {
                continue;
            }
            for word in words {
                assert!(!shipped(&text).contains(word), "{}: {word} belongs in storage::env", path.display());
            }
        }
    }
}

#[test]
fn no_room_is_called_utils() {
    for folder in ["server/src", "engine/src", "engine/storage/src", "qsql/src", "tests"] {
        for (path, _) in sources(folder) {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            assert!(
                !["utils", "util", "helpers", "helper", "misc"].contains(&stem.as_str()),
                "{}",
                path.display()
            );
        }
    }
}
