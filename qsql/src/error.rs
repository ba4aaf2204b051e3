//! The error that a client sees: SQLSTATE, PostgreSQL's wording, and the place in the statement.
//!
//! Source: PostgreSQL manual, appendix A "PostgreSQL Error Codes" and 54.8 "Error and Notice Message Fields".

use std::borrow::Cow;
use std::fmt;

/// A five-character SQLSTATE code.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SqlState(pub [u8; 5]);

impl SqlState {
    /// Returns the code as text, for example `"42601"`.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XX000")
    }
}

impl fmt::Debug for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! sql_states {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        #[allow(missing_docs, reason = "the constants carry PostgreSQL's own condition names")]
        impl SqlState {
            $($(#[$doc])* pub const $name: SqlState = SqlState(*$code);)*
        }
    };
}

sql_states! {
    WARNING = b"01000";
    NO_DATA = b"02000";
    CONNECTION_FAILURE = b"08006";
    PROTOCOL_VIOLATION = b"08P01";
    FEATURE_NOT_SUPPORTED = b"0A000";
    INVALID_TRANSACTION_INITIATION = b"0B000";
    CASE_NOT_FOUND = b"20000";
    CARDINALITY_VIOLATION = b"21000";
    DATA_EXCEPTION = b"22000";
    STRING_DATA_RIGHT_TRUNCATION = b"22001";
    STRING_DATA_LENGTH_MISMATCH = b"22026";
    NULL_VALUE_NO_INDICATOR = b"22002";
    NUMERIC_VALUE_OUT_OF_RANGE = b"22003";
    NULL_VALUE_NOT_ALLOWED = b"22004";
    INVALID_DATETIME_FORMAT = b"22007";
    DATETIME_FIELD_OVERFLOW = b"22008";
    INVALID_TIME_ZONE_DISPLACEMENT = b"22009";
    SUBSTRING_ERROR = b"22011";
    INVALID_PRECEDING_OR_FOLLOWING_SIZE = b"22013";
    DIVISION_BY_ZERO = b"22012";
    INTERVAL_FIELD_OVERFLOW = b"22015";
    INVALID_ARGUMENT_FOR_NTILE = b"22014";
    INVALID_ARGUMENT_FOR_NTH_VALUE = b"22016";
    INVALID_USE_OF_ESCAPE_CHARACTER = b"2200C";
    INVALID_ESCAPE_CHARACTER = b"22019";
    INVALID_REGULAR_EXPRESSION = b"2201B";
    INVALID_ARGUMENT_FOR_LOG = b"2201E";
    INVALID_ARGUMENT_FOR_POWER = b"2201F";
    INVALID_ARGUMENT_FOR_WIDTH_BUCKET = b"2201G";
    INVALID_ROW_COUNT_IN_LIMIT_CLAUSE = b"2201W";
    INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE = b"2201X";
    CHARACTER_NOT_IN_REPERTOIRE = b"22021";
    INDICATOR_OVERFLOW = b"22022";
    INVALID_PARAMETER_VALUE = b"22023";
    INVALID_ESCAPE_SEQUENCE = b"22025";
    ARRAY_ELEMENT_ERROR = b"2202E";
    INVALID_TABLESAMPLE_REPEAT = b"2202G";
    INVALID_TABLESAMPLE_ARGUMENT = b"2202H";
    ARRAY_SUBSCRIPT_ERROR = b"2202E";
    DUPLICATE_JSON_OBJECT_KEY_VALUE = b"22030";
    INVALID_ARGUMENT_FOR_SQL_JSON_DATETIME_FUNCTION = b"22031";
    INVALID_JSON_TEXT = b"22032";
    INVALID_SQL_JSON_SUBSCRIPT = b"22033";
    MORE_THAN_ONE_SQL_JSON_ITEM = b"22034";
    NO_SQL_JSON_ITEM = b"22035";
    NON_NUMERIC_SQL_JSON_ITEM = b"22036";
    SINGLETON_SQL_JSON_ITEM_REQUIRED = b"22038";
    SQL_JSON_ARRAY_NOT_FOUND = b"22039";
    SQL_JSON_MEMBER_NOT_FOUND = b"2203A";
    SQL_JSON_NUMBER_NOT_FOUND = b"2203B";
    SQL_JSON_OBJECT_NOT_FOUND = b"2203C";
    SQL_JSON_SCALAR_REQUIRED = b"2203F";
    SQL_JSON_ITEM_CANNOT_BE_CAST_TO_TARGET_TYPE = b"2203G";
    INVALID_TEXT_REPRESENTATION = b"22P02";
    INVALID_BINARY_REPRESENTATION = b"22P03";
    BAD_COPY_FILE_FORMAT = b"22P04";
    UNTRANSLATABLE_CHARACTER = b"22P05";
    INTEGRITY_CONSTRAINT_VIOLATION = b"23000";
    RESTRICT_VIOLATION = b"23001";
    NOT_NULL_VIOLATION = b"23502";
    FOREIGN_KEY_VIOLATION = b"23503";
    UNIQUE_VIOLATION = b"23505";
    CHECK_VIOLATION = b"23514";
    EXCLUSION_VIOLATION = b"23P01";
    INVALID_CURSOR_STATE = b"24000";
    INVALID_TRANSACTION_STATE = b"25000";
    ACTIVE_SQL_TRANSACTION = b"25001";
    READ_ONLY_SQL_TRANSACTION = b"25006";
    NO_ACTIVE_SQL_TRANSACTION = b"25P01";
    IN_FAILED_SQL_TRANSACTION = b"25P02";
    IDLE_IN_TRANSACTION_SESSION_TIMEOUT = b"25P03";
    TRANSACTION_TIMEOUT = b"25P04";
    INVALID_SQL_STATEMENT_NAME = b"26000";
    INVALID_AUTHORIZATION_SPECIFICATION = b"28000";
    INVALID_PASSWORD = b"28P01";
    DEPENDENT_PRIVILEGE_DESCRIPTORS_STILL_EXIST = b"2B000";
    INVALID_GRANT_OPERATION = b"0LP01";
    DEPENDENT_OBJECTS_STILL_EXIST = b"2BP01";
    INVALID_CURSOR_NAME = b"34000";
    INVALID_SAVEPOINT_SPECIFICATION = b"3B001";
    INVALID_CATALOG_NAME = b"3D000";
    INVALID_SCHEMA_NAME = b"3F000";
    SERIALIZATION_FAILURE = b"40001";
    STATEMENT_COMPLETION_UNKNOWN = b"40003";
    DEADLOCK_DETECTED = b"40P01";
    SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION = b"42000";
    INSUFFICIENT_PRIVILEGE = b"42501";
    SYNTAX_ERROR = b"42601";
    INVALID_NAME = b"42602";
    INVALID_COLUMN_DEFINITION = b"42611";
    NAME_TOO_LONG = b"42622";
    DUPLICATE_COLUMN = b"42701";
    AMBIGUOUS_COLUMN = b"42702";
    UNDEFINED_COLUMN = b"42703";
    UNDEFINED_OBJECT = b"42704";
    DUPLICATE_OBJECT = b"42710";
    DUPLICATE_ALIAS = b"42712";
    DUPLICATE_FUNCTION = b"42723";
    AMBIGUOUS_FUNCTION = b"42725";
    GROUPING_ERROR = b"42803";
    DATATYPE_MISMATCH = b"42804";
    WRONG_OBJECT_TYPE = b"42809";
    INVALID_FOREIGN_KEY = b"42830";
    CANNOT_COERCE = b"42846";
    UNDEFINED_FUNCTION = b"42883";
    GENERATED_ALWAYS = b"428C9";
    RESERVED_NAME = b"42939";
    UNDEFINED_TABLE = b"42P01";
    UNDEFINED_PARAMETER = b"42P02";
    DUPLICATE_CURSOR = b"42P03";
    DUPLICATE_DATABASE = b"42P04";
    DUPLICATE_PREPARED_STATEMENT = b"42P05";
    DUPLICATE_SCHEMA = b"42P06";
    DUPLICATE_TABLE = b"42P07";
    AMBIGUOUS_PARAMETER = b"42P08";
    AMBIGUOUS_ALIAS = b"42P09";
    INVALID_COLUMN_REFERENCE = b"42P10";
    INVALID_CURSOR_DEFINITION = b"42P11";
    INVALID_FUNCTION_DEFINITION = b"42P13";
    INVALID_PREPARED_STATEMENT_DEFINITION = b"42P14";
    INVALID_SCHEMA_DEFINITION = b"42P15";
    INVALID_TABLE_DEFINITION = b"42P16";
    INVALID_OBJECT_DEFINITION = b"42P17";
    INDETERMINATE_DATATYPE = b"42P18";
    INVALID_RECURSION = b"42P19";
    WINDOWING_ERROR = b"42P20";
    COLLATION_MISMATCH = b"42P21";
    INDETERMINATE_COLLATION = b"42P22";
    WITH_CHECK_OPTION_VIOLATION = b"44000";
    INSUFFICIENT_RESOURCES = b"53000";
    DISK_FULL = b"53100";
    OUT_OF_MEMORY = b"53200";
    TOO_MANY_CONNECTIONS = b"53300";
    CONFIGURATION_LIMIT_EXCEEDED = b"53400";
    PROGRAM_LIMIT_EXCEEDED = b"54000";
    STATEMENT_TOO_COMPLEX = b"54001";
    TOO_MANY_COLUMNS = b"54011";
    TOO_MANY_ARGUMENTS = b"54023";
    OBJECT_NOT_IN_PREREQUISITE_STATE = b"55000";
    OBJECT_IN_USE = b"55006";
    CANT_CHANGE_RUNTIME_PARAM = b"55P02";
    LOCK_NOT_AVAILABLE = b"55P03";
    UNSAFE_NEW_ENUM_VALUE_USAGE = b"55P04";
    QUERY_CANCELED = b"57014";
    ADMIN_SHUTDOWN = b"57P01";
    CRASH_SHUTDOWN = b"57P02";
    CANNOT_CONNECT_NOW = b"57P03";
    IDLE_SESSION_TIMEOUT = b"57P05";
    SYSTEM_ERROR = b"58000";
    IO_ERROR = b"58030";
    UNDEFINED_FILE = b"58P01";
    CONFIG_FILE_ERROR = b"F0000";
    INTERNAL_ERROR = b"XX000";
    DATA_CORRUPTED = b"XX001";
    INDEX_CORRUPTED = b"XX002";
}

/// An error (or, with another severity at the wire, a notice) in PostgreSQL's terms.
///
/// `position` is a 1-based count of characters into the statement's text, as the protocol's `P` field.
#[derive(Clone, Debug)]
pub struct SqlError(pub Box<ErrorFields>);

/// The fields of a [`SqlError`]; empty ones are not sent.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named after the protocol's fields")]
pub struct ErrorFields {
    pub code: SqlState,
    pub message: Cow<'static, str>,
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// Byte offset into the statement; turned into a character position where the text is known.
    pub byte_offset: Option<u32>,
    /// 1-based character position; set by [`SqlError::locate`].
    pub position: Option<u32>,
    pub context: Option<String>,
    pub schema: Option<String>,
    pub table: Option<String>,
    pub column: Option<String>,
    pub data_type: Option<String>,
    pub constraint: Option<String>,
    /// Name of PostgreSQL's function that reports it, where drivers decide by it.
    pub routine: Option<&'static str>,
}

/// The result of anything that can fail towards a client.
pub type Result<T, E = SqlError> = std::result::Result<T, E>;

impl SqlError {
    /// Builds an error from a code and PostgreSQL's message text.
    #[cold]
    pub fn new(code: SqlState, message: impl Into<Cow<'static, str>>) -> Self {
        SqlError(Box::new(ErrorFields {
            code,
            message: message.into(),
            detail: None,
            hint: None,
            byte_offset: None,
            position: None,
            context: None,
            schema: None,
            table: None,
            column: None,
            data_type: None,
            constraint: None,
            routine: None,
        }))
    }

