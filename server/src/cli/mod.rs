//! The command line, in PostgreSQL's manners.

mod check;
mod health;
mod init;
mod start;
mod stop;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Where bare `nqdb` keeps its data.
const DEFAULT_DATA_DIR: &str = "nqdata";

/// A PostgreSQL-compatible database server. Without a command it creates ./nqdata if that is absent and starts it.
#[derive(Parser)]
#[command(name = "nqdb", version, disable_version_flag = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Create a data directory.
    Init(Init),
    /// Run the server in the foreground.
    Start(Start),
    /// Shut a running server down.
    Stop(DataDir),
    /// Verify a data directory whose server is stopped: checksums, parity, trees, indexes.
    Check(Check),
    /// Ask whether a server accepts connections.
    Health(Health),
    /// Print the version.
    Version,
}

#[derive(Args)]
struct DataDir {
    /// The data directory.
    #[arg(short = 'D', long = "pgdata", default_value = DEFAULT_DATA_DIR)]
    data_dir: PathBuf,
}

/// How clients prove who they are in a new cluster's pg_hba.conf.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AuthMethod {
    /// By password; the operating system's user on the Unix socket.
    #[value(name = "scram-sha-256")]
    ScramSha256,
    /// Not at all. For tests on a machine that nobody else can reach.
    Trust,
}

#[derive(Args)]
struct Init {
    #[command(flatten)]
    place: DataDir,
    /// Name of the superuser.
    #[arg(short = 'U', long = "username", default_value = "postgres")]
    user: String,
    /// File with the superuser's password in its first line; without it a password is generated and shown once.
    #[arg(long)]
    pwfile: Option<PathBuf>,
    /// Authentication of local and loopback connections.
    #[arg(short = 'A', long = "auth", value_enum, default_value = "scram-sha-256")]
    auth: AuthMethod,
}

#[derive(Args, Default)]
#[command(disable_help_flag = true)]
struct Start {
    /// Print help.
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    /// The data directory.
    #[arg(short = 'D', long = "pgdata", default_value = DEFAULT_DATA_DIR)]
    data_dir: PathBuf,
    /// Addresses to listen on, separated by commas; overrides listen_addresses.
    #[arg(short = 'h', long = "host")]
    host: Option<String>,
    /// Port; overrides port.
    #[arg(short = 'p', long = "port")]
    port: Option<u16>,
    /// Directory of the Unix socket; overrides unix_socket_directories.
    #[arg(short = 'k', long = "socket-dir")]
    socket_dir: Option<String>,
    /// Sets a configuration parameter: name=value. May be repeated.
    #[arg(short = 'c', value_name = "NAME=VALUE")]
    set: Vec<String>,
}

#[derive(Args)]
struct Check {
    #[command(flatten)]
    place: DataDir,
    /// Rewrite what can be healed.
    #[arg(long)]
    repair: bool,
}

#[derive(Args)]
#[command(disable_help_flag = true)]
struct Health {
    /// Print help.
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    /// Address of the server.
    #[arg(short = 'h', long = "host", default_value = "127.0.0.1")]
    host: String,
    /// Its port.
    #[arg(short = 'p', long = "port", default_value_t = 5432)]
    port: u16,
}

/// Runs the command line; the process ends with the returned code. `with_much_memory` is called when the server starts with a large
/// buffer pool: the binary, whose allocator it is, may then be less thrifty.
pub fn main(with_much_memory: fn()) -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let outcome = match cli.command {
        Some(Command::Init(arguments)) => init::run(&arguments),
        Some(Command::Start(arguments)) => start::run(&arguments, with_much_memory),
        Some(Command::Stop(arguments)) => stop::run(&arguments.data_dir),
        Some(Command::Check(arguments)) => check::run(&arguments),
        Some(Command::Health(arguments)) => health::run(&arguments),
        Some(Command::Version) => {
            say(&format!("nqdb (NeuroQuantumDB) {}", env!("CARGO_PKG_VERSION")));
            Ok(())
        }
        None => start::run_default(DEFAULT_DATA_DIR.as_ref(), with_much_memory),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            let _ = writeln!(std::io::stderr(), "nqdb: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Prints a line for the person who runs the command.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
