//! A few kinds of blocks that exist only to be configured.

use lacuna::config::{Parameters, SectionKind, Values, Violation, choices, parameters};

choices! {
    /// What is done with an element that finds no room.
    pub enum Policy {
        /// It waits.
        Stall = "stall",
        /// It is lost.
        Drop = "drop",
    }
}

parameters! {
    /// Parameters of the FIFO.
    pub struct FifoParameters {
        /// Bits per element.
        width: u32 = 8 in 1..=4096,
        /// Elements held.
        depth: u32 = 16 in 1..=65_536,
        /// Whether the output is registered.
        registered: bool = true,
        /// What is done with an element that finds no room.
        policy: Policy = Policy::Stall,
        /// Added to every element.
        offset: i64 = -1 in -9_000_000_000_000_000_000..=i64::MAX,
    }
}

parameters! {
    /// Parameters of the register slice.
    pub struct SliceParameters {
        /// Bits per element.
        width: u32 = 8 in 1..=4096,
    }
}

parameters! {
    /// Parameters of the mask generator.
    pub struct MaskParameters {
        /// Elements that share a mask. This documentation is long enough to need a second line in
        /// the starter.
        group: u32 = 16 in 1..=64,
        /// Elements per cycle.
        lanes: u32 = 4 in 1..=64,
    }
}

fn any(_: &Values) -> Vec<Violation> {
    Vec::new()
}

fn validate_mask(values: &Values) -> Vec<Violation> {
    let MaskParameters { group, lanes } = MaskParameters::from_values(values);
    if group % lanes == 0 || lanes % group == 0 {
        return Vec::new();
    }
    let works: Vec<String> =
        (1..=64).filter(|n| group % n == 0 || n % group == 0).map(|n| n.to_string()).collect();
    vec![Violation {
        parameter: "lanes",
        code: "E0103",
        rule: "`lanes` must divide `group` or be a multiple of it".into(),
        note: format!("group = {group}"),
        help: format!("use one of {}", works.join(", ")),
    }]
}

/// All kinds.
pub const KINDS: &[SectionKind] = &[
    SectionKind {
        name: "fifo",
        summary: "Holds elements until they are wanted.",
        parameters: FifoParameters::PARAMETERS,
        validate: any,
    },
    SectionKind {
        name: "register_slice",
        summary: "Cuts the timing path of a stream.",
        parameters: SliceParameters::PARAMETERS,
        validate: any,
    },
    SectionKind {
        name: "mask_generator",
        summary: "Says which elements matter.",
        parameters: MaskParameters::PARAMETERS,
        validate: validate_mask,
    },
    SectionKind {
        name: "empty",
        summary: "Has nothing to choose.",
        parameters: &[],
        validate: any,
    },
];
