//! From the file of a network to a [`Network`], or to all that is wrong with it.

use std::io;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Activation, Control, GROUP, Layer, Level, Metric, Mode};
use super::{Network, PRECISIONS, Requantisation};
use crate::config::reader::{Complaint, Reader, article, read_toml, read_value, unknown_key};
use crate::config::{Diagnostics, Parameter, Value};
use crate::workload::npy;

/// The most inputs or outputs of a layer.
const LONGEST: i64 = 4096;

/// A bias has 48 bits, so that no accumulator needs more than 64.
const BIAS: (i64, i64) = (-(1 << 47), (1 << 47) - 1);

const NETWORK_KEYS: &[&str] = &["scale", "stack"];

const LAYER_KEYS: &[&str] = &[
    "inputs",
    "outputs",
    "precision",
    "reference",
    "keep",
    "weights",
    "exponents",
    "bias",
    "multiplier",
    "shift",
    "activation",
    "control",
];

/// What the last layer has not, because it puts out raw accumulators.
const REQUANTISATION_KEYS: &[&str] = &["multiplier", "shift", "activation"];

const CONTROL_KEYS: &[&str] = &[
    "mode",
    "metric",
    "coherence",
    "hysteresis",
    "dwell",
    "first_keep",
    "keep",
    "threshold",
    "weight_threshold",
    "bonus",
];

/// What the file of a name holds.
type Load<'a> = &'a dyn Fn(&str) -> io::Result<Vec<u8>>;

/// Reads the `text` of the file of a network.
pub(super) fn parse(file: &str, text: &str, load: Load) -> Result<Network, Diagnostics> {
    read_toml(file, text, &[], |reader, root| NetworkReader { reader, load }.network(root))
}

/// A table of the file.
struct Section<'t> {
    title: &'static str,
    keys: &'t DeTable<'t>,
    span: Range<usize>,
}

struct NetworkReader<'r, 's> {
    reader: &'r mut Reader<'s>,
    load: Load<'r>,
}

impl NetworkReader<'_, '_> {
    fn network(&mut self, root: &DeTable<'_>) -> Option<Network> {
        let top = Section { title: "", keys: root, span: 0..0 };
        self.unknown(&top, &["network", "layer"]);
        let head = self.required(&top, "network").and_then(|v| self.section("network", v));
        let head = head.and_then(|head| {
            self.unknown(&head, NETWORK_KEYS);
            let scale = self.scale(&head);
            Some((scale?, self.integer(&head, "stack", (1, 64), Some(1))?))
        });
        let layers = match self.required(&top, "layer")?.get_ref() {
            DeValue::Array(layers) => layers.iter().collect(),
            _ => vec![root.get("layer")?],
        };
        let sections: Vec<_> =
            layers.into_iter().filter_map(|layer| self.section("layer", layer)).collect();
        let layers: Vec<Option<Layer>> = sections
            .iter()
            .enumerate()
            .map(|(index, section)| self.layer(section, index + 1 == sections.len()))
            .collect();
        for (index, section) in sections.iter().enumerate().skip(1) {
            if let (Some(before), Some(layer)) = (&layers[index - 1], &layers[index]) {
                let rule = "`inputs` must be the outputs of the layer before";
                let outputs = before.outputs;
                if layer.inputs != outputs {
                    self.unfit(section, "inputs", rule, format!("outputs = {outputs}"), outputs);
                }
            }
        }
        let layers = layers.into_iter().collect::<Option<Vec<Layer>>>()?;
        let (scale, stack) = head?;
        let (stack, inputs) = (stack as usize, layers[0].inputs);
        if !inputs.is_multiple_of(stack) {
            let rule = "the inputs of the first layer must be a multiple of `stack`";
            let note = format!("stack = {stack}");
            let multiple = inputs.next_multiple_of(stack);
            self.unfit(&sections[0], "inputs", rule, note, multiple);
        }
        Some(Network { scale, stack, layers })
    }

