//! Register maps: what a host sees of a device.
//!
//! A [`RegisterMap`] is plain data, said once. The decode in hardware, the driver, the C header, the
//! SystemRDL and the page of documentation are all made from it.

use serde::Serialize;

/// Bytes of a register.
pub const BYTES: u32 = 4;

/// Bits of a register.
pub const BITS: u32 = 8 * BYTES;

/// All registers of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegisterMap {
    /// The device, as C and SystemRDL may name it.
    pub name: String,
    /// What the device does, in one line.
    pub doc: String,
    /// Groups, from the lowest address on.
    pub groups: Vec<Group>,
}

/// Registers that belong together, once or several times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The name.
    pub name: String,
    /// What the registers are about.
    pub doc: String,
    /// The address of the first byte.
    pub base: u32,
    /// How many there are, one behind the other.
    pub count: u32,
    /// Bytes from one to the next.
    pub stride: u32,
    /// The registers, from the lowest offset on.
    pub registers: Vec<Register>,
}

/// 32 bits at an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Register {
    /// The name.
    pub name: String,
    /// What it is for.
    pub doc: String,
    /// Bytes from the first of its group.
    pub offset: u32,
    /// When it may be written.
    pub write: Write,
    /// The fields, from the lowest bit on.
    pub fields: Vec<Field>,
}

/// When a register may be written, and when that has its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Write {
    /// Never: a write is an error.
    Never,
    /// Always, at once.
    Always,
    /// Always; what is written counts from the next packet's first beat on.
    NextPacket,
    /// While the device rests, at once; otherwise a write is an error and changes nothing.
    AtRest,
}

/// Bits of a register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// The name.
    pub name: String,
    /// What it says.
    pub doc: String,
    /// The lowest bit.
    pub low: u32,
    /// Bits.
    pub width: u32,
    /// Who sets it.
    pub kind: FieldKind,
}

/// Who sets a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// The host; it reads what it wrote, 0 after a reset.
    Setting,
    /// The device.
    Status,
    /// The device sets it, and the host clears it by writing 1.
    Flag,
    /// A write is an order to the device; it reads as 0.
    Command,
    /// Nobody: it always has this value.
    Constant(u32),
}

impl FieldKind {
    /// Whether the host may write it.
    fn is_written(self) -> bool {
        matches!(self, Self::Setting | Self::Flag | Self::Command)
    }
}

/// A register, found by its address.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The group.
    pub group: &'a Group,
    /// Which of the group's copies.
    pub index: u32,
    /// The register.
    pub register: &'a Register,
}

impl RegisterMap {
    /// The bits of an address of a byte.
    pub fn address_bits(&self) -> u32 {
        let end = |group: &Group| group.base + (group.count - 1) * group.stride + group.size();
        let end = self.groups.iter().map(end).max().unwrap_or(BYTES);
        end.next_power_of_two().ilog2()
    }

    /// The register of an address; the lowest two bits, which choose a byte, do not count.
    pub fn find(&self, address: u32) -> Option<Found<'_>> {
        let address = address & !(BYTES - 1);
        self.groups.iter().find_map(|group| {
            let from = address.checked_sub(group.base)?;
            let index = (from / group.stride).min(group.count - 1);
            let offset = from - index * group.stride;
            let register = group.registers.iter().find(|register| register.offset == offset)?;
            Some(Found { group, index, register })
        })
    }

    /// The address of a register of a group's copy.
    ///
    /// # Panics
    /// If there is none: its name is a mistake of the program.
    pub fn address(&self, group: &str, index: u32, register: &str) -> u32 {
        let (group, register) = self.register(group, register);
        assert!(index < group.count, "`{}` has {} copies", group.name, group.count);
        group.base + index * group.stride + register.offset
    }

    /// A group and a register of it.
    ///
    /// # Panics
    /// If there is none: its name is a mistake of the program.
    pub fn register(&self, group: &str, register: &str) -> (&Group, &Register) {
        let found = self.groups.iter().find(|one| one.name == group);
        let found = found.unwrap_or_else(|| panic!("no group `{group}`"));
        let named = found.registers.iter().find(|one| one.name == register);
        (found, named.unwrap_or_else(|| panic!("`{group}` has no register `{register}`")))
    }

    /// What does not fit: places that overlap, fields that reach beyond their register, fields that
    /// a register's kind of writing does not suit. Nothing, in a map that is right.
    pub fn mistakes(&self) -> Vec<String> {
        let mut found = vec![];
        let mut end = 0;
        for group in &self.groups {
            if group.base < end {
                found.push(format!("group {} begins within the one before", group.name));
            }
            if group.count == 0 || group.count > 1 && group.stride < group.size() {
                found.push(format!("copies of group {} overlap", group.name));
            }
            end = group.base + group.count.saturating_sub(1) * group.stride + group.size();
            let mut offset = 0;
            for register in &group.registers {
                if register.offset < offset || !register.offset.is_multiple_of(BYTES) {
                    found.push(format!("register {} of {} overlaps", register.name, group.name));
                }
                offset = register.offset + BYTES;
                found.extend(register.mistakes());
            }
        }
        found
    }
}

