//! Regular arrays as labelled generate loops.
//!
//! Each element declares a wire for each of its ports inside of its labelled block, and reaches
//! its neighbour's by hierarchical name. Packed values are cut only at the array's edges.

use super::ast::Expr;
use super::instances::list;
use super::interface::declaration;
use super::module::Printer;
use super::names::stem;
use crate::hdl::ir::{ArrayInput, ArrayOutput, Direction, InstanceArray, Op};

/// An array being printed.
struct Loops<'a> {
    array: &'a InstanceArray,
    /// The labels of the loops' blocks, the outermost first.
    labels: Vec<String>,
}

impl Loops<'_> {
    /// The position along an axis, as Verilog.
    fn at(&self, axis: usize) -> &str {
        &self.array.axes[axis].0
    }

    fn count(&self, axis: usize) -> u32 {
        self.array.axes[axis].1
    }

    /// A name inside of the neighbour one step before (`reverse`: after) along an axis.
    fn neighbour(&self, axis: usize, reverse: bool, name: &str) -> String {
        let mut path = String::new();
        for (index, label) in self.labels.iter().enumerate() {
            let step = match (index == axis, reverse) {
                (false, _) => "",
                (true, false) => "-1",
                (true, true) => "+1",
            };
            path.push_str(&format!("{label}[{}{step}].", self.at(index)));
        }
        path + name
    }

    /// Where the element's part of a packed value starts; `across`: the axis that the value does
    /// not extend along.
    fn part(&self, packed: &str, width: u32, across: Option<usize>) -> String {
        let axes: Vec<usize> =
            (0..self.array.axes.len()).filter(|&axis| Some(axis) != across).collect();
        let Some((&first, rest)) = axes.split_first() else { return packed.to_string() };
        let count: u32 = axes.iter().map(|&axis| self.count(axis)).product();
        if count == 1 {
            // A net of one bit has no index.
            return packed.to_string();
        }
        let mut index = self.at(first).to_string();
        for (position, &axis) in rest.iter().enumerate() {
            let inner = if position == 0 { index } else { format!("({index})") };
            index = format!("{inner}*{} + {}", self.count(axis), self.at(axis));
        }
        if width == 1 {
            return format!("{packed}[{index}]");
        }
        let index = if rest.is_empty() { index } else { format!("({index})") };
        format!("{packed}[{index}*{width} +: {width}]")
    }

    /// The condition of being at the first (`last`: the last) position along an axis.
    fn at_end(&self, axis: usize, last: bool) -> String {
        let position = if last { self.count(axis) - 1 } else { 0 };
        format!("{} == {position}", self.at(axis))
    }
}

