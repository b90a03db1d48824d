//! The OSU018 cells: where their liberty file lies, and what it says that is needed here.

use std::path::Path;

use super::ToolError;

/// Where Debian's package puts the liberty file of the cells.
const LIBERTY: &str = "/usr/share/qflow/tech/osu018/osu018_stdcells.lib";

/// The path of the liberty file.
///
/// # Errors
/// [`ToolError::Missing`] if it is not there.
pub(crate) fn liberty() -> Result<&'static Path, ToolError> {
    let path = Path::new(LIBERTY);
    let missing = ToolError::Missing { tool: "osu018_stdcells.lib", package: "qflow-tech-osu018" };
    if path.is_file() { Ok(path) } else { Err(missing) }
}
