//! What a block lets be chosen: declared once, in a struct, and from there read, checked,
//! documented, put into the schema and sampled.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::name::Name;

#[doc(hidden)]
pub use serde;

/// One thing that a section of the configuration lets be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The key in the section.
    pub name: &'static str,
    /// What it means, in one line.
    pub doc: &'static str,
    /// Which values are legal.
    pub kind: ParameterKind,
    /// The value if the key is left out.
    pub default: Value,
}

/// The legal values of a [`Parameter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// A number.
    Integer {
        /// The least legal number.
        min: i64,
        /// The greatest legal number.
        max: i64,
    },
    /// Yes or no.
    Boolean,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// An identifier.
    Name {
        /// Whether it may be empty, for what there is none of.
        optional: bool,
    },
}

/// A value of a [`Parameter`]. It displays as it is written in TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(untagged)]
pub enum Value {
    /// The value of an integer parameter.
    Integer(i64),
    /// The value of a Boolean parameter.
    Boolean(bool),
    /// The chosen word.
    Choice(&'static str),
    /// The value of a parameter that is a name.
    Name(Name),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Boolean(value) => value.fmt(f),
            Self::Choice(word) => write!(f, "\"{word}\""),
            Self::Name(name) => write!(f, "\"{name}\""),
        }
    }
}

impl Parameter {
    /// An integer parameter. In a constant, as in [`parameters!`], what makes it panic does not
    /// compile: a default out of range, or the name `name`, which is the key of the module name.
    ///
    /// [`parameters!`]: crate::config::parameters
    pub const fn integer(
        name: &'static str,
        doc: &'static str,
        default: i64,
        min: i64,
        max: i64,
    ) -> Self {
        assert!(min <= default && default <= max, "the default is out of range");
        let kind = ParameterKind::Integer { min, max };
        Self::new(name, doc, kind, Value::Integer(default))
    }

    /// A Boolean parameter; see [`Parameter::integer`].
    pub const fn boolean(name: &'static str, doc: &'static str, default: bool) -> Self {
        Self::new(name, doc, ParameterKind::Boolean, Value::Boolean(default))
    }

    /// A parameter that is one of `words`; see [`Parameter::integer`].
    pub const fn choice(
        name: &'static str,
        doc: &'static str,
        default: &'static str,
        words: &'static [&'static str],
    ) -> Self {
        Self::new(name, doc, ParameterKind::Choice(words), Value::Choice(default))
    }

    /// A parameter that is an identifier, or if `optional` nothing; see [`Parameter::integer`].
    pub const fn name(
        name: &'static str,
        doc: &'static str,
        default: &'static str,
        optional: bool,
    ) -> Self {
        assert!(optional || !default.is_empty(), "the default is no name");
        let kind = ParameterKind::Name { optional };
        Self::new(name, doc, kind, Value::Name(Name::fixed(default)))
    }

    const fn new(
        name: &'static str,
        doc: &'static str,
        kind: ParameterKind,
        default: Value,
    ) -> Self {
        assert!(!matches!(name.as_bytes(), b"name"), "`name` is the key of the module name");
        Self { name, doc: doc.trim_ascii(), kind, default }
    }

    /// A random legal value. The bounds and small odd numbers, where hardware tends to break, come
    /// up often; a large range is sampled by magnitude, so that small numbers are not lost in it. A
    /// name is its default: one is as good as another.
    pub fn sample(&self, rng: &mut impl FnMut() -> u64) -> Value {
        match self.kind {
            ParameterKind::Integer { min, max } => Value::Integer(sample_integer(min, max, rng)),
            ParameterKind::Boolean => Value::Boolean(rng() & 1 == 1),
            ParameterKind::Choice(words) => {
                Value::Choice(words[(rng() % words.len() as u64) as usize])
            }
            ParameterKind::Name { .. } => self.default,
        }
    }
}

