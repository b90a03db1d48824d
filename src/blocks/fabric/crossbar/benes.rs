//! The switches of a Beneš network.
//!
//! A network of *n* ports, a power of two, is a column of *n*/2 switches, two networks of *n*/2
//! ports one above the other, and a column of *n*/2 switches again; one of 2 ports is a single
//! switch. A switch has ports 2*s* and 2*s* + 1 of its side; straight it leads the first to port
//! *s* of the upper network and the second to port *s* of the lower one, crossed the other way
//! round. The bits of a network are those of its first column, of the upper network, of the lower
//! one, of its last column.

/// How many switches a network of `ports` ports has, a power of two and at least 2:
/// `ports / 2 * (2 * log2(ports) - 1)`.
pub const fn switches(ports: usize) -> usize {
    ports / 2 * (2 * ports.ilog2() as usize - 1)
}

/// Which switches to cross so that input *i* is led to output `outputs[i]`, in the smallest network
/// that has all of these ports. Ports that are not named are led to each other in order.
///
/// It is the looping algorithm of D. C. Opferman and N. T. Tsao-Wu ("On a class of rearrangeable
/// switching networks", Bell System Technical Journal 50, 1971): the two ports of a switch have to
/// go through different halves, which links the switches of both sides to loops, and each loop can
/// be walked once, halves alternating.
///
/// ```
/// use lacuna::blocks::fabric::crossbar::benes;
/// let crossed = benes::route(&[2, 0, 3, 1]);
/// assert_eq!(crossed.len(), benes::switches(4));
/// assert_eq!(benes::follow(&crossed), [2, 0, 3, 1]);
/// ```
///
/// # Panics
/// If two inputs have one output.
pub fn route(outputs: &[usize]) -> Vec<bool> {
    let least = outputs.iter().map(|&output| output + 1).max().unwrap_or(0);
    route_ports(outputs, outputs.len().max(least).next_power_of_two().max(2))
}

/// As [`route`], for a network of `ports` ports, a power of two and at least 2.
///
/// # Panics
/// If two inputs have one output, or one is beyond the network's.
pub fn route_ports(outputs: &[usize], ports: usize) -> Vec<bool> {
    assert!(outputs.len() <= ports, "there are more inputs than ports");
    let mut is_free = vec![true; ports];
    for &output in outputs {
        assert!(std::mem::replace(&mut is_free[output], false), "two inputs have output {output}");
    }
    let rest = (0..ports).filter(|&output| is_free[output]);
    let outputs: Vec<usize> = outputs.iter().copied().chain(rest).collect();
    let mut crossed = Vec::with_capacity(switches(ports));
    loops(&outputs, &mut crossed);
    crossed
}

/// Adds the bits of a network for a whole permutation.
fn loops(outputs: &[usize], crossed: &mut Vec<bool>) {
    let ports = outputs.len();
    if ports == 2 {
        crossed.push(outputs[0] == 1);
        return;
    }
    let mut inputs = vec![0; ports];
    outputs.iter().enumerate().for_each(|(input, &output)| inputs[output] = input);
    // Of each input, whether it goes through the lower half.
    let mut is_lower: Vec<Option<bool>> = vec![None; ports];
    for start in 0..ports {
        let mut input = start;
        // Its output's neighbour goes through the other half, and so does that one's neighbour.
        while is_lower[input].is_none() {
            is_lower[input] = Some(false);
            let other = inputs[outputs[input] ^ 1];
            is_lower[other] = Some(true);
            input = other ^ 1;
        }
    }
    let is_lower: Vec<bool> = is_lower.into_iter().map(|half| half == Some(true)).collect();
    let mut halves = [vec![0; ports / 2], vec![0; ports / 2]];
    for (input, &output) in outputs.iter().enumerate() {
        halves[usize::from(is_lower[input])][input / 2] = output / 2;
    }
    crossed.extend(is_lower.iter().step_by(2));
    halves.iter().for_each(|half| loops(half, crossed));
    crossed.extend(inputs.iter().step_by(2).map(|&input| is_lower[input]));
}

/// Where each input is led by switches, of which the ones that are 1 are crossed: the inverse of
/// [`route`].
///
/// # Panics
/// If no network has as many switches.
pub fn follow(crossed: &[bool]) -> Vec<usize> {
    let sizes = (1..32).map(|digits| 1 << digits);
    let ports = sizes.take_while(|&ports| switches(ports) <= crossed.len()).last();
    let ports = ports.filter(|&ports| switches(ports) == crossed.len());
    let ports = ports.expect("no network has as many switches");
    if ports == 2 {
        return vec![usize::from(crossed[0]), usize::from(!crossed[0])];
    }
    let half = ports / 2;
    let (first, rest) = crossed.split_at(half);
    let (middle, last) = rest.split_at(rest.len() - half);
    let (upper, lower) = middle.split_at(middle.len() / 2);
    let halves = [follow(upper), follow(lower)];
    let leads = |input: usize| {
        let is_lower = (input % 2 == 1) != first[input / 2];
        let switch = halves[usize::from(is_lower)][input / 2];
        2 * switch + usize::from(is_lower != last[switch])
    };
    (0..ports).map(leads).collect()
}