    /// `0A000`: `what` is a PostgreSQL feature that is not built yet.
    #[cold]
    pub fn unsupported(what: impl fmt::Display) -> Self {
        Self::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{what} is not supported"))
    }

    /// `XX000`: a broken invariant that must not take the server down.
    #[cold]
    pub fn internal(what: impl fmt::Display) -> Self {
        Self::new(SqlState::INTERNAL_ERROR, what.to_string())
    }

    /// Returns the SQLSTATE.
    pub fn code(&self) -> SqlState {
        self.0.code
    }

    /// Returns the primary message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Adds the detail field.
    pub fn detail(mut self, text: impl Into<String>) -> Self {
        self.0.detail = Some(text.into());
        self
    }

    /// Adds the hint field.
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.0.hint = Some(text.into());
        self
    }

    /// Adds the context field (`CONTEXT:` in psql), for example COPY's line and column.
    pub fn context(mut self, text: impl Into<String>) -> Self {
        self.0.context = Some(text.into());
        self
    }

    /// Adds the routine field, by which drivers know some errors apart.
    pub fn routine(mut self, name: &'static str) -> Self {
        self.0.routine = Some(name);
        self
    }

    /// Remembers the byte offset of the offending token, unless an inner place is already known.
    pub fn at(mut self, byte_offset: u32) -> Self {
        self.0.byte_offset.get_or_insert(byte_offset);
        self
    }

