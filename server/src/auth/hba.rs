//! `pg_hba.conf`: who may connect from where, and how they prove it.
//!
//! The first record whose connection type, database, user and address match decides; no match refuses.
//! Source: PostgreSQL manual 20.1 "The pg_hba.conf File".

use std::net::IpAddr;

/// How a client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// No proof asked.
    Trust,
    /// Refused.
    Reject,
    /// SCRAM-SHA-256, with channel binding over TLS. `md5` and `password` records mean this, too: no weaker secret is stored.
    Scram,
    /// The operating system's user at the other end of the Unix socket.
    Peer,
    /// A client certificate whose common name is the user.
    Certificate,
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Unix socket.
    Local,
    /// TCP.
    Host {
        /// The client's address.
        address: IpAddr,
        /// Whether TLS is on.
        tls: bool,
    },
}

/// Connection types of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Local,
    Host,
    HostTls,
    HostPlain,
}

/// What a record's address field admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    All,
    SameHost,
    Block(IpAddr, u8),
}

/// A record.
#[derive(Clone, Debug)]
struct Rule {
    kind: Kind,
    databases: Vec<String>,
    users: Vec<String>,
    network: Network,
    method: Method,
}

/// The records of the file in order.
#[derive(Clone, Debug, Default)]
pub struct Hba {
    rules: Vec<Rule>,
}

/// A line that cannot be understood.
#[derive(Debug)]
pub struct HbaError {
    /// 1-based line.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl std::fmt::Display for HbaError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "pg_hba.conf line {}: {}", self.line, self.what)
    }
}

impl Hba {
    /// Parses the file.
    ///
    /// # Errors
    /// The first line that is not a record: a server does not start on a file it half understands.
    pub fn parse(text: &str) -> Result<Hba, HbaError> {
        let mut rules = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let fields = split_fields(line);
            if !fields.is_empty() {
                rules.push(parse_rule(&fields).map_err(|what| HbaError { line: at + 1, what })?);
            }
        }
        Ok(Hba { rules })
    }

    /// Returns the method of the first record that matches.
    ///
    /// `member_of` answers whether the user is a member of a role (`+role`).
    pub fn method(
        &self,
        origin: Origin,
        database: &str,
        user: &str,
        member_of: &dyn Fn(&str) -> bool,
    ) -> Option<Method> {
        let rule = self.rules.iter().find(|rule| {
            rule.admits(origin)
                && rule.databases.iter().any(|d| match d.as_str() {
                    "all" => true,
                    "sameuser" => database == user,
                    "samerole" | "samegroup" => member_of(database),
                    name => name == database,
                })
                && rule.users.iter().any(|u| match u.strip_prefix('+') {
                    Some(role) => member_of(role),
                    None => u == "all" || u == user,
                })
        })?;
        Some(rule.method)
    }
}

impl Rule {
    fn admits(&self, origin: Origin) -> bool {
        match (origin, self.kind) {
            (Origin::Local, Kind::Local) => true,
            (Origin::Local, _) | (Origin::Host { .. }, Kind::Local) => false,
            (Origin::Host { address, tls }, kind) => {
                let transport = match kind {
                    Kind::HostTls => tls,
                    Kind::HostPlain => !tls,
                    Kind::Host | Kind::Local => true,
                };
                transport && self.network.contains(address)
            }
        }
    }
}

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        match self {
            Network::All => true,
            Network::SameHost => address.is_loopback(),
            Network::Block(IpAddr::V4(base), bits) => match address {
                IpAddr::V4(a) => {
                    same_prefix(u128::from(a.to_bits()) << 96, u128::from(base.to_bits()) << 96, bits)
                }
                IpAddr::V6(_) => false,
            },
            Network::Block(IpAddr::V6(base), bits) => match address {
                IpAddr::V6(a) => same_prefix(a.to_bits(), base.to_bits(), bits),
                IpAddr::V4(_) => false,
            },
        }
    }
}

fn same_prefix(a: u128, b: u128, bits: u8) -> bool {
    bits == 0 || (a ^ b) >> (128 - u32::from(bits)) == 0
}

/// Splits a line into fields; `#` starts a comment, double quotes keep blanks and special words literal.
fn split_fields(line: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut field = String::new();
    let (mut quoted, mut any) = (false, false);
    for c in line.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                any = true;
            }
            '#' if !quoted => break,
            c if c.is_whitespace() && !quoted => {
                if any {
                    fields.push(std::mem::take(&mut field));
                    any = false;
                }
            }
            c => {
                field.push(c);
                any = true;
            }
        }
    }
    if any {
        fields.push(field);
    }
    fields
}