    fn layer(&mut self, section: &Section, is_last: bool) -> Option<Layer> {
        self.unknown(section, LAYER_KEYS);
        let inputs = self.integer(section, "inputs", (1, LONGEST), None);
        let outputs = self.integer(section, "outputs", (1, LONGEST), None);
        let precision = self.precision(section);
        let reference = self.integer(section, "reference", (2, 32), Some(8));
        let keep = self.integer(section, "keep", (1, GROUP as i64), Some(GROUP as i64));
        let groups = outputs.map(|outputs| (outputs as usize).div_ceil(GROUP));
        let shape = |extents: &[Option<i64>]| -> Option<Vec<usize>> {
            extents.iter().map(|extent| extent.map(|extent| extent as usize)).collect()
        };

        let half = precision.map(|precision| 1_i64 << (precision - 1));
        let range = half.map(|half| (-half, half - 1));
        let weights = self.required(section, "weights").and_then(|value| {
            self.array(section, "weights", value, shape(&[outputs, inputs]), range)
        });
        let gap = reference.zip(precision).map(|(reference, precision)| reference - precision);
        if gap.is_some_and(|gap| gap < 0) {
            let note = format!("reference = {}", reference?);
            let rule = "`precision` must not be above `reference`";
            let key =
                if section.keys.contains_key("precision") { "precision" } else { "reference" };
            let help = format!("write reference = {}", precision?);
            let span = section.keys.get(key)?.span();
            self.report(span, section, "E0103", rule, note, help);
        }
        let exponents = section.keys.get("exponents").map(|value| {
            let shape = shape(&[inputs, groups.map(|groups| groups as i64)]);
            self.array(
                section,
                "exponents",
                value,
                shape,
                gap.filter(|&gap| gap >= 0).map(|gap| (0, gap)),
            )
        });
        let bias = match section.keys.get("bias") {
            Some(value) => self.bias(section, value, outputs),
            None => outputs.map(|outputs| vec![0; outputs as usize]),
        };
        let requantisation = if is_last {
            self.raw(section);
            Some(None)
        } else {
            self.requantisation(section).map(Some)
        };
        let control = match section.keys.get("control") {
            None => Some(Control::default()),
            Some(value) => {
                let section = self.section("layer.control", value);
                section.and_then(|section| self.control(&section, precision))
            }
        };
        let layer = Layer {
            inputs: inputs? as usize,
            outputs: outputs? as usize,
            precision: precision? as u32,
            reference: reference? as u32,
            keep: keep? as usize,
            weights: weights?.into_iter().map(|weight| weight as i32).collect(),
            exponents: match exponents {
                Some(exponents) => Some(exponents?.into_iter().map(|e| e as u8).collect()),
                None => None,
            },
            bias: bias?,
            requantisation: requantisation?,
            control: control?,
        };
        self.balanced(section, &layer).then_some(layer)
    }

    fn precision(&mut self, section: &Section) -> Option<i64> {
        let precision = self.integer(section, "precision", (2, 32), Some(8))?;
        let better = PRECISIONS.iter().find(|&&other| i64::from(other) >= precision)?;
        if i64::from(*better) == precision {
            return Some(precision);
        }
        let span = section.keys.get("precision")?.span();
        let rule = "`precision` must be 2, 4, 8, 16 or 32";
        let help = format!("write precision = {better}");
        self.report(span, section, "E0108", rule, "", help);
        None
    }

    /// Whether no column of weights has more in a group than are kept; reports the first that has.
    fn balanced(&mut self, section: &Section, layer: &Layer) -> bool {
        let groups = layer.groups();
        let count = |input: usize, group: usize| {
            let outputs = (group..layer.outputs).step_by(groups);
            outputs.filter(|output| layer.weights[output * layer.inputs + input] != 0).count()
        };
        let places = (0..layer.inputs).flat_map(|i| (0..groups).map(move |group| (i, group)));
        let mut above = places
            .map(|(input, group)| (input, group, count(input, group)))
            .filter(|&(_, _, count)| count > layer.keep);
        let Some((input, group, nonzero)) = above.next() else { return true };
        let more = above.map(|(_, _, count)| count).collect::<Vec<_>>();
        let note = format!(
            "input {input} has {nonzero} in group {group} (first of {}), keep = {}",
            more.len() + 1,
            layer.keep
        );
        let most = more.into_iter().max().unwrap_or(0).max(nonzero);
        let rule = "an input must have at most `keep` nonzero weights in each group of outputs";
        let help = format!("write keep = {most}, or take the smallest weights away");
        let span = section.keys.get("weights").map_or(section.span.clone(), Spanned::span);
        self.report(span, section, "E0505", rule, note, help);
        false
    }

