//! The `lacuna` command.

use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    lacuna::cli::run()
}