/// Samples `min..=max` as [`Parameter::sample`] says.
fn sample_integer(min: i64, max: i64, rng: &mut impl FnMut() -> u64) -> i64 {
    let span = min.abs_diff(max);
    match rng() % 8 {
        0 => return min,
        1 => return max,
        2 | 3 => {
            let odd = (rng() % 16 * 2 + 1) as i64;
            if (min..=max).contains(&odd) {
                return odd;
            }
        }
        _ => {}
    }
    let offset = if span < 256 {
        rng() % (span + 1)
    } else {
        // First the number of bits of the offset, then the offset.
        let bits = rng() % u64::from(u64::BITS - span.leading_zeros() + 1);
        let below = 1_u64.checked_shl(bits as u32).map_or(u64::MAX, |limit| limit - 1);
        (below / 2 + rng() % (below - below / 2 + 1)).min(span)
    };
    min.wrapping_add_unsigned(offset)
}

/// The values of a section's parameters, in the order in which the parameters are declared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Values(Vec<(&'static str, Value)>);

impl Values {
    /// The default values of `parameters`.
    pub fn defaults(parameters: &[Parameter]) -> Self {
        parameters.iter().map(|parameter| (parameter.name, parameter.default)).collect()
    }

    /// The value of the parameter `name`.
    pub fn get(&self, name: &str) -> Option<Value> {
        self.iter().find(|&(known, _)| known == name).map(|(_, value)| value)
    }

    /// Replaces the value of the parameter `name`, or appends it.
    pub fn set(&mut self, name: &'static str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// Every parameter's name and value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Value)> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<(&'static str, Value)> for Values {
    fn from_iter<I: IntoIterator<Item = (&'static str, Value)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, &value)?;
        }
        map.end()
    }
}

/// A struct of parameters, as [`parameters!`] makes it.
///
/// [`parameters!`]: crate::config::parameters
pub trait Parameters: Clone + Default {
    /// Every parameter, in the order of the fields.
    const PARAMETERS: &'static [Parameter];

    /// Takes the fields from `values`. A missing one keeps its default.
    ///
    /// # Panics
    ///
    /// If a value is not of the field's type; a value that [`Parameter::kind`] allows always is.
    fn from_values(values: &Values) -> Self;

    /// The fields' values.
    fn to_values(&self) -> Values;
}

/// For blocks in which nothing is to be chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NoParameters;

impl Parameters for NoParameters {
    const PARAMETERS: &'static [Parameter] = &[];

    fn from_values(_: &Values) -> Self {
        Self
    }

    fn to_values(&self) -> Values {
        Values::default()
    }
}

/// A type that a field of a [`parameters!`] struct can have.
///
/// [`parameters!`]: crate::config::parameters
pub trait Field: Copy {
    /// The field as a value.
    fn to_value(self) -> Value;

    /// The field from a value, unless the value is none of this type.
    fn from_value(value: Value) -> Option<Self>;
}

impl Field for bool {
    fn to_value(self) -> Value {
        Value::Boolean(self)
    }

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Boolean(value) => Some(value),
            _ => None,
        }
    }
}

macro_rules! integer_fields {
    ($($type:ident)*) => {$(
        impl Field for $type {
            fn to_value(self) -> Value {
                Value::Integer(i64::try_from(self).expect("bounds are 64-bit integers"))
            }

            fn from_value(value: Value) -> Option<Self> {
                match value {
                    Value::Integer(value) => value.try_into().ok(),
                    _ => None,
                }
            }
        }
    )*};
}

integer_fields!(u8 u16 u32 u64 usize i8 i16 i32 i64);

impl Field for Name {
    fn to_value(self) -> Value {
        Value::Name(self)
    }

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Name(name) => Some(name),
            _ => None,
        }
    }
}

/// A word that is none of the choices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected one of {0:?}")]
pub struct UnknownChoice(pub &'static [&'static str]);

