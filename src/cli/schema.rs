//! `lacuna schema`: the JSON Schema of the configuration.

use clap::Args;

use super::{Failure, Report, pretty};
use crate::{blocks, config};

/// Print the JSON Schema of the configuration, for editors to complete and check it.
#[derive(Args)]
pub(super) struct Schema {}

impl Schema {
    pub(super) fn run(&self) -> Result<Report, Failure> {
        let schema = config::schema(&blocks::sections());
        Ok(Report::new(pretty(&schema), schema))
    }
}
