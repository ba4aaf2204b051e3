//! The server's configuration: `nqdb.toml`, then `-c name=value` on the command line, checked against the settings registry.
//!
//! Names and units are PostgreSQL's (`shared_buffers = "256MB"`). An unknown name is an error, never ignored.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nq_engine::settings::BaseSettings;
use nq_storage::env::{Env, OpenMode, read_full};

/// Name of the file in the data directory.
pub const FILE_NAME: &str = "nqdb.toml";

/// What a new cluster's file says.
pub const TEMPLATE: &str = include_str!("nqdb.toml");

/// Settings as given by the file and the command line, in the order in which they override each other.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Name and text of each setting of the file.
    pub given: Vec<(String, String)>,
    /// The same of the command line.
    pub arguments: Vec<(String, String)>,
}

/// A configuration that cannot be used.
#[derive(Debug)]
pub struct ConfigError(pub String);

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Config {
    /// Reads the data directory's file; a missing file is an empty one.
    ///
    /// # Errors
    /// A file that cannot be read or is not a flat TOML table.
    pub fn read(env: &dyn Env, data_dir: &Path) -> Result<Config, ConfigError> {
        let path = data_dir.join(FILE_NAME);
        match read_text(env, &path) {
            Ok(text) => Config::parse(&text).map_err(|e| ConfigError(format!("{}: {}", path.display(), e.0))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Config::default()),
            Err(e) => Err(ConfigError(format!("could not read \"{}\": {e}", path.display()))),
        }
    }

    /// Parses the file's text.
    ///
    /// # Errors
    /// TOML errors and values that are neither string, number nor Boolean.
    pub fn parse(text: &str) -> Result<Config, ConfigError> {
        let table: BTreeMap<String, toml::Value> =
            toml::from_str(text).map_err(|e| ConfigError(e.to_string()))?;
        let mut given = Vec::new();
        for (name, value) in table {
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(flag) => if flag { "on" } else { "off" }.to_owned(),
                other => return Err(ConfigError(format!("setting \"{name}\" is a {}", other.type_str()))),
            };
            given.push((name, text));
        }
        Ok(Config { given, arguments: Vec::new() })
    }

    /// Adds a `name=value` of the command line.
    ///
    /// # Errors
    /// When there is no `=`.
    pub fn set(&mut self, assignment: &str) -> Result<(), ConfigError> {
        let Some((name, value)) = assignment.split_once('=') else {
            return Err(ConfigError(format!("-c {assignment} requires a value")));
        };
        self.arguments.push((name.trim().replace('-', "_"), value.trim().to_owned()));
        Ok(())
    }

    /// Checks every name and value against the registry and returns the settings of the server.
    ///
    /// # Errors
    /// The first unknown name or invalid value.
    pub fn settings(&self) -> Result<BaseSettings, ConfigError> {
        let mut settings = BaseSettings::default();
        for (name, value) in &self.given {
            settings.set(name, value).map_err(|e| ConfigError(e.message().to_owned()))?;
        }
        for (name, value) in &self.arguments {
            settings.set_argument(name, value).map_err(|e| ConfigError(e.message().to_owned()))?;
        }
        Ok(settings)
    }
}

/// A path setting, relative ones within the data directory.
pub fn data_path(data_dir: &Path, value: &str) -> PathBuf {
    data_dir.join(value)
}

/// Reads a whole text file.
///
/// # Errors
/// I/O errors, and `InvalidData` when it is not UTF-8.
pub fn read_text(env: &dyn Env, path: &Path) -> std::io::Result<String> {
    let file = env.open(path, OpenMode::Read)?;
    let mut bytes = vec![0; file.len()? as usize];
    let count = read_full(&*file, &mut bytes, 0)?;
    bytes.truncate(count);
    String::from_utf8(bytes).map_err(|e| std::io::Error::new(std::io::ErrorKind::InvalidData, e))
}

/// Writes a whole text file and makes it durable, name included.
///
/// # Errors
/// I/O errors.
pub fn write_text(env: &dyn Env, path: &Path, text: &str) -> std::io::Result<()> {
    let file = env.open(path, OpenMode::Create)?;
    file.set_len(0)?;
    file.write_at(text.as_bytes(), 0)?;
    file.sync_data()?;
    path.parent().map_or(Ok(()), |dir| env.sync_dir(dir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_and_command_line() {
        let mut config = Config::parse("port = 5433\nshared_buffers = \"64MB\"\nfsync = false\n").unwrap();
        config.set("work-mem=8MB").unwrap();
        let find = |name: &str| {
            config.given.iter().chain(&config.arguments).find(|(n, _)| n == name).map(|(_, v)| v.as_str())
        };
        assert_eq!(find("port"), Some("5433"));
        assert_eq!(find("fsync"), Some("off"));
        assert_eq!(find("work_mem"), Some("8MB"));
        assert!(config.set("port").is_err());
        assert!(Config::parse("[section]\na = 1").is_err());
        assert!(Config::parse("no_such_setting = 1").unwrap().settings().is_err());
    }

    #[test]
    fn template_is_valid() {
        Config::parse(TEMPLATE).unwrap().settings().unwrap();
    }
}