/// Makes an enum whose variants are words in the configuration.
///
/// Besides `WORDS` and `word()` it has `Display`, `FromStr` and the serde traits, all of which speak
/// of the words. It can be the type of a field in [`parameters!`](crate::config::parameters).
///
/// ```
/// lacuna::config::choices! {
///     /// What is done with an element that finds no room.
///     pub enum Policy {
///         /// It waits.
///         Stall = "stall",
///         /// It is lost.
///         Drop = "drop",
///     }
/// }
/// assert_eq!("drop".parse(), Ok(Policy::Drop));
/// assert_eq!(Policy::Stall.to_string(), "stall");
/// ```
#[macro_export]
macro_rules! choices {
    (
        $(#[$meta:meta])*
        $visibility:vis enum $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $word:literal),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $visibility enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $name {
            /// The words, in the order of the variants.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word in the configuration.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.word())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::config::parameter::UnknownChoice;

            fn from_str(word: &str) -> ::std::result::Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::config::parameter::UnknownChoice(Self::WORDS)),
                }
            }
        }

        impl $crate::config::parameter::serde::Serialize for $name {
            fn serialize<S: $crate::config::parameter::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }

        impl<'de> $crate::config::parameter::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::config::parameter::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                <::std::string::String as $crate::config::parameter::serde::Deserialize>
                    ::deserialize(deserializer)?
                    .parse()
                    .map_err($crate::config::parameter::serde::de::Error::custom)
            }
        }

        impl $crate::config::parameter::Field for $name {
            fn to_value(self) -> $crate::config::Value {
                $crate::config::Value::Choice(self.word())
            }

            fn from_value(value: $crate::config::Value) -> ::std::option::Option<Self> {
                match value {
                    $crate::config::Value::Choice(word) => word.parse().ok(),
                    _ => None,
                }
            }
        }
    };
}

