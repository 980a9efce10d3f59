//! The bounds on everything that crosses a boundary (invariant 8).

/// Bytes of one message between the agent's own processes.
pub const LOCAL_MESSAGE: usize = 16 * 1024;
/// Bytes of one gRPC message, either way.
pub const GRPC_MESSAGE: usize = 2 * 1024 * 1024;
/// Bytes of the rules that a policy names.
pub const RULES: usize = 16 * 1024 * 1024;
/// Bytes of the rules in one message.
pub const RULES_PIECE: usize = 64 * 1024;
/// Envelopes in one message.
pub const ENVELOPES: usize = 512;
/// Bytes of one encoded record.
pub const RECORD: usize = 64 * 1024;
/// Bytes of the text of one flag; longer texts are cut around the match before they are flagged.
pub const TEXT: usize = 4 * 1024;
/// Bytes of a name: of an account, a program, a term, a site.
pub const NAME: usize = 512;
/// Matches in one flag.
pub const MATCHES: usize = 32;
/// Exceptions named with one match.
pub const CONSIDERED: usize = 8;
/// Bytes of a certificate signing request.
pub const CSR: usize = 8 * 1024;