impl Group {
    /// Bytes up to the end of the last register.
    pub fn size(&self) -> u32 {
        self.registers.last().map_or(BYTES, |register| register.offset + BYTES)
    }
}

impl Register {
    /// A field.
    ///
    /// # Panics
    /// If there is none: its name is a mistake of the program.
    pub fn field(&self, name: &str) -> &Field {
        let found = self.fields.iter().find(|field| field.name == name);
        found.unwrap_or_else(|| panic!("`{}` has no field `{name}`", self.name))
    }

    fn mistakes(&self) -> Vec<String> {
        let mut found = vec![];
        let mut end = 0;
        for field in &self.fields {
            if field.low < end || field.width == 0 || field.low + field.width > BITS {
                found.push(format!("field {} of {} does not fit", field.name, self.name));
            }
            end = field.low + field.width;
            if field.kind.is_written() && self.write == Write::Never {
                found.push(format!("field {} of {} is never written", field.name, self.name));
            }
        }
        found
    }
}

impl Field {
    /// The field's value in a register's.
    pub fn of(&self, register: u32) -> u32 {
        register >> self.low & self.mask()
    }

    /// A register's value with this one in the field, as much of it as there is room for.
    pub fn put(&self, value: u32) -> u32 {
        (value & self.mask()) << self.low
    }

    fn mask(&self) -> u32 {
        u32::MAX >> (BITS - self.width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, low: u32, width: u32) -> Field {
        let (name, doc) = (name.to_string(), String::new());
        Field { name, doc, low, width, kind: FieldKind::Setting }
    }

    fn register(name: &str, offset: u32, fields: Vec<Field>) -> Register {
        let (name, doc) = (name.to_string(), String::new());
        Register { name, doc, offset, write: Write::Always, fields }
    }

    fn map() -> RegisterMap {
        let group = |name: &str, base, count| Group {
            name: name.into(),
            doc: String::new(),
            base,
            count,
            stride: 16,
            registers: vec![
                register("low", 0, vec![field("a", 0, 8), field("b", 8, 24)]),
                register("high", 8, vec![field("c", 0, 32)]),
            ],
        };
        let groups = vec![group("one", 0, 1), group("many", 64, 3)];
        RegisterMap { name: "device".into(), doc: String::new(), groups }
    }

    #[test]
    fn an_address_is_that_of_a_register_or_of_nothing() {
        let map = map();
        assert_eq!(map.address_bits(), 7);
        assert_eq!(map.address("many", 2, "high"), 64 + 32 + 8);
        let found = map.find(64 + 32 + 8 + 3).expect("a byte of a register is one of it");
        assert_eq!((found.index, found.register.name.as_str()), (2, "high"));
        for nothing in [4, 12, 16, 60, 64 + 4, 64 + 48, 4096] {
            assert!(map.find(nothing).is_none(), "{nothing}");
        }
    }

    #[test]
    fn fields_are_cut_out_and_put_back() {
        let map = map();
        let field = map.register("one", "low").1.field("b");
        assert_eq!(field.of(0x1234_5678), 0x12_3456);
        assert_eq!(field.put(0xff12_3456), 0x1234_5600);
        assert_eq!(map.register("one", "high").1.field("c").put(u32::MAX), u32::MAX);
    }

    #[test]
    fn what_does_not_fit_is_found() {
        assert_eq!(map().mistakes(), Vec::<String>::new());
        let mistakes = |change: &dyn Fn(&mut RegisterMap)| {
            let mut map = map();
            change(&mut map);
            map.mistakes().len()
        };
        assert_eq!(mistakes(&|map| map.groups[1].base = 8), 1);
        assert_eq!(mistakes(&|map| map.groups[1].stride = 8), 1);
        assert_eq!(mistakes(&|map| map.groups[0].registers[1].offset = 2), 1);
        assert_eq!(mistakes(&|map| map.groups[0].registers[0].fields[1].low = 7), 1);
        assert_eq!(mistakes(&|map| map.groups[0].registers[0].fields[1].low = 9), 1);
        assert_eq!(mistakes(&|map| map.groups[0].registers[1].write = Write::Never), 1);
    }
}