/// Makes a struct of parameters: public fields, `Default`, and
/// [`Parameters`](crate::config::Parameters).
///
/// A field is an integer with a range, a `bool`, an enum made by
/// [`choices!`](crate::config::choices), a `Name`, or an `OptionalName`: a `Name` that may be
/// empty. A field's documentation is also what the user reads about
/// the parameter. A default out of range does not compile.
///
/// ```
/// use lacuna::config::{Parameters, Value, choices, parameters};
///
/// choices! {
///     /// What is done with an element that finds no room.
///     pub enum Policy {
///         /// It waits.
///         Stall = "stall",
///         /// It is lost.
///         Drop = "drop",
///     }
/// }
///
/// parameters! {
///     /// Parameters of the FIFO.
///     pub struct FifoParameters {
///         /// Bits per element.
///         width: u32 = 8 in 1..=4096,
///         /// Whether the output is registered.
///         registered: bool = true,
///         /// What is done with an element that finds no room.
///         policy: Policy = Policy::Stall,
///     }
/// }
///
/// assert_eq!(FifoParameters::default().width, 8);
/// assert_eq!(FifoParameters::PARAMETERS[2].default, Value::Choice("stall"));
/// ```
///
/// ```compile_fail,E0080
/// lacuna::config::parameters! {
///     /// The default is out of range.
///     pub struct Wrong {
///         /// Bits per element.
///         width: u32 = 0 in 1..=4096,
///     }
/// }
/// ```
#[macro_export]
macro_rules! parameters {
    // Fields are taken off the body one by one, each with the constructor of its `Parameter`; the
    // last rule puts them together.
    (@field $head:tt [$($done:tt)*]
        $(#[doc = $doc:literal])*
        $field:ident: bool = $default:expr $(, $($rest:tt)*)?
    ) => {
        $crate::parameters! { @field $head [$($done)* {
            $field bool [$($doc)*] ($default)
            $crate::config::Parameter::boolean(
                stringify!($field), concat!($($doc),*), $default,
            )
        }] $($($rest)*)? }
    };
    (@field $head:tt [$($done:tt)*]
        $(#[doc = $doc:literal])*
        $field:ident: $type:ident = $default:literal in $min:literal ..= $max:expr
        $(, $($rest:tt)*)?
    ) => {
        $crate::parameters! { @field $head [$($done)* {
            $field $type [$($doc)*] ($default)
            {
                // The array keeps all three within the type of the field.
                let [default, min, max]: [$type; 3] = [$default, $min, $max];
                $crate::config::Parameter::integer(
                    stringify!($field), concat!($($doc),*), default as i64, min as i64, max as i64,
                )
            }
        }] $($($rest)*)? }
    };
    (@field $head:tt [$($done:tt)*]
        $(#[doc = $doc:literal])*
        $field:ident: Name = $default:literal $(, $($rest:tt)*)?
    ) => {
        $crate::parameters! { @name $head [$($done)*] [$($doc)*]
            $field $default false $($($rest)*)?
        }
    };
    (@field $head:tt [$($done:tt)*]
        $(#[doc = $doc:literal])*
        $field:ident: OptionalName = $default:literal $(, $($rest:tt)*)?
    ) => {
        $crate::parameters! { @name $head [$($done)*] [$($doc)*]
            $field $default true $($($rest)*)?
        }
    };
    (@name $head:tt [$($done:tt)*] [$($doc:literal)*]
        $field:ident $default:literal $optional:literal $($rest:tt)*
    ) => {
        $crate::parameters! { @field $head [$($done)* {
            $field Name [$($doc)*] ($crate::config::Name::fixed($default))
            $crate::config::Parameter::name(
                stringify!($field), concat!($($doc),*), $default, $optional,
            )
        }] $($rest)* }
    };
    (@field $head:tt [$($done:tt)*]
        $(#[doc = $doc:literal])*
        $field:ident: $type:ident = $default:expr $(, $($rest:tt)*)?
    ) => {
        $crate::parameters! { @field $head [$($done)* {
            $field $type [$($doc)*] ($default)
            $crate::config::Parameter::choice(
                stringify!($field), concat!($($doc),*), $default.word(), $type::WORDS,
            )
        }] $($($rest)*)? }
    };
    (@field [$(#[$meta:meta])* $visibility:vis struct $name:ident]
        [$({ $field:ident $type:ident [$($doc:literal)*] ($default:expr) $parameter:expr })*]
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        $visibility struct $name {
            $($(#[doc = $doc])* pub $field: $type,)*
        }

        impl ::std::default::Default for $name {
            fn default() -> Self {
                Self { $($field: $default),* }
            }
        }

        // A constant of an implementation is only evaluated, and so checked, where it is used.
        const _: &[$crate::config::Parameter] =
            <$name as $crate::config::Parameters>::PARAMETERS;

        impl $crate::config::Parameters for $name {
            const PARAMETERS: &'static [$crate::config::Parameter] = &[$($parameter),*];

            fn from_values(values: &$crate::config::Values) -> Self {
                let mut parameters = Self::default();
                $(if let Some(value) = values.get(stringify!($field)) {
                    parameters.$field = $crate::config::parameter::Field::from_value(value)
                        .unwrap_or_else(|| panic!(
                            "`{}` is of the type {} and cannot be {value}",
                            stringify!($field), stringify!($type),
                        ));
                })*
                parameters
            }

            fn to_values(&self) -> $crate::config::Values {
                [$((
                    stringify!($field),
                    $crate::config::parameter::Field::to_value(self.$field),
                )),*].into_iter().collect()
            }
        }
    };
    ($(#[$meta:meta])* $visibility:vis struct $name:ident { $($body:tt)* }) => {
        $crate::parameters! { @field [$(#[$meta])* $visibility struct $name] [] $($body)* }
    };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    choices! {
        /// What is done with an element that finds no room.
        enum Policy {
            /// It waits.
            Stall = "stall",
            /// It is lost.
            Drop = "drop",
        }
    }

    parameters! {
        /// Parameters of everything.
        struct Everything {
            /// Bits per
            /// element.
            width: u32 = 8 in 1..=4096,
            /// A number that may be negative.
            offset: i16 = -3 in -5..=i16::MAX,
            /// Yes or no.
            registered: bool = true,
            /// A word.
            policy: Policy = Policy::Drop,
            /// A name.
            cell: Name = "CELL",
            /// A name, or none.
            pin: OptionalName = "",
        }
    }

    #[test]
    fn one_declaration_says_everything() {
        let parameters = Everything::PARAMETERS;
        assert_eq!(parameters[0], Parameter::integer("width", "Bits per element.", 8, 1, 4096));
        assert_eq!(parameters[1].default, Value::Integer(-3));
        assert_eq!(parameters[1].kind, ParameterKind::Integer { min: -5, max: 32767 });
        assert_eq!(parameters[2], Parameter::boolean("registered", "Yes or no.", true));
        assert_eq!(
            parameters[3],
            Parameter::choice("policy", "A word.", "drop", &["stall", "drop"])
        );
        assert_eq!(parameters[4], Parameter::name("cell", "A name.", "CELL", false));
        assert_eq!(parameters[5], Parameter::name("pin", "A name, or none.", "", true));
        assert_eq!(Everything::default().to_values(), Values::defaults(parameters));
    }

    #[test]
    fn values_become_fields_and_back() {
        let fields = Everything {
            width: 3,
            offset: -5,
            registered: false,
            policy: Policy::Stall,
            cell: Name::of("X"),
            pin: Name::of("TE"),
        };
        let values = fields.to_values();
        assert_eq!(Everything::from_values(&values), fields);
        assert_eq!(
            serde_json::to_string(&values).unwrap(),
            r#"{"width":3,"offset":-5,"registered":false,"policy":"stall","cell":"X","pin":"TE"}"#
        );
        assert_eq!(Everything::from_values(&Values::default()), Everything::default());
    }

    #[test]
    #[should_panic(expected = "`width` is of the type u32 and cannot be true")]
    fn a_value_of_another_type_is_refused() {
        Everything::from_values(&[("width", Value::Boolean(true))].into_iter().collect());
    }

    #[test]
    fn choices_are_their_words() {
        assert_eq!("stall".parse(), Ok(Policy::Stall));
        assert_eq!("x".parse::<Policy>(), Err(UnknownChoice(Policy::WORDS)));
        assert_eq!(serde_json::to_string(&Policy::Drop).unwrap(), "\"drop\"");
        assert_eq!(serde_json::from_str::<Policy>("\"drop\"").unwrap(), Policy::Drop);
    }

    #[test]
    fn samples_favour_bounds_and_small_odd_numbers() {
        let mut state = 1_u64;
        let mut rng = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            state.rotate_left(24)
        };
        let depth = Parameter::integer("depth", "", 1, 1, 1 << 40);
        let samples: Vec<i64> = (0..4000)
            .map(|_| match depth.sample(&mut rng) {
                Value::Integer(value) => value,
                other => panic!("{other} is no integer"),
            })
            .collect();
        let count = |test: &dyn Fn(i64) -> bool| samples.iter().filter(|&&v| test(v)).count();
        assert!(count(&|v| v == 1) > 300);
        assert!(count(&|v| v == 1 << 40) > 300);
        assert!(count(&|v| v % 2 == 1 && v < 32) > 1000);
        // A uniform sample would hardly ever be below a million.
        assert!(count(&|v| (1000..1_000_000).contains(&v)) > 300);

        let offset = Parameter::integer("offset", "", 0, -2, 2);
        let seen: BTreeSet<String> =
            (0..200).map(|_| offset.sample(&mut rng).to_string()).collect();
        assert_eq!(seen.len(), 5);
    }

    proptest! {
        #[test]
        fn samples_are_legal(a: i64, b: i64, mut seed: u64) {
            let (min, max) = (a.min(b), a.max(b));
            let mut rng = || {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                seed.rotate_left(24)
            };
            for (min, max) in [(min, max), (i64::MIN, i64::MAX), (min, min), (min >> 55, max >> 55)]
            {
                let Value::Integer(value) =
                    Parameter::integer("x", "", min, min, max).sample(&mut rng)
                else {
                    panic!("no integer");
                };
                prop_assert!((min..=max).contains(&value));
            }
        }
    }
}