/// Prints an array into the body of its module.
pub(super) fn print(printer: &mut Printer, array: &InstanceArray) {
    let labels = match &array.axes[..] {
        [_] => vec![format!("gen_{}", array.name)],
        axes => {
            let labels = axes.iter().map(|(axis, _)| format!("gen_{}_{axis}", array.name));
            labels.collect()
        }
    };
    let loops = Loops { array, labels };
    let module = &array.module;

    // Names inside of the loop must not hide any outside.
    let mut local = Vec::new();
    for (index, &port) in module.ports.iter().enumerate() {
        let name = stem(&module.signal(port).name);
        let is_local = !matches!(array.inputs[index], Some(ArrayInput::Broadcast(_)));
        let clashes = module.direction(port) == Direction::Output
            && module.ports[..].iter().any(|&other| {
                module.direction(other) == Direction::Input
                    && stem(&module.signal(other).name) == name
            });
        let wish = if clashes { format!("{name}_out") } else { name.to_string() };
        local.push(is_local.then(|| printer.legal.names.fresh(&wish)));
    }

    // Whatever comes from outside is computed in front of the loops.
    let mut sources = Vec::new();
    for (index, input) in array.inputs.iter().enumerate() {
        let Some(input) = input else {
            sources.push(None);
            continue;
        };
        let port = stem(&module.port(index).name).to_string();
        let operands = input.operands();
        let last = operands.len() - 1;
        let values: Vec<Expr> = operands
            .iter()
            .enumerate()
            .map(|(position, &node)| {
                let is_packed = !matches!(input, ArrayInput::Broadcast(_)) && position == last;
                let is_constant =
                    matches!(&printer.logic.nodes[node.index()].op, Op::Const(v) if *v == 0.into());
                printer.legal.purpose(&format!("{}_{port}", array.name));
                let what = if matches!(input, ArrayInput::Each(_)) { "all" } else { "edge" };
                if is_packed && !is_constant {
                    printer.legal.net_called(node, &format!("{}_{port}_{what}", array.name))
                } else {
                    printer.legal.simple(node)
                }
            })
            .collect();
        sources.push(Some(values));
    }
    printer.body.gap();
    printer.flush_nets();

    printer.body.line("generate");
    printer.body.indent();
    for (axis, label) in loops.labels.iter().enumerate() {
        let (at, count) = (loops.at(axis), loops.count(axis));
        let head = format!("for ({at} = 0; {at} < {count}; {at} = {at} + 1) begin : {label}");
        printer.body.line(&head);
        printer.body.indent();
    }
    for (index, source) in sources.iter().enumerate() {
        if let Some(values) = source {
            print_input(printer, &loops, index, values, &local);
        }
    }
    print_element(printer, &loops, &local, &sources);
    for output in &array.outputs {
        print_output(printer, &loops, output, &local);
    }
    for (index, name) in local.iter().enumerate() {
        if let Some(name) = name
            && module.direction(module.ports[index]) == Direction::Output
        {
            print_unread(printer, &loops, index, name);
        }
    }
    for _ in &loops.labels {
        printer.body.dedent();
        printer.body.line("end");
    }
    printer.body.dedent();
    printer.body.line("endgenerate");
    printer.body.gap();
}

fn print_input(
    printer: &mut Printer,
    loops: &Loops,
    index: usize,
    values: &[Expr],
    local: &[Option<String>],
) {
    let array = loops.array;
    let ty = array.module.port(index).ty;
    let Some(name) = local[index].clone() else { return };
    // The first element along an axis takes the edge; where it is the only one, nothing else counts.
    if let Some(ArrayInput::Chain { axis, .. } | ArrayInput::Shift { axis, .. }) =
        array.inputs[index]
        && loops.count(axis) == 1
    {
        let edge = match values.last().expect("there is an edge") {
            Expr::Literal { .. } => Expr::literal(0, ty).text(),
            value => loops.part(&printer.show(value), ty.width, Some(axis)),
        };
        printer.body.line(&format!("{};", declaration("wire", ty, &name)));
        printer.body.line(&format!("assign {name} = {edge};"));
        return;
    }
    let shown: Vec<String> = values.iter().map(|value| printer.show(value)).collect();
    let wire = format!("{};", declaration("wire", ty, &name));
    let edge_part = |across: usize| match values.last() {
        Some(Expr::Literal { .. }) => Expr::literal(0, ty).text(),
        _ => loops.part(shown.last().expect("there is an edge"), ty.width, Some(across)),
    };
    match array.inputs[index].as_ref().expect("the checks found it connected") {
        ArrayInput::Broadcast(_) => {}
        ArrayInput::Each(_) => {
            let part = match &values[0] {
                Expr::Literal { .. } => Expr::literal(0, ty).text(),
                _ => loops.part(&shown[0], ty.width, None),
            };
            printer.body.line(&wire);
            printer.body.line(&format!("assign {name} = {part};"));
        }
        ArrayInput::Chain { output, axis, reverse, .. } => {
            let from = local[*output].as_ref().expect("a chained output is read");
            let from = loops.neighbour(*axis, *reverse, from);
            let body = &mut printer.body;
            body.line(&wire);
            body.line(&format!("if ({}) begin : gen_{name}_edge", loops.at_end(*axis, *reverse)));
            body.nested(|text| text.line(&format!("assign {name} = {};", edge_part(*axis))));
            body.line(&format!("end else begin : gen_{name}_next"));
            body.nested(|text| text.line(&format!("assign {name} = {from};")));
            body.line("end");
        }
        ArrayInput::Shift { axis, .. } => {
            let clock = printer.clock(array.domain);
            printer.read(clock, 1);
            let from = loops.neighbour(*axis, false, &name);
            let held = printer.legal.names.fresh(&format!("{name}_q"));
            let mut enable = shown[0].clone();
            if let Some(passes) = printer.clock_enable(array.domain) {
                enable = format!("{} && ({enable})", printer.show(&passes));
            }
            let body = &mut printer.body;
            body.line(&wire);
            body.line(&format!("if ({}) begin : gen_{name}_edge", loops.at_end(*axis, false)));
            body.nested(|text| text.line(&format!("assign {name} = {};", edge_part(*axis))));
            body.line(&format!("end else begin : gen_{name}_next"));
            body.nested(|text| {
                text.line(&format!("{};", declaration("reg", ty, &held)));
                text.block(&format!("always @(posedge {clock}) begin"), "end", |text| {
                    text.block(&format!("if ({enable}) begin"), "end", |text| {
                        text.line(&format!("{held} <= {from};"));
                    });
                });
                text.line(&format!("assign {name} = {held};"));
            });
            body.line("end");
        }
    }
}