    fn bias(
        &mut self,
        section: &Section,
        value: &Spanned<DeValue<'_>>,
        outputs: Option<i64>,
    ) -> Option<Vec<i64>> {
        if matches!(value.get_ref(), DeValue::String(_)) {
            let shape = outputs.map(|outputs| vec![outputs as usize]);
            return self.array(section, "bias", value, shape, Some(BIAS));
        }
        let bias = self.list(section, "bias", value, BIAS)?;
        if outputs.is_some_and(|outputs| outputs as usize != bias.len()) {
            let note = format!("this has {}", bias.len());
            let rule = "`bias` must have an element for each output";
            let help = format!("write {}", outputs?);
            self.report(value.span(), section, "E0503", rule, note, help);
            return None;
        }
        Some(bias)
    }

    /// Reports what the last layer has not.
    fn raw(&mut self, section: &Section) {
        for key in REQUANTISATION_KEYS {
            if let Some(value) = section.keys.get(*key) {
                let rule = format!("the last layer must have no `{key}`");
                let note = "it puts out raw accumulators";
                self.report(value.span(), section, "E0103", &rule, note, "take the line away");
            }
        }
    }

    fn requantisation(&mut self, section: &Section) -> Option<Requantisation> {
        let multiplier = self.integer(section, "multiplier", (0, u16::MAX.into()), None);
        let shift = self.integer(section, "shift", (0, 31), None);
        let activation = self.choice(section, "activation", Activation::WORDS, "relu");
        Some(Requantisation {
            multiplier: multiplier? as u16,
            shift: shift? as u32,
            activation: activation?,
        })
    }

    /// The control of a layer whose weights have `precision` bits, if that is known.
    fn control(&mut self, section: &Section, precision: Option<i64>) -> Option<Control> {
        self.unknown(section, CONTROL_KEYS);
        let Control { coherence, levels, .. } = Control::default();
        let group = GROUP as i64;
        let mode = self.choice(section, "mode", Mode::WORDS, "delta");
        let metric = self.choice(section, "metric", Metric::WORDS, "normalised_l1");
        let most = metric.map_or(u32::MAX, Metric::most).into();
        let coherence = self.levels(section, "coherence", most, &vec![0; coherence.len()]);
        let hysteresis = self.integer(section, "hysteresis", (0, most), Some(0));
        let dwell = self.integer(section, "dwell", (0, 65535), Some(0));
        let first_keep = self.integer(section, "first_keep", (0, group), Some(group));
        let keep = self.levels(section, "keep", group, &vec![group; levels.len()]);
        let threshold = self.levels(section, "threshold", 255, &vec![0; levels.len()]);
        let bonus = self.integer(section, "bonus", (0, 255), Some(0));
        let (coherence, keep, threshold) = (coherence?, keep?, threshold?);
        let count = keep.len();
        let weights = self.levels(section, "weight_threshold", i32::MAX.into(), &vec![0; count])?;
        let rule = "a level must have a `keep` and a `threshold`, and `coherence` one less";
        for (key, wrong) in [
            ("keep", !(2..=8).contains(&count)),
            ("threshold", threshold.len() != count),
            ("weight_threshold", weights.len() != count),
            ("coherence", coherence.len() + 1 != count),
        ] {
            if wrong {
                let span = section.keys.get(key).map_or(section.span.clone(), Spanned::span);
                let note = format!(
                    "keep has {count}, threshold {}, weight_threshold {}, coherence {}",
                    threshold.len(),
                    weights.len(),
                    coherence.len()
                );
                let help = "for two levels, write two, two and one; there are up to 8";
                self.report(span, section, "E0103", rule, note, help);
                return None;
            }
        }
        if let Some(precision) =
            precision.filter(|&bits| bits > 8 && weights.iter().any(|&t| t > 0))
        {
            let span = section.keys["weight_threshold"].span();
            let rule = "`weight_threshold` is for weights of up to 8 bits";
            let help = "leave it out, or write a precision of up to 8";
            self.report(span, section, "E0103", rule, format!("precision = {precision}"), help);
            return None;
        }
        let level = |((keep, threshold), weights)| Level {
            keep: keep as usize,
            threshold: threshold as u32,
            weight_threshold: weights as u32,
        };
        Some(Control {
            mode: mode?,
            metric: metric?,
            coherence: coherence.into_iter().map(|threshold| threshold as u32).collect(),
            hysteresis: hysteresis? as u32,
            dwell: dwell? as u32,
            first_keep: first_keep? as usize,
            bonus: bonus? as u32,
            levels: keep.into_iter().zip(threshold).zip(weights).map(level).collect(),
        })
    }

