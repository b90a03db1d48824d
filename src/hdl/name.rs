//! What may stand as a name in the emitted Verilog.

use std::collections::HashSet;
use std::sync::LazyLock;

/// The longest name accepted, so that derived names stay far below any tool's limit.
pub const MAX_LENGTH: usize = 128;

/// The words that Verilog-2005 (IEEE 1364-2005, annex B) or SystemVerilog (IEEE 1800-2017, annex B)
/// reserve. The second list counts too: many flows read `.v` files as SystemVerilog.
static RESERVED: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    "accept_on alias always always_comb always_ff always_latch and assert assign assume automatic \
     before begin bind bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle \
     checker class clocking cmos config const constraint context continue cover covergroup \
     coverpoint cross deassign default defparam design disable dist do edge else end endcase \
     endchecker endclass endclocking endconfig endfunction endgenerate endgroup endinterface \
     endmodule endpackage endprimitive endprogram endproperty endsequence endspecify endtable \
     endtask enum event eventually expect export extends extern final first_match for force \
     foreach forever fork forkjoin function generate genvar global highz0 highz1 if iff ifnone \
     ignore_bins illegal_bins implements implies import incdir include initial inout input inside \
     instance int integer interconnect interface intersect join join_any join_none large let \
     liblist library local localparam logic longint macromodule matches medium modport module nand \
     negedge nettype new nexttime nmos nor noshowcancelled not notif0 notif1 null or output package \
     packed parameter pmos posedge primitive priority program property protected pull0 pull1 \
     pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase randsequence \
     rcmos real realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran \
     rtranif0 rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared sequence \
     shortint shortreal showcancelled signed small soft solve specify specparam static string \
     strong strong0 strong1 struct super supply0 supply1 sync_accept_on sync_reject_on table tagged \
     task this throughout time timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand \
     trior trireg type typedef union unique unique0 unsigned until until_with untyped use uwire var \
     vectored virtual void wait wait_order wand weak weak0 weak1 while wildcard wire with within wor \
     xnor xor"
        .split_whitespace()
        .collect()
});

/// Why a text cannot be a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("a name must not be empty")]
    Empty,
    /// The text is longer than [`MAX_LENGTH`].
    #[error("a name has at most {MAX_LENGTH} characters")]
    TooLong,
    /// The text holds something besides ASCII letters, digits and underscores, or starts with a
    /// digit.
    #[error(
        "a name starts with an ASCII letter or underscore and goes on with letters, digits and underscores"
    )]
    Illegal,
    /// Verilog or SystemVerilog reserves the word.
    #[error("the name is a reserved word of Verilog or SystemVerilog")]
    Reserved,
}

/// Accepts `name` if every tool takes it as a plain (not escaped) identifier.
///
/// ```
/// use lacuna::hdl::name::{check, NameError};
/// assert_eq!(check("mask_valid_o"), Ok(()));
/// assert_eq!(check("../x"), Err(NameError::Illegal));
/// assert_eq!(check("logic"), Err(NameError::Reserved));
/// ```
pub fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > MAX_LENGTH {
        return Err(NameError::TooLong);
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.chars().all(legal) || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(NameError::Illegal);
    }
    if RESERVED.contains(name) {
        return Err(NameError::Reserved);
    }
    Ok(())
}

/// The nearest text to `name` that [`check`] accepts, for the help line of an error.
pub fn suggest(name: &str) -> String {
    let mut text: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .take(MAX_LENGTH - 3)
        .collect();
    text = text.trim_matches('_').to_string();
    if text.is_empty() || text.starts_with(|c: char| c.is_ascii_digit()) {
        text.insert_str(0, "my_");
    }
    if RESERVED.contains(text.as_str()) {
        text.push_str("_0");
    }
    text
}

/// The fewest letters to insert, delete or replace that turn one word into the other.
pub(crate) fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.chars().enumerate() {
        let mut diagonal = index;
        row[0] = index + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

/// The name among `known` that takes the fewest edits to become `name`.
pub(super) fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a String> {
    known.iter().min_by_key(|other| distance(name, other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_edits() {
        for (from, to, edits) in
            [("", "", 0), ("", "ab", 2), ("width", "widht", 2), ("kitten", "sitting", 3)]
        {
            assert_eq!(distance(from, to), edits, "{from} {to}");
            assert_eq!(distance(to, from), edits, "{to} {from}");
        }
    }
}