    /// Turns the byte offset into the protocol's character position within `statement`.
    pub fn locate(mut self, statement: &str) -> Self {
        if let (Some(offset), None) = (self.0.byte_offset, self.0.position) {
            let end = statement.floor_char_boundary((offset as usize).min(statement.len()));
            self.0.position = Some(statement[..end].chars().count() as u32 + 1);
        }
        self
    }

    /// Names the schema, table, column and constraint fields of an integrity violation; empty ones are left out.
    pub fn object(mut self, schema: &str, table: &str, column: &str, constraint: &str) -> Self {
        let some = |s: &str| (!s.is_empty()).then(|| s.to_owned());
        self.0.schema = some(schema);
        self.0.table = some(table);
        self.0.column = some(column);
        self.0.constraint = some(constraint);
        self
    }

    /// Names the schema and the data type fields: a domain whose constraint is not satisfied.
    pub fn datatype(mut self, schema: &str, name: &str) -> Self {
        self.0.schema = Some(schema.to_owned());
        self.0.data_type = Some(name.to_owned());
        self
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0.message, self.0.code.as_str())
    }
}

impl std::error::Error for SqlError {}

/// Returns early with a [`SqlError`]: `bail!(UNDEFINED_TABLE, "relation \"{name}\" does not exist")`.
#[macro_export]
macro_rules! bail {
    ($state:ident, $($message:tt)+) => { return Err($crate::sql_err!($state, $($message)+)) };
}

/// Builds a [`SqlError`] from the name of a [`SqlState`] constant and a format string.
#[macro_export]
macro_rules! sql_err {
    ($state:ident, $($message:tt)+) => {
        $crate::error::SqlError::new($crate::error::SqlState::$state, format!($($message)+))
    };
}