fn print_element(
    printer: &mut Printer,
    loops: &Loops,
    local: &[Option<String>],
    sources: &[Option<Vec<Expr>>],
) {
    let array = loops.array;
    let module = &array.module;
    let (name, mut connections) = printer.clock_connections(module, array.domain);
    for (index, &port) in module.ports.iter().enumerate() {
        let signal = module.signal(port);
        let value = match (&array.inputs[index], &local[index]) {
            (Some(ArrayInput::Broadcast(_)), _) => {
                printer.show(&sources[index].as_ref().expect("a broadcast has a source")[0])
            }
            (_, Some(name)) => name.clone(),
            (_, None) => String::new(),
        };
        connections.push(format!(".{}({value})", signal.name));
        if module.direction(port) == Direction::Output
            && let Some(name) = &local[index]
        {
            printer.body.line(&format!("{};", declaration("wire", signal.ty, name)));
        }
    }
    let open = format!("{name} u_{} (", array.name);
    printer.body.block(&open, ");", |text| list(text, &connections));
}

fn print_output(
    printer: &mut Printer,
    loops: &Loops,
    output: &ArrayOutput,
    local: &[Option<String>],
) {
    let packed = printer.legal.name(output.signal).to_string();
    let width = loops.array.module.port(output.port).ty.width;
    let name = local[output.port].as_ref().expect("a collected output is read");
    let across = output.only.map(|(axis, _)| axis);
    let assign = format!("assign {} = {name};", loops.part(&packed, width, across));
    match output.only {
        None => printer.body.line(&assign),
        Some((axis, first)) => {
            let open = format!("if ({}) begin : gen_{packed}", loops.at_end(axis, !first));
            printer.body.block(&open, "end", |text| text.line(&assign));
        }
    }
}

/// Elements whose output nobody reads say so.
fn print_unread(printer: &mut Printer, loops: &Loops, port: usize, name: &str) {
    let array = loops.array;
    // The output goes unread where all of these hold.
    let mut unread: Vec<(usize, bool, bool)> = Vec::new();
    for output in array.outputs.iter().filter(|output| output.port == port) {
        match output.only {
            None => return,
            Some((axis, first)) => unread.push((axis, !first, false)),
        }
    }
    for input in array.inputs.iter().flatten() {
        if let ArrayInput::Chain { output, axis, reverse, .. } = *input
            && output == port
        {
            unread.push((axis, !reverse, true));
        }
    }
    let contradicts = |&(axis, last, at): &(usize, bool, bool)| {
        unread.contains(&(axis, last, !at))
            || (at && loops.count(axis) > 1 && unread.contains(&(axis, !last, true)))
    };
    if unread.iter().any(contradicts) {
        return;
    }
    let conditions: Vec<String> = unread
        .iter()
        .map(|&(axis, last, at)| {
            let condition = loops.at_end(axis, last);
            if at { condition } else { condition.replace("==", "!=") }
        })
        .collect();
    let unused = format!("wire unused_{name} = &{{1'b0, {name}}};");
    let condition = match &conditions[..] {
        [] => return printer.body.line(&unused),
        [only] => only.clone(),
        several => format!("({})", several.join(") && (")),
    };
    let open = format!("if ({condition}) begin : gen_{name}_unread");
    printer.body.block(&open, "end", |text| {
        text.line(&unused);
    });
}
