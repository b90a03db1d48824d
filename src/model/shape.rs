//! A block from outside, as stimulus and models see it.

use super::{Beat, Bits, Response, Stimulus};

/// The channels of a block.
///
/// In a block between streams each stream is a channel. In a block of plain ports all inputs are
/// one channel and all outputs another, with a beat in every cycle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// What goes in.
    pub inputs: Vec<Channel>,
    /// What comes out.
    pub outputs: Vec<Channel>,
    /// Plain inputs of a block between streams, which keep a value from reset to reset.
    pub held: Vec<Field>,
    /// Plain outputs of a block between streams.
    pub status: Vec<Field>,
}

/// A stream, or all plain ports of one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The name of the stream.
    pub name: String,
    /// The parts of a beat.
    pub fields: Vec<Field>,
}

/// A part of a beat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name, without the stream's and without suffix.
    pub name: String,
    /// Bits.
    pub width: u32,
    /// Whether it is a two's complement number.
    pub signed: bool,
}

impl Shape {
    /// Whether a stimulus has the channels and fields of the block.
    ///
    /// # Errors
    /// The first place that does not fit, and what the block has there.
    pub fn check_stimulus(&self, stimulus: &Stimulus) -> Result<(), String> {
        check_count("stimulus.inputs", stimulus.inputs.len(), self.inputs.len(), "channels")?;
        for (channel, beats) in self.inputs.iter().zip(&stimulus.inputs) {
            for (number, beat) in beats.iter().enumerate() {
                check_fields(
                    || format!("stimulus.inputs, {}, beat {number}", channel.name),
                    beat,
                    &channel.fields,
                )?;
            }
        }
        check_fields(|| "stimulus.held".to_string(), &stimulus.held, &self.held)
    }

    /// Whether a model's answer to a stimulus that fits has the streams and fields of the block,
    /// and knows of each beat that goes in.
    ///
    /// # Errors
    /// The first place that does not fit, and what the block or the stimulus has there.
    pub fn check_response(&self, stimulus: &Stimulus, response: &Response) -> Result<(), String> {
        let streams = self.inputs.len();
        check_count("response.accepted", response.accepted.len(), streams, "streams")?;
        for ((channel, beats), accepted) in
            self.inputs.iter().zip(&stimulus.inputs).zip(&response.accepted)
        {
            let place = format!("response.accepted, {}", channel.name);
            check_count(&place, accepted.len(), beats.len(), "beats")?;
        }
        check_count("response.emitted", response.emitted.len(), self.outputs.len(), "streams")?;
        for (channel, beats) in self.outputs.iter().zip(&response.emitted) {
            for (number, emitted) in beats.iter().enumerate() {
                let place = || format!("response.emitted, {}, beat {number}", channel.name);
                check_fields(place, &emitted.beat, &channel.fields)?;
                let cause = emitted.cause;
                let beats = stimulus.inputs.get(cause.channel);
                if beats.is_none_or(|beats| cause.beat >= beats.len()) {
                    let (place, channel, beat) = (place(), cause.channel, cause.beat);
                    return Err(format!(
                        "{place}: its cause is beat {beat} of channel {channel}, which does not go \
                         in"
                    ));
                }
            }
        }
        match response.capacity.len() {
            0 => Ok(()),
            count => check_count("response.capacity", count, streams, "streams"),
        }
    }

    /// Whether a model's outputs in a cycle are those of a block of plain ports.
    ///
    /// # Errors
    /// What does not fit, and what the block has there.
    pub fn check_outputs(&self, outputs: &[Option<Bits>]) -> Result<(), String> {
        check_ports("outputs", outputs, self.outputs.iter().flat_map(|channel| &channel.fields))
    }

    /// Whether a model's outputs that belong to no stream are those of the block.
    ///
    /// # Errors
    /// What does not fit, and what the block has there.
    pub fn check_status(&self, status: &[Option<Bits>]) -> Result<(), String> {
        check_ports("status", status, self.status.iter())
    }
}

fn check_ports<'a>(
    place: &str,
    values: &[Option<Bits>],
    fields: impl Iterator<Item = &'a Field> + Clone,
) -> Result<(), String> {
    check_count(place, values.len(), fields.clone().count(), "ports")?;
    for (field, value) in fields.zip(values) {
        if let Some(width) = value.as_ref().map(Bits::width)
            && width != field.width
        {
            let Field { name, width: is, .. } = field;
            return Err(format!("{place}, {name}: {width} bits, where the block has {is}"));
        }
    }
    Ok(())
}

fn check_count(place: &str, count: usize, expected: usize, what: &str) -> Result<(), String> {
    match count == expected {
        true => Ok(()),
        false => Err(format!("{place}: {count} {what} instead of {expected}")),
    }
}

fn check_fields(place: impl Fn() -> String, beat: &Beat, fields: &[Field]) -> Result<(), String> {
    let widths = || beat.iter().map(Bits::width);
    if widths().eq(fields.iter().map(|field| field.width)) {
        return Ok(());
    }
    let widths: Vec<String> = widths().map(|width| width.to_string()).collect();
    let expected: Vec<String> =
        fields.iter().map(|field| format!("{} {}", field.name, field.width)).collect();
    let (widths, expected) = (widths.join(", "), expected.join(", "));
    Err(format!("{}: fields of [{widths}] bits, where the block has [{expected}]", place()))
}