fn parse_rule(fields: &[String]) -> Result<Rule, String> {
    let kind = match fields[0].as_str() {
        "local" => Kind::Local,
        "host" => Kind::Host,
        "hostssl" => Kind::HostTls,
        "hostnossl" => Kind::HostPlain,
        other => return Err(format!("invalid connection type \"{other}\"")),
    };
    let list = |at: usize, what: &str| -> Result<Vec<String>, String> {
        let field = fields.get(at).ok_or_else(|| format!("end-of-line before {what} specification"))?;
        Ok(field.split(',').filter(|s| !s.is_empty()).map(str::to_owned).collect())
    };
    let (databases, users) = (list(1, "database")?, list(2, "role")?);
    let (network, rest) = if kind == Kind::Local {
        (Network::All, 3)
    } else {
        let address = fields.get(3).ok_or("end-of-line before IP address specification")?;
        match fields.get(4).and_then(|mask| mask.parse::<IpAddr>().ok()) {
            Some(mask) => (Network::Block(parse_address(address)?, mask_bits(mask)?), 5),
            None => (parse_network(address)?, 4),
        }
    };
    let method = fields.get(rest).ok_or("end-of-line before authentication method")?;
    let method = match method.as_str() {
        "trust" => Method::Trust,
        "reject" => Method::Reject,
        "scram-sha-256" | "md5" | "password" => Method::Scram,
        "peer" if kind == Kind::Local => Method::Peer,
        "cert" if kind == Kind::HostTls => Method::Certificate,
        "cert" => return Err("cert authentication is only supported on hostssl connections".to_owned()),
        "peer" => return Err("peer authentication is only supported on local sockets".to_owned()),
        other => return Err(format!("invalid authentication method \"{other}\"")),
    };
    if let Some(option) = fields.get(rest + 1) {
        return Err(format!("unrecognized authentication option name: \"{option}\""));
    }
    Ok(Rule { kind, databases, users, network, method })
}

fn parse_address(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| format!("invalid IP address \"{text}\": use an address, host names are not resolved"))
}

fn parse_network(text: &str) -> Result<Network, String> {
    match text {
        "all" => return Ok(Network::All),
        "samehost" | "samenet" => return Ok(Network::SameHost),
        _ => {}
    }
    let (address, bits) = text
        .split_once('/')
        .ok_or_else(|| format!("invalid IP address \"{text}\": CIDR mask length is missing"))?;
    let address = parse_address(address)?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    match bits.parse::<u8>() {
        Ok(bits) if bits <= most => Ok(Network::Block(address, bits)),
        _ => Err(format!("invalid CIDR mask in address \"{text}\"")),
    }
}

fn mask_bits(mask: IpAddr) -> Result<u8, String> {
    let (ones, zeros, all) = match mask {
        IpAddr::V4(m) => (m.to_bits().leading_ones(), m.to_bits().trailing_zeros(), 32),
        IpAddr::V6(m) => (m.to_bits().leading_ones(), m.to_bits().trailing_zeros(), 128),
    };
    if ones + zeros < all {
        return Err(format!("invalid IP mask \"{mask}\""));
    }
    Ok(ones as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
# TYPE DATABASE USER ADDRESS METHOD
local all postgres peer
host app,\"odd name\" alice,+staff 10.0.0.0/8 scram-sha-256   # comment
hostssl sameuser all ::1/128 trust
host all all 127.0.0.1 255.255.255.255 reject
host all all all md5
";

    fn method(origin: Origin, database: &str, user: &str) -> Option<Method> {
        Hba::parse(FILE).unwrap().method(origin, database, user, &|role| role == "staff" && user == "bob")
    }

    fn tcp(address: &str, tls: bool) -> Origin {
        Origin::Host { address: address.parse().unwrap(), tls }
    }

    #[test]
    fn first_match_decides() {
        assert_eq!(method(Origin::Local, "app", "postgres"), Some(Method::Peer));
        assert_eq!(method(Origin::Local, "app", "alice"), None);
        assert_eq!(method(tcp("10.1.2.3", false), "app", "alice"), Some(Method::Scram));
        assert_eq!(method(tcp("10.1.2.3", false), "odd name", "bob"), Some(Method::Scram));
        assert_eq!(method(tcp("::1", true), "eve", "eve"), Some(Method::Trust));
        assert_eq!(method(tcp("::1", false), "eve", "eve"), Some(Method::Scram));
        assert_eq!(method(tcp("127.0.0.1", false), "x", "y"), Some(Method::Reject));
        assert_eq!(method(tcp("::ffff:127.0.0.1", false), "x", "y"), Some(Method::Reject));
    }

    #[test]
    fn bad_lines_are_named() {
        for (line, what) in [
            ("remote all all trust", "connection type"),
            ("host all all trust", "CIDR"),
            ("host all all 10.0.0.0/33 trust", "CIDR"),
            ("host all all 10.0.0.0/8 kerberos", "authentication method"),
            ("host all all 10.0.0.0/8 peer", "local sockets"),
            ("local all", "role"),
            ("host all all 10.0.0.0 255.0.255.0 trust", "mask"),
        ] {
            let error = Hba::parse(&format!("\n{line}")).expect_err(line);
            assert_eq!(error.line, 2);
            assert!(error.what.contains(what), "{line}: {}", error.what);
        }
    }
}
