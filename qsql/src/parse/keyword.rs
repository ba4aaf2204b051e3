//! The kinds of token, among them PostgreSQL 18's keywords with their four categories.
//!
//! Source: PostgreSQL 18's `pg_get_keywords()`; manual, appendix C "SQL Key Words". Look-up is one probe sequence in a
//! hash table built at compile time.

/// What a keyword may also be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// Any name.
    Unreserved,
    /// A column or table name, not a function or type name.
    ColName,
    /// A function or type name, not a column or table name.
    TypeFuncName,
    /// Only a label after AS.
    Reserved,
    /// Not a keyword.
    None,
}

macro_rules! category {
    (U) => {
        Category::Unreserved
    };
    (C) => {
        Category::ColName
    };
    (T) => {
        Category::TypeFuncName
    };
    (R) => {
        Category::Reserved
    };
}

macro_rules! bare {
    (t) => {
        true
    };
    (f) => {
        false
    };
}

macro_rules! tokens {
    (kinds { $($(#[$doc:meta])* $kind:ident)* } keywords { $($word:ident $text:literal $cat:ident $bare:ident;)* }) => {
        /// The kind of a token.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        #[allow(missing_docs, reason = "keywords carry their own names")]
        pub enum Tok {
            $($(#[$doc])* $kind,)*
            $($word,)*
        }

        /// The keywords in order of their [`Tok`].
        static KEYWORDS: &[(&str, Tok, Category, bool)] = &[$(($text, Tok::$word, category!($cat), bare!($bare)),)*];

        const KIND_COUNT: usize = [$(Tok::$kind),*].len();
    };
}

tokens! {
kinds {
    /// The end of the text.
    Eof
    /// A lexical error; the lexer holds it.
    Invalid
    /// A character that begins no token.
    Other
    /// An identifier; folded to lower case when read.
    Ident
    /// `"..."`
    QuotedIdent
    /// `U&"..."`
    UnicodeIdent
    /// An integer in decimal digits without underscores.
    IntLit
    /// Any other number.
    NumLit
    /// `'...'`
    StrLit
    /// `E'...'`
    EscapeStrLit
    /// `U&'...'`
    UnicodeStrLit
    /// `$$...$$`
    DollarStrLit
    /// `B'...'`
    BitLit
    /// `X'...'`
    HexLit
    /// `$n`
    Param
    /// An operator that has no kind of its own.
    Op
    Plus Minus Star Slash Percent Caret Less Greater Equal
    LessEqual GreaterEqual NotEqual
    LParen RParen LBracket RBracket Comma Semicolon Colon Dot DotDot ColonColon ColonEqual EqualGreater
}
keywords {
    Abort "abort" U t; Absent "absent" U t; Absolute "absolute" U t; Access "access" U t;
    Action "action" U t; Add "add" U t; Admin "admin" U t; After "after" U t; Aggregate "aggregate" U t;
    All "all" R t; Also "also" U t; Alter "alter" U t; Always "always" U t; Analyse "analyse" R t;
    Analyze "analyze" R t; And "and" R t; Any "any" R t; Array "array" R f; As "as" R f; Asc "asc" R t;
    Asensitive "asensitive" U t; Assertion "assertion" U t; Assignment "assignment" U t;
    Asymmetric "asymmetric" R t; At "at" U t; Atomic "atomic" U t; Attach "attach" U t;
    Attribute "attribute" U t; Authorization "authorization" T t; Backward "backward" U t;
    Before "before" U t; Begin "begin" U t; Between "between" C t; Bigint "bigint" C t; Binary "binary" T t;
    Bit "bit" C t; Boolean "boolean" C t; Both "both" R t; Breadth "breadth" U t; By "by" U t;
    Cache "cache" U t; Call "call" U t; Called "called" U t; Cascade "cascade" U t; Cascaded "cascaded" U t;
    Case "case" R t; Cast "cast" R t; Catalog "catalog" U t; Chain "chain" U t; Char "char" C f;
    Character "character" C f; Characteristics "characteristics" U t; Check "check" R t;
    Checkpoint "checkpoint" U t; Class "class" U t; Close "close" U t; Cluster "cluster" U t;
    Coalesce "coalesce" C t; Collate "collate" R t; Collation "collation" T t; Column "column" R t;
    Columns "columns" U t; Comment "comment" U t; Comments "comments" U t; Commit "commit" U t;
    Committed "committed" U t; Compression "compression" U t; Concurrently "concurrently" T t;
    Conditional "conditional" U t; Configuration "configuration" U t; Conflict "conflict" U t;
    Connection "connection" U t; Constraint "constraint" R t; Constraints "constraints" U t;
    Content "content" U t; Continue "continue" U t; Conversion "conversion" U t; Copy "copy" U t;
    Cost "cost" U t; Create "create" R f; Cross "cross" T t; Csv "csv" U t; Cube "cube" U t;
    Current "current" U t; CurrentCatalog "current_catalog" R t; CurrentDate "current_date" R t;
    CurrentRole "current_role" R t; CurrentSchema "current_schema" T t; CurrentTime "current_time" R t;
    CurrentTimestamp "current_timestamp" R t; CurrentUser "current_user" R t; Cursor "cursor" U t;
    Cycle "cycle" U t; Data "data" U t; Database "database" U t; Day "day" U f; Deallocate "deallocate" U t;
    Dec "dec" C t; Decimal "decimal" C t; Declare "declare" U t; Default "default" R t;
    Defaults "defaults" U t; Deferrable "deferrable" R t; Deferred "deferred" U t; Definer "definer" U t;
    Delete "delete" U t; Delimiter "delimiter" U t; Delimiters "delimiters" U t; Depends "depends" U t;
    Depth "depth" U t; Desc "desc" R t; Detach "detach" U t; Dictionary "dictionary" U t;
    Disable "disable" U t; Discard "discard" U t; Distinct "distinct" R t; Do "do" R t;
    Document "document" U t; Domain "domain" U t; Double "double" U t; Drop "drop" U t; Each "each" U t;
    Else "else" R t; Empty "empty" U t; Enable "enable" U t; Encoding "encoding" U t;
    Encrypted "encrypted" U t; End "end" R t; Enforced "enforced" U t; Enum "enum" U t; Error "error" U t;
    Escape "escape" U t; Event "event" U t; Except "except" R f; Exclude "exclude" U t;
    Excluding "excluding" U t; Exclusive "exclusive" U t; Execute "execute" U t; Exists "exists" C t;
    Explain "explain" U t; Expression "expression" U t; Extension "extension" U t; External "external" U t;
    Extract "extract" C t; False "false" R t; Family "family" U t; Fetch "fetch" R f; Filter "filter" U f;
    Finalize "finalize" U t; First "first" U t; Float "float" C t; Following "following" U t; For "for" R f;
    Force "force" U t; Foreign "foreign" R t; Format "format" U t; Forward "forward" U t;
    Freeze "freeze" T t; From "from" R f; Full "full" T t; Function "function" U t;
    Functions "functions" U t; Generated "generated" U t; Global "global" U t; Grant "grant" R f;
    Granted "granted" U t; Greatest "greatest" C t; Group "group" R f; Grouping "grouping" C t;
    Groups "groups" U t; Handler "handler" U t; Having "having" R f; Header "header" U t; Hold "hold" U t;
    Hour "hour" U f; Identity "identity" U t; If "if" U t; Ilike "ilike" T t; Immediate "immediate" U t;
    Immutable "immutable" U t; Implicit "implicit" U t; Import "import" U t; In "in" R t;
    Include "include" U t; Including "including" U t; Increment "increment" U t; Indent "indent" U t;
    Index "index" U t; Indexes "indexes" U t; Inherit "inherit" U t; Inherits "inherits" U t;
    Initially "initially" R t; Inline "inline" U t; Inner "inner" T t; Inout "inout" C t; Input "input" U t;
    Insensitive "insensitive" U t; Insert "insert" U t; Instead "instead" U t; Int "int" C t;
    Integer "integer" C t; Intersect "intersect" R f; Interval "interval" C t; Into "into" R f;
    Invoker "invoker" U t; Is "is" T t; Isnull "isnull" T f; Isolation "isolation" U t; Join "join" T t;
    Json "json" C t; JsonArray "json_array" C t; JsonArrayagg "json_arrayagg" C t;
    JsonExists "json_exists" C t; JsonObject "json_object" C t; JsonObjectagg "json_objectagg" C t;
    JsonQuery "json_query" C t; JsonScalar "json_scalar" C t; JsonSerialize "json_serialize" C t;
    JsonTable "json_table" C t; JsonValue "json_value" C t; Keep "keep" U t; Key "key" U t; Keys "keys" U t;
    Label "label" U t; Language "language" U t; Large "large" U t; Last "last" U t; Lateral "lateral" R t;
    Leading "leading" R t; Leakproof "leakproof" U t; Least "least" C t; Left "left" T t; Level "level" U t;
    Like "like" T t; Limit "limit" R f; Listen "listen" U t; Load "load" U t; Local "local" U t;
    Localtime "localtime" R t; Localtimestamp "localtimestamp" R t; Location "location" U t;
    Lock "lock" U t; Locked "locked" U t; Logged "logged" U t; Mapping "mapping" U t; Match "match" U t;
    Matched "matched" U t; Materialized "materialized" U t; Maxvalue "maxvalue" U t; Merge "merge" U t;
    MergeAction "merge_action" C t; Method "method" U t; Minute "minute" U f; Minvalue "minvalue" U t;
    Mode "mode" U t; Month "month" U f; Move "move" U t; Name "name" U t; Names "names" U t;
    National "national" C t; Natural "natural" T t; Nchar "nchar" C t; Nested "nested" U t; New "new" U t;
    Next "next" U t; Nfc "nfc" U t; Nfd "nfd" U t; Nfkc "nfkc" U t; Nfkd "nfkd" U t; No "no" U t;
    None "none" C t; Normalize "normalize" C t; Normalized "normalized" U t; Not "not" R t;
    Nothing "nothing" U t; Notify "notify" U t; Notnull "notnull" T f; Nowait "nowait" U t; Null "null" R t;
    Nullif "nullif" C t; Nulls "nulls" U t; Numeric "numeric" C t; Object "object" U t;
    Objects "objects" U t; Of "of" U t; Off "off" U t; Offset "offset" R f; Oids "oids" U t; Old "old" U t;
    Omit "omit" U t; On "on" R f; Only "only" R t; Operator "operator" U t; Option "option" U t;
    Options "options" U t; Or "or" R t; Order "order" R f; Ordinality "ordinality" U t; Others "others" U t;
    Out "out" C t; Outer "outer" T t; Over "over" U f; Overlaps "overlaps" T f; Overlay "overlay" C t;
    Overriding "overriding" U t; Owned "owned" U t; Owner "owner" U t; Parallel "parallel" U t;
    Parameter "parameter" U t; Parser "parser" U t; Partial "partial" U t; Partition "partition" U t;
    Passing "passing" U t; Password "password" U t; Path "path" U t; Period "period" U t;
    Placing "placing" R t; Plan "plan" U t; Plans "plans" U t; Policy "policy" U t; Position "position" C t;
    Preceding "preceding" U t; Precision "precision" C f; Prepare "prepare" U t; Prepared "prepared" U t;
    Preserve "preserve" U t; Primary "primary" R t; Prior "prior" U t; Privileges "privileges" U t;
    Procedural "procedural" U t; Procedure "procedure" U t; Procedures "procedures" U t;
    Program "program" U t; Publication "publication" U t; Quote "quote" U t; Quotes "quotes" U t;
    Range "range" U t; Read "read" U t; Real "real" C t; Reassign "reassign" U t; Recursive "recursive" U t;
    Ref "ref" U t; References "references" R t; Referencing "referencing" U t; Refresh "refresh" U t;
    Reindex "reindex" U t; Relative "relative" U t; Release "release" U t; Rename "rename" U t;
    Repeatable "repeatable" U t; Replace "replace" U t; Replica "replica" U t; Reset "reset" U t;
    Restart "restart" U t; Restrict "restrict" U t; Return "return" U t; Returning "returning" R f;
    Returns "returns" U t; Revoke "revoke" U t; Right "right" T t; Role "role" U t; Rollback "rollback" U t;
    Rollup "rollup" U t; Routine "routine" U t; Routines "routines" U t; Row "row" C t; Rows "rows" U t;
    Rule "rule" U t; Savepoint "savepoint" U t; Scalar "scalar" U t; Schema "schema" U t;
    Schemas "schemas" U t; Scroll "scroll" U t; Search "search" U t; Second "second" U f;
    Security "security" U t; Select "select" R t; Sequence "sequence" U t; Sequences "sequences" U t;
    Serializable "serializable" U t; Server "server" U t; Session "session" U t;
    SessionUser "session_user" R t; Set "set" U t; Setof "setof" C t; Sets "sets" U t; Share "share" U t;
    Show "show" U t; Similar "similar" T t; Simple "simple" U t; Skip "skip" U t; Smallint "smallint" C t;
    Snapshot "snapshot" U t; Some "some" R t; Source "source" U t; Sql "sql" U t; Stable "stable" U t;
    Standalone "standalone" U t; Start "start" U t; Statement "statement" U t; Statistics "statistics" U t;
    Stdin "stdin" U t; Stdout "stdout" U t; Storage "storage" U t; Stored "stored" U t; Strict "strict" U t;
    String "string" U t; Strip "strip" U t; Subscription "subscription" U t; Substring "substring" C t;
    Support "support" U t; Symmetric "symmetric" R t; Sysid "sysid" U t; System "system" U t;
    SystemUser "system_user" R t; Table "table" R t; Tables "tables" U t; Tablesample "tablesample" T t;
    Tablespace "tablespace" U t; Target "target" U t; Temp "temp" U t; Template "template" U t;
    Temporary "temporary" U t; Text "text" U t; Then "then" R t; Ties "ties" U t; Time "time" C t;
    Timestamp "timestamp" C t; To "to" R f; Trailing "trailing" R t; Transaction "transaction" U t;
    Transform "transform" U t; Treat "treat" C t; Trigger "trigger" U t; Trim "trim" C t; True "true" R t;
    Truncate "truncate" U t; Trusted "trusted" U t; Type "type" U t; Types "types" U t;
    Uescape "uescape" U t; Unbounded "unbounded" U t; Uncommitted "uncommitted" U t;
    Unconditional "unconditional" U t; Unencrypted "unencrypted" U t; Union "union" R f;
    Unique "unique" R t; Unknown "unknown" U t; Unlisten "unlisten" U t; Unlogged "unlogged" U t;
    Until "until" U t; Update "update" U t; User "user" R t; Using "using" R t; Vacuum "vacuum" U t;
    Valid "valid" U t; Validate "validate" U t; Validator "validator" U t; Value "value" U t;
    Values "values" C t; Varchar "varchar" C t; Variadic "variadic" R t; Varying "varying" U f;
    Verbose "verbose" T t; Version "version" U t; View "view" U t; Views "views" U t; Virtual "virtual" U t;
    Volatile "volatile" U t; When "when" R t; Where "where" R f; Whitespace "whitespace" U t;
    Window "window" R f; With "with" R f; Within "within" U f; Without "without" U f; Work "work" U t;
    Wrapper "wrapper" U t; Write "write" U t; Xml "xml" U t; Xmlattributes "xmlattributes" C t;
    Xmlconcat "xmlconcat" C t; Xmlelement "xmlelement" C t; Xmlexists "xmlexists" C t;
    Xmlforest "xmlforest" C t; Xmlnamespaces "xmlnamespaces" C t; Xmlparse "xmlparse" C t;
    Xmlpi "xmlpi" C t; Xmlroot "xmlroot" C t; Xmlserialize "xmlserialize" C t; Xmltable "xmltable" C t;
    Year "year" U f; Yes "yes" U t; Zone "zone" U t;
}
}

const SLOTS: usize = 2048;

/// Keyword number + 1 by hash slot, 0 for none.
static TABLE: [u16; SLOTS] = build_table();

const fn step(hash: u32, byte: u8) -> u32 {
    (hash ^ byte as u32).wrapping_mul(0x0100_0193)
}

const fn slot(hash: u32) -> usize {
    ((hash ^ (hash >> 15)) as usize) & (SLOTS - 1)
}

const fn build_table() -> [u16; SLOTS] {
    let mut table = [0u16; SLOTS];
    let mut i = 0;
    while i < KEYWORDS.len() {
        let word = KEYWORDS[i].0.as_bytes();
        let mut hash = 0x811c_9dc5;
        let mut j = 0;
        while j < word.len() {
            hash = step(hash, word[j]);
            j += 1;
        }
        let mut at = slot(hash);
        while table[at] != 0 {
            at = (at + 1) & (SLOTS - 1);
        }
        table[at] = i as u16 + 1;
        i += 1;
    }
    table
}

/// Returns the keyword that `word` spells in any case, or `Tok::Ident`.
pub(super) fn lookup(word: &[u8]) -> Tok {
    if word.len() > 17 {
        return Tok::Ident;
    }
    let mut hash = 0x811c_9dc5;
    for &b in word {
        hash = step(hash, b.to_ascii_lowercase());
    }
    let mut at = slot(hash);
    while TABLE[at] != 0 {
        let (text, tok, ..) = KEYWORDS[TABLE[at] as usize - 1];
        if text.as_bytes().eq_ignore_ascii_case(word) {
            return tok;
        }
        at = (at + 1) & (SLOTS - 1);
    }
    Tok::Ident
}

impl Tok {
    fn keyword(self) -> Option<&'static (&'static str, Tok, Category, bool)> {
        (self as usize).checked_sub(KIND_COUNT).map(|i| &KEYWORDS[i])
    }

    /// Returns the keyword's category, `Category::None` for other tokens.
    pub fn category(self) -> Category {
        self.keyword().map_or(Category::None, |k| k.2)
    }

    /// Returns the keyword in lower case.
    pub fn keyword_text(self) -> Option<&'static str> {
        self.keyword().map(|k| k.0)
    }

    /// Whether the keyword may label a column without AS.
    pub fn is_bare_label(self) -> bool {
        self.keyword().is_some_and(|k| k.3)
    }
}

/// Every keyword with its category and whether it may label a column without AS, for `pg_get_keywords`.
pub fn all() -> impl Iterator<Item = (&'static str, Category, bool)> {
    KEYWORDS.iter().map(|&(text, _, category, bare)| (text, category, bare))
}

/// Whether `name` must be quoted to be read back as the same identifier.
pub fn needs_quotes(name: &str) -> bool {
    let mut bytes = name.bytes();
    let plain = matches!(bytes.next(), Some(b'a'..=b'z' | b'_'))
        && bytes.all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    !plain || !matches!(lookup(name.as_bytes()).category(), Category::None | Category::Unreserved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_is_found_in_any_case() {
        for (i, &(text, tok, category, _)) in KEYWORDS.iter().enumerate() {
            assert_eq!(lookup(text.as_bytes()), tok);
            assert_eq!(lookup(text.to_uppercase().as_bytes()), tok);
            assert_eq!(tok as usize, KIND_COUNT + i);
            assert_eq!(tok.category(), category);
            assert!(text.len() <= 17);
        }
        for word in ["selec", "selects", "", "current_timestamps", "x"] {
            assert_eq!(lookup(word.as_bytes()), Tok::Ident, "{word}");
        }
    }

    #[test]
    fn quoting_follows_postgresql() {
        for (name, quoted) in [
            ("a", false),
            ("a1_", false),
            ("A", true),
            ("1a", true),
            ("select", true),
            ("name", false),
            ("int", true),
            ("left", true),
            ("", true),
            ("a b", true),
        ] {
            assert_eq!(needs_quotes(name), quoted, "{name}");
        }
    }
}