    fn report(
        &mut self,
        span: Range<usize>,
        section: &Section,
        code: &'static str,
        rule: &str,
        note: impl Into<String>,
        help: impl Into<String>,
    ) {
        let title = Some(section.title).filter(|title| !title.is_empty());
        self.reader.report(span, title, Complaint::new(code, rule, note, help));
    }

    /// Reports a number of elements that does not go with another.
    fn unfit(&mut self, section: &Section, key: &str, rule: &str, note: String, better: usize) {
        let span = section.keys.get(key).map_or(section.span.clone(), Spanned::span);
        self.report(span, section, "E0507", rule, note, format!("write {key} = {better}"));
    }

    fn unknown(&mut self, section: &Section, known: &[&str]) {
        for key in section.keys.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let complaint = unknown_key(section.title, key.get_ref(), known);
            let title = Some(section.title).filter(|title| !title.is_empty());
            self.reader.report(key.span(), title, complaint);
        }
    }

    fn section<'t>(
        &mut self,
        title: &'static str,
        value: &'t Spanned<DeValue<'t>>,
    ) -> Option<Section<'t>> {
        if let DeValue::Table(keys) = value.get_ref() {
            return Some(Section { title, keys, span: value.span() });
        }
        let rule = format!("`{title}` must be a section");
        let note = format!("this is {}", article(value.get_ref().type_str()));
        let help = format!("write the line [{title}] and the keys below it");
        self.reader.report(value.span(), None, Complaint::new("E0105", rule, note, help));
        None
    }

    fn required<'t>(
        &mut self,
        section: &Section<'t>,
        key: &str,
    ) -> Option<&'t Spanned<DeValue<'t>>> {
        let value = section.keys.get(key);
        if value.is_none() {
            let rule = match section.title {
                "" => format!("the file must have a section `{key}`"),
                title => format!("[{title}] must have a key `{key}`"),
            };
            let help = match (section.title, key) {
                ("", "network") => "write [network] and scale = 64.0 below it".to_string(),
                ("", _) => format!("write [[{key}]] and the keys of a layer below it"),
                (_, "weights") => format!("write {key} = \"weights.npy\", for example"),
                _ => format!("write {key} = 16, for example"),
            };
            self.report(section.span.clone(), section, "E0506", &rule, "", help);
        }
        value
    }

    fn read(
        &mut self,
        section: &Section,
        value: &Spanned<DeValue<'_>>,
        as_: Parameter,
    ) -> Option<Value> {
        let read = read_value(&as_, value.get_ref());
        read.map_err(|complaint| self.reader.report(value.span(), Some(section.title), complaint))
            .ok()
    }

    fn integer(
        &mut self,
        section: &Section,
        key: &'static str,
        (min, max): (i64, i64),
        default: Option<i64>,
    ) -> Option<i64> {
        let value = match (section.keys.get(key), default) {
            (Some(value), _) => value,
            (None, Some(default)) => return Some(default),
            (None, None) => self.required(section, key)?,
        };
        let example = default.unwrap_or(16.clamp(min, max));
        match self.read(section, value, Parameter::integer(key, "", example, min, max))? {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    }

    fn choice<T: std::str::FromStr>(
        &mut self,
        section: &Section,
        key: &'static str,
        words: &'static [&'static str],
        default: &'static str,
    ) -> Option<T> {
        let Some(value) = section.keys.get(key) else { return default.parse().ok() };
        match self.read(section, value, Parameter::choice(key, "", default, words))? {
            Value::Choice(word) => word.parse().ok(),
            _ => None,
        }
    }

    /// A number for each level, or for each but one.
    fn levels(
        &mut self,
        section: &Section,
        key: &'static str,
        most: i64,
        default: &[i64],
    ) -> Option<Vec<i64>> {
        let Some(value) = section.keys.get(key) else { return Some(default.to_vec()) };
        self.list(section, key, value, (0, most))
    }

    fn list(
        &mut self,
        section: &Section,
        key: &'static str,
        value: &Spanned<DeValue<'_>>,
        (min, max): (i64, i64),
    ) -> Option<Vec<i64>> {
        let DeValue::Array(elements) = value.get_ref() else {
            let rule = format!("`{key}` must be a list of integers from {min} to {max}");
            let note = format!("this is {}", article(value.get_ref().type_str()));
            self.report(
                value.span(),
                section,
                "E0107",
                &rule,
                note,
                format!("write {key} = [0, 1]"),
            );
            return None;
        };
        let element = Parameter::integer(key, "", min.max(0), min, max);
        let read: Vec<_> =
            elements.iter().map(|value| self.read(section, value, element)).collect();
        let number = |value| match value {
            Some(Value::Integer(number)) => Some(number),
            _ => None,
        };
        read.into_iter().map(number).collect()
    }

    /// What an element of the data is multiplied by: a positive number.
    fn scale(&mut self, section: &Section) -> Option<f64> {
        let value = self.required(section, "scale")?;
        let (number, code) = match value.get_ref() {
            DeValue::Float(number) => (number.as_str().replace('_', "").parse().ok(), "E0108"),
            DeValue::Integer(number) => (number.as_str().parse().ok(), "E0108"),
            _ => (None, "E0107"),
        };
        let number = number.filter(|&number: &f64| number.is_finite() && number > 0.0);
        if number.is_none() {
            let note = format!("this is {}", article(value.get_ref().type_str()));
            let rule = "`scale` must be a number above zero";
            self.report(value.span(), section, code, rule, note, "write scale = 64.0");
        }
        number
    }

    /// The elements of the `.npy` file that `value` names, as far as shape and range are known.
    fn array(
        &mut self,
        section: &Section,
        key: &'static str,
        value: &Spanned<DeValue<'_>>,
        shape: Option<Vec<usize>>,
        range: Option<(i64, i64)>,
    ) -> Option<Vec<i64>> {
        let wrong = match self.elements(key, value.get_ref(), shape, range) {
            Ok(elements) => return Some(elements),
            Err(wrong) => wrong,
        };
        self.reader.report(value.span(), Some(section.title), wrong);
        None
    }

    fn elements(
        &self,
        key: &str,
        value: &DeValue<'_>,
        shape: Option<Vec<usize>>,
        range: Option<(i64, i64)>,
    ) -> Result<Vec<i64>, Complaint> {
        let DeValue::String(name) = value else {
            let rule = format!("`{key}` must be the name of a .npy file");
            let note = format!("this is {}", article(value.type_str()));
            return Err(Complaint::new(
                "E0107",
                rule,
                note,
                format!("write {key} = \"{key}.npy\""),
            ));
        };
        let bytes = (self.load)(name).map_err(|error| {
            let rule = format!("`{key}` must be a file that can be read");
            let help = "name a file by its path from the folder of this one";
            Complaint::new("E0501", rule, error.to_string(), help)
        })?;
        let array = npy::integers(&bytes).map_err(|unreadable| {
            let rule = format!("`{key}` must be a .npy file of integers");
            Complaint::new("E0503", rule, unreadable.note, unreadable.help)
        })?;
        if let Some(shape) = shape.filter(|shape| *shape != array.shape) {
            let rule = format!("`{key}` must hold {} integers", npy::extents(&shape));
            let note = format!("it holds {}", npy::extents(&array.shape));
            let help = match () {
                _ if array.shape.iter().rev().eq(&shape) => "save its transpose",
                _ => "change the file, or `inputs` and `outputs`",
            };
            return Err(Complaint::new("E0503", rule, note, help));
        }
        let (min, max) = range.unwrap_or((i64::MIN, i64::MAX));
        let mut beyond = array.values.iter().enumerate().filter(|(_, v)| !(min..=max).contains(v));
        if let Some((at, number)) = beyond.next() {
            let rule = format!("`{key}` must hold integers from {min} to {max}");
            let row = array.shape.last().copied().unwrap_or(1);
            let place = if row == array.values.len() {
                format!("{at}")
            } else {
                format!("{}, {}", at / row, at % row)
            };
            let note = format!("at [{place}] is {number} (first of {})", 1 + beyond.count());
            let help = "clamp them, or write more bits";
            return Err(Complaint::new("E0504", rule, note, help));
        }
        Ok(array.values)
    }
}
