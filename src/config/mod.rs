//! The configuration: TOML with spans in, validated parameters out, every error at once.
