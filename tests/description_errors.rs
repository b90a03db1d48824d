//! What is said about wrong descriptions: every code, at the line that made the mistake.
//!
//! A line that makes a mistake says so in a comment: the codes of the errors found there.

use std::panic::Location;
use std::sync::Arc;

use lacuna::hdl::*;

/// This file, to look up the lines that errors point at.
const TEXT: &str = include_str!("description_errors.rs");

type Described = Result<Arc<Module>, Errors>;

/// Describes a module that is called `example`.
fn example(describe: impl FnOnce(&ModuleBuilder)) -> Described {
    let m = ModuleBuilder::new("example");
    describe(&m);
    m.finish()
}

/// An output without a register between it and an input.
fn wires() -> Arc<Module> {
    let m = ModuleBuilder::new("wires");
    let a = m.input("a_i", uint(8));
    let b = m.input("b_i", uint(8));
    m.output("a_o", uint(8)).set(a);
    m.output("b_o", uint(8)).set(b);
    m.finish().unwrap()
}

/// The same with a register between.
fn delay() -> Arc<Module> {
    let m = ModuleBuilder::new("delay");
    let a = m.input("a_i", uint(8));
    m.output("a_o", uint(8)).set(m.delayed("a", a));
    m.finish().unwrap()
}

/// Checks that a description has just the errors `codes`, in the order of their lines, each at a
/// line of this file that is marked with it. Gives the text without the lines' numbers.
#[track_caller]
fn refused(codes: &[&str], described: Described) -> String {
    let Err(errors) = described else { panic!("no errors, but {codes:?} are expected") };
    let found: Vec<&str> = errors.0.iter().map(|error| error.kind.code()).collect();
    assert_eq!(found, codes, "{errors}");
    let text = errors.to_string();
    let lines: Vec<&str> = TEXT.lines().collect();
    for error in &errors.0 {
        let (place, code) = (error.source.0, error.kind.code());
        assert_eq!(place.file(), "tests/description_errors.rs", "{error}");
        let line = lines[place.line() as usize - 1];
        let marks = line.split_once("// ").map_or("", |(_, marks)| marks);
        assert!(marks.contains(code), "`{line}` is not marked with {code}:\n{error}");
        assert!(!error.kind.help().is_empty());
    }
    // Neither where the lines stand nor how many there are is a part of the snapshot.
    let mut parts = text.split("errors.rs:");
    let mut redacted = parts.next().unwrap_or_default().to_string();
    for part in parts {
        redacted.push_str("errors.rs:LINE");
        redacted.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':'));
    }
    redacted
}

#[track_caller]
fn accepted(described: Described) -> Arc<Module> {
    described.unwrap_or_else(|errors| panic!("{errors}"))
}

/// One description for each code, and the code.
fn one_of_each() -> Vec<(&'static str, Described)> {
    vec![
        (
            "E0201",
            example(|m| {
                let a = m.input("a_i", uint(9));
                m.output("a_o", uint(8)).set(a); // E0201
            }),
        ),
        (
            "E0202",
            example(|m| {
                m.output("a_o", uint(0)).set(0); // E0202
            }),
        ),
        (
            "E0203",
            example(|m| {
                let a = m.input("a_i", uint(8));
                let held = m.register("held", uint(8));
                m.when(a, || held.set(1)); // E0203
                m.output("a_o", uint(8)).set(held);
            }),
        ),
        (
            "E0204",
            example(|m| {
                m.output("a_o", uint(8)); // E0204
            }),
        ),
        (
            "E0205",
            example(|m| {
                let a = m.input("a_i", bit());
                let b = m.output("b_o", uint(8)); // E0205
                m.when(a, || b.set(1));
            }),
        ),
        (
            "E0206",
            example(|m| {
                let a = m.output("a_o", uint(8));
                a.set(1); // E0206
                a.set(2);
            }),
        ),
        (
            "E0207",
            example(|m| {
                let a = m.wire("a", uint(8)); // E0207
                a.set(!a);
                m.output("a_o", uint(8)).set(a);
            }),
        ),
        (
            "E0208",
            example(|m| {
                let out = m.stream_out("out", &[]); // E0208
                out.valid.set(out.ready);
            }),
        ),
        (
            "E0209",
            example(|m| {
                m.input("a_i", uint(8)); // E0209
            }),
        ),
        (
            "E0210",
            example(|m| {
                m.output("always", bit()).set(1); // E0210
            }),
        ),
        (
            "E0211",
            example(|m| {
                m.output("a_o", bit()).set(1);
                m.output("a_o", bit()).set(1); // E0211
            }),
        ),
        (
            "E0212",
            example(|m| {
                let a = m.input("a_i", uint(8));
                m.output("a_o", uint(4)).set(a.slice(5, 4)); // E0212
            }),
        ),
        // The types do not let anything be assigned that cannot be, so this is only the text.
        ("E0213", {
            let source = ir::Source(Location::caller()); // E0213
            let kind = ErrorKind::NotAssignable("a_i".into());
            Err(Errors(vec![Error { module: "example".into(), kind, source }]))
        }),
        (
            "E0214",
            example(|m| {
                let child = m.instance("delay", &delay());
                child.connect("a_i", 1);
                child.connect("b_i", 1); // E0214
            }),
        ),
        (
            "E0215",
            example(|m| {
                let child = m.instance("delay", &delay()); // E0215
                m.output("a_o", uint(8)).set(child.output("a_o"));
            }),
        ),
        ("E0216", {
            let other = ModuleBuilder::new("other");
            let m = ModuleBuilder::new("example");
            let foreign = other.input("a_i", uint(8));
            m.output("a_o", uint(8)).set(foreign); // E0216
            m.finish()
        }),
        (
            "E0217",
            example(|m| {
                let a = m.input("a_i", uint(2));
                let b = m.output("b_o", bit());
                m.switch(a, |arms| {
                    arms.case(1, || b.set(0));
                    arms.case(1, || b.set(1)); // E0217
                    arms.default(|| b.set(0));
                });
            }),
        ),
        (
            "E0218",
            example(|m| {
                m.output("a_o", bit()).set(concat::<Expr>(m, &[])); // E0218
            }),
        ),
        (
            "E0219",
            example(|m| {
                let other = ModuleBuilder::new("delay");
                let a = other.input("a_i", uint(8));
                other.output("a_o", uint(8)).set(a);
                let other = other.finish().unwrap();
                m.instance("first", &delay()).connect("a_i", 1);
                m.instance("second", &other).connect("a_i", 1); // E0219
            }),
        ),
        ("E0220", {
            let m = ModuleBuilder::new("example"); // E0220
            m.input("a_i", uint(8));
            m.output("a_o", uint(9));
            m.finish_black_box(None, Some(delay()))
        }),
        (
            "E0221",
            example(|m| {
                m.output("a_o", bit()).reset(1).set(1); // E0221
            }),
        ),
    ]
}

#[test]
fn every_code_is_explained_at_its_line() {
    let cases = one_of_each();
    let codes: Vec<String> = cases.iter().map(|(code, _)| code.to_string()).collect();
    let all: Vec<String> = (201..=221).map(|number| format!("E0{number}")).collect();
    assert_eq!(codes, all);
    let texts: Vec<String> =
        cases.into_iter().map(|(code, described)| refused(&[code], described)).collect();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("description_errors", texts.join("\n\n"));
    });
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let described = example(|m| {
        let a = m.input("a_i", uint(8));
        let b = m.input("b_i", uint(8)); // E0209
        let held = m.register("held", uint(4));
        held.set(a); // E0201
        m.when(a, || held.set(1)); // E0203
        m.output("reg", uint(8)).set(a); // E0210
        m.output("a_o", uint(4)).set(held.slice(0, 5)); // E0201 E0212
        m.output("c_o", bit()); // E0204
        let _ = b;
    });
    refused(&["E0209", "E0201", "E0203", "E0210", "E0201", "E0212", "E0204"], described);

    // The same mistake at two lines is two mistakes; at one line, made by a loop, it is one.
    let described = example(|m| {
        let a = m.input("a_i", uint(8));
        let held = m.register("held", uint(4));
        m.when(a, || held.set(1)); // E0203
        m.when(a, || held.set(1)); // E0203
        for value in 0..3 {
            m.when(a, || held.set(value)); // E0203
        }
        m.output("a_o", uint(4)).set(held);
    });
    refused(&["E0203", "E0203", "E0203"], described);
}

#[test]
fn every_bound_is_included() {
    for width in [1, MAX_WIDTH] {
        for ty in [uint(width), sint(width)] {
            accepted(example(|m| {
                let a = m.input("a_i", ty);
                let held = m.register("held", ty).reset(ty.min());
                held.set(a);
                m.output("a_o", ty).set(held);
                m.output("b_o", ty).set(m.constant(ty.max(), ty));
            }));
        }
    }
    let out_of_range = |width| {
        example(move |m| {
            m.output("a_o", uint(width)).set(0); // E0202
        })
    };
    refused(&["E0202"], out_of_range(0));
    refused(&["E0202"], out_of_range(MAX_WIDTH + 1));

    let memory = |depth| {
        example(move |m| {
            let a = m.input("a_i", uint(8));
            let address = m.input("address_i", uint(24));
            let memory = m.memory("cells", depth, uint(8)); // E0212 E0218
            memory.write(address, a, true);
            m.output("a_o", uint(8)).set(memory.read("data", address, true));
        })
    };
    accepted(memory(1));
    accepted(memory(MAX_DEPTH));
    refused(&["E0218"], memory(0));
    refused(&["E0212"], memory(MAX_DEPTH + 1));

    let array = |count| {
        example(move |m| {
            let a = m.input("a_i", uint(8));
            let cells = m.array("cell", &[("x", count)], &delay()); // E0212 E0218
            cells.chain("a_i", "a_o", "x", &[a]);
            m.output("a_o", uint(8)).set(cells.last("a_o", "x")[0]);
        })
    };
    accepted(array(1));
    accepted(array(MAX_ELEMENTS));
    refused(&["E0218"], array(0));
    refused(&["E0212"], array(MAX_ELEMENTS + 1));
}

#[test]
fn combinational_loops() {
    // Through wires, and where a register stands between.
    refused(
        &["E0207"],
        example(|m| {
            let a = m.wire("a", uint(8)); // E0207
            let b = m.wire("b", uint(8)); // E0207
            a.set(b);
            b.set(!a);
            m.output("a_o", uint(8)).set(a);
        }),
    );
    accepted(example(|m| {
        let a = m.register("a", uint(8));
        let b = m.wire("b", uint(8));
        a.set(b);
        b.set(!a);
        m.output("a_o", uint(8)).set(a);
    }));
    // Through a condition.
    refused(
        &["E0207"],
        example(|m| {
            let a = m.output("a_o", bit()); // E0207
            a.set(0);
            m.when(!a, || a.set(1));
        }),
    );

    let around = |child: &Arc<Module>| {
        example(|m| {
            let child = m.instance("child", child);
            let out = child.output("a_o"); // E0207
            child.connect("a_i", !out);
            m.output("a_o", uint(8)).set(out);
        })
    };
    let through = ModuleBuilder::new("through");
    let a = through.input("a_i", uint(8));
    through.output("a_o", uint(8)).set(a);
    refused(&["E0207"], around(&through.finish().unwrap()));
    accepted(around(&delay()));

    // A path from one input to the other output closes no loop.
    accepted(example(|m| {
        let child = m.instance("child", &wires());
        child.connect("a_i", child.output("b_o")).connect("b_i", 5);
        m.output("a_o", uint(8)).set(child.output("a_o"));
    }));

    // A ripple chain has an end; chains in both directions that feed each other have none.
    let array = |feed_each_other: bool| {
        let cell = ModuleBuilder::new("element");
        let (a, b) = (cell.input("a_i", uint(8)), cell.input("b_i", uint(8)));
        let (to_b, to_a) = if feed_each_other { (a, b) } else { (b, a) };
        cell.output("a_o", uint(8)).set(to_a);
        cell.output("b_o", uint(8)).set(to_b);
        let cell = cell.finish().unwrap();
        example(|m| {
            let a = m.input("a_i", uint(8));
            let cells = m.array("cell", &[("x", 3)], &cell); // E0207
            cells.chain("a_i", "a_o", "x", &[a]);
            cells.chain_back("b_i", "b_o", "x", &[a]);
            m.output("a_o", uint(8)).set(cells.last("a_o", "x")[0]);
            m.output("b_o", uint(8)).set(cells.first("b_o", "x")[0]);
        })
    };
    accepted(array(false));
    let text = refused(&["E0207"], array(true));
    for port in ["cell.a_i", "cell.a_o", "cell.b_i", "cell.b_o"] {
        assert!(text.contains(port), "{text}");
    }

    // The data of an asynchronous read follow the address; those of a synchronous one do not.
    let memory = |asynchronous: bool| {
        example(|m| {
            let memory = m.memory("cells", 256, uint(8));
            let address = m.wire("address", uint(8)); // E0207
            let data = if asynchronous {
                memory.read_async("data", address) // E0207
            } else {
                memory.read("data", address, true)
            };
            address.set(data);
            memory.write(address, data, true);
            m.output("data_o", uint(8)).set(data);
        })
    };
    refused(&["E0207"], memory(true));
    accepted(memory(false));
}

#[test]
fn valid_waits_for_no_ready() {
    let slice = |name: &str, waits: bool| {
        let m = ModuleBuilder::new(name);
        let a = m.input("ask_i", bit());
        m.output("go_o", bit()).set(if waits { a } else { m.delayed("go", a) });
        m.finish().unwrap()
    };
    let through = |child: &Arc<Module>| {
        example(|m| {
            let out = m.stream_out("out", &[]); // E0208
            let child = m.instance("child", child);
            child.connect("ask_i", out.ready);
            out.valid.set(child.output("go_o"));
        })
    };
    refused(&["E0208"], through(&slice("waits", true)));
    accepted(through(&slice("does_not_wait", false)));

    // Nor for that of another stream; ready may wait for valid.
    refused(
        &["E0208"],
        example(|m| {
            let first = m.stream_out("first", &[]);
            let second = m.stream_out("second", &[]); // E0208
            first.valid.set(1);
            second.valid.set(first.ready);
            m.discard(second.ready);
        }),
    );
    accepted(example(|m| {
        let from = m.stream_in("from", &[]);
        let to = m.stream_out("to", &[]);
        to.valid.set(from.valid);
        from.ready.set(to.ready & from.valid);
    }));
}

#[test]
fn latches() {
    let described = |default_first: bool, otherwise: bool| {
        example(move |m| {
            let a = m.input("a_i", bit());
            let b = m.output("b_o", uint(2)); // E0205
            if default_first {
                b.set(0);
            }
            let when = m.when(a, || b.set(1));
            if otherwise {
                when.otherwise(|| b.set(2));
            }
        })
    };
    refused(&["E0205"], described(false, false));
    accepted(described(true, false));
    accepted(described(false, true));

    // A switch drives in every case only with a default: arms for all values are not enough, as
    // they would cease to be if the subject grew.
    let switch = |arms: u32, default: bool, first: bool| {
        example(move |m| {
            let a = m.input("a_i", uint(2));
            let b = m.output("b_o", uint(3)); // E0205
            if first {
                b.set(7);
            }
            m.switch(a, |s| {
                (0..arms).for_each(|value| s.case(value, || b.set(value)));
                if default {
                    s.default(|| b.set(4));
                }
            });
        })
    };
    refused(&["E0205"], switch(3, false, false));
    refused(&["E0205"], switch(4, false, false));
    accepted(switch(3, true, false));
    accepted(switch(4, true, false));
    accepted(switch(3, false, true));
    // One arm forgets it.
    refused(
        &["E0205"],
        example(|m| {
            let a = m.input("a_i", bit());
            let (b, c) = (m.output("b_o", bit()), m.output("c_o", bit())); // E0205
            m.switch(a, |s| {
                s.case(0, || {
                    b.set(1);
                    c.set(1);
                });
                s.default(|| b.set(0));
            });
        }),
    );
    // A register holds.
    accepted(example(|m| {
        let a = m.input("a_i", bit());
        let held = m.register("held", bit());
        m.when(a, || held.set(1));
        m.output("b_o", bit()).set(held);
    }));
}

/// The assignment to look at is the one that has no effect.
#[test]
fn driven_twice() {
    refused(
        &["E0206"],
        example(|m| {
            let (a, b) = (m.input("a_i", bit()), m.output("b_o", uint(2)));
            m.when(a, || b.set(1)); // E0206
            b.set(2);
        }),
    );
    refused(
        &["E0206"],
        example(|m| {
            let (a, b) = (m.input("a_i", bit()), m.output("b_o", uint(2)));
            b.set(0);
            m.when(a, || {
                b.set(1); // E0206
                b.set(2);
            });
        }),
    );
    refused(
        &["E0206", "E0206"],
        example(|m| {
            let held = m.register("held", uint(2));
            held.set(0); // E0206
            held.set(1); // E0206
            held.set(2);
            m.output("b_o", uint(2)).set(held);
        }),
    );
    // A default, and more than one condition.
    accepted(example(|m| {
        let (a, b) = (m.input("a_i", uint(2)), m.output("b_o", uint(2)));
        b.set(0);
        m.when(a.bit(0), || b.set(1));
        m.when(a.bit(1), || b.set(2));
    }));
    // By an instance, and by assignments to a wire of that name.
    refused(
        &["E0211"],
        example(|m| {
            let child = m.instance("child", &delay());
            child.connect("a_i", 0);
            let out = child.output("a_o");
            let wire = m.wire("child_a", uint(8)); // E0211
            wire.set(out);
            m.output("a_o", uint(8)).set(wire);
        }),
    );
}

#[test]
fn unused() {
    refused(
        &["E0209", "E0209", "E0209"],
        example(|m| {
            m.input("a_i", bit()); // E0209
            m.wire("b", bit()).set(1); // E0209
            let count = m.register("count", uint(4)); // E0209
            count.set((count + 1).truncate(4));
        }),
    );
    refused(
        &["E0209"],
        example(|m| {
            let a = m.input("a_i", uint(4));
            m.memory("cells", 16, uint(4)).write(a, a, true); // E0209
            m.discard(a);
        }),
    );
    // What is read of a memory, and not used.
    refused(
        &["E0209"],
        example(|m| {
            let a = m.input("a_i", uint(4));
            let memory = m.memory("cells", 16, uint(4));
            memory.write(a, a, true);
            memory.read("data", a, true); // E0209
            m.discard(a);
        }),
    );
    // An instance may have outputs that nobody asks for; one that is asked for is to be used.
    accepted(example(|m| {
        m.instance("child", &delay()).connect("a_i", 0);
    }));
    refused(
        &["E0209"],
        example(|m| {
            let child = m.instance("child", &delay());
            child.connect("a_i", 0);
            child.output("a_o"); // E0209
        }),
    );
    // A property uses a value, and so does saying that it is meant.
    accepted(example(|m| {
        let (a, b) = (m.input("a_i", bit()), m.input("b_i", bit()));
        m.assume("a_holds", a);
        m.discard(b);
    }));
    // One bit is enough for all.
    accepted(example(|m| {
        let a = m.input("a_i", uint(8));
        m.output("a_o", bit()).set(a.bit(3));
    }));
}

#[test]
fn names() {
    let named = |name: &str| {
        example(|m| {
            m.output(name, bit()).set(1); // E0210 E0211
        })
    };
    // Verilog's, SystemVerilog's, and what is no identifier.
    let illegal =
        ["wire", "endmodule", "logic", "interface", "", "1a", "a b", "a.b", "\u{e9}", "a$"];
    for name in illegal {
        refused(&["E0210"], named(name));
    }
    refused(&["E0210"], named(&"a".repeat(name::MAX_LENGTH + 1)));
    for name in ["a".repeat(name::MAX_LENGTH), "_".into(), "Wire".into(), "a1_B".into()] {
        accepted(named(&name));
    }
    // Clock and reset come by themselves, whatever would be called so.
    for name in ["clk_i", "rst_ni", "rst_i"] {
        refused(&["E0211"], named(name));
        refused(
            &["E0211"],
            example(|m| {
                let wire = m.wire(name, bit()); // E0211
                wire.set(1);
                m.output("a_o", bit()).set(wire);
            }),
        );
    }
    // Every kind of thing needs a name of its own, though Verilog would see `_q` alone.
    refused(
        &["E0210", "E0210", "E0210", "E0210"],
        example(|m| {
            let held = m.register("", uint(8)); // E0210
            held.set(1);
            let memory = m.memory("", 4, uint(8)); // E0210
            memory.write(0, 1, true);
            let child = m.instance("", &delay()); // E0210
            child.connect("a_i", memory.read("", 0, true)); // E0210 E0211
            m.discard(held);
        })
        .map_err(|errors| {
            // Register and read data clash too.
            Errors(errors.0.into_iter().filter(|e| e.kind.code() == "E0210").collect())
        }),
    );
}

#[test]
fn name_clashes() {
    refused(
        &["E0211"],
        example(|m| {
            let held = m.register("a", bit());
            held.set(1);
            let wire = m.wire("a_q", bit()); // E0211
            wire.set(held);
            m.output("a_o", bit()).set(wire);
        }),
    );
    // A register is called otherwise than a wire of its name.
    accepted(example(|m| {
        let wire = m.wire("a", bit());
        wire.set(1);
        m.output("a_o", bit()).set(m.delayed("a", wire));
    }));
    refused(
        &["E0211"],
        example(|m| {
            m.instance("child", &delay()).connect("a_i", 0);
            m.instance("child", &delay()).connect("a_i", 0); // E0211
        }),
    );
    // The cell of a gated clock is an instance too.
    refused(
        &["E0211"],
        example(|m| {
            let clock = m.gated_clock("child", true);
            m.instance("child", &delay()).clocked_by(clock).connect("a_i", 0); // E0211
        }),
    );
    // The loops of an array have variables and labels.
    let array = |m: &ModuleBuilder, name: &str, axes: &[(&str, u32)]| {
        m.array(name, axes, &delay()).broadcast("a_i", 0); // E0211
    };
    refused(
        &["E0211"],
        example(|m| {
            array(m, "cell", &[("row", 2)]);
            m.output("row", bit()).set(1); // E0211
        }),
    );
    refused(&["E0211", "E0211"], example(|m| array(m, "cell", &[("row", 2), ("row", 2)])));
    refused(
        &["E0211"],
        example(|m| {
            array(m, "cell", &[("row", 2), ("column", 2)]);
            array(m, "cell_row", &[("column", 2)]);
        }),
    );
    accepted(example(|m| {
        array(m, "cell", &[("row", 2), ("column", 2)]);
        array(m, "edge", &[("row", 2)]);
    }));
    // One module twice is fine, and so are two that are alike.
    accepted(example(|m| {
        let child = delay();
        m.instance("first", &child).connect("a_i", 0);
        m.instance("second", &child).connect("a_i", 0);
        m.instance("third", &delay()).connect("a_i", 0);
    }));
    // A child that is called like its parent, below another one.
    let inner = ModuleBuilder::new("example");
    inner.output("a_o", bit()).set(1);
    let inner = inner.finish().unwrap();
    let outer = ModuleBuilder::new("outer");
    outer.output("a_o", bit()).set(outer.instance("inner", &inner).output("a_o"));
    let outer = outer.finish().unwrap();
    refused(
        &["E0219"],
        example(|m| {
            let child = m.instance("outer", &outer); // E0219
            m.output("a_o", bit()).set(child.output("a_o"));
        }),
    );
}

#[test]
fn a_condition_of_another_module_is_no_condition() {
    let (one, two) = (ModuleBuilder::new("one"), ModuleBuilder::new("two"));
    let a = one.input("a_i", bit());
    let b = two.output("b_o", bit());
    let c = one.output("c_o", bit());
    c.set(0);
    b.set(0);
    one.when(a, || {
        // A module described as a whole in here has conditions of its own.
        let child = ModuleBuilder::new("child");
        let (d, e) = (child.input("d_i", bit()), child.output("e_o", bit()));
        e.set(0);
        child.when(d, || e.set(1));
        assert!(child.finish().is_ok());
        c.set(1);
        b.set(1);
    });
    assert!(one.finish().is_ok());
    let errors = two.finish().unwrap_err().to_string();
    assert!(errors.contains("E0221") && errors.contains("condition of another"), "{errors}");
}

#[test]
fn a_module_has_a_name_of_its_own() {
    let port = ModuleBuilder::new("d_i");
    let d = port.input("d_i", bit());
    port.output("e_o", bit()).set(!d);
    let register = ModuleBuilder::new("level_q");
    let level = register.register("level", bit()).reset(0);
    level.set(!level);
    register.output("e_o", bit()).set(level);
    let clock = ModuleBuilder::new("clk_i");
    let d = clock.input("d_i", bit());
    clock.output("e_o", bit()).set(!d);
    for m in [port, register, clock] {
        let errors = m.finish().unwrap_err().to_string();
        assert!(errors.contains("E0211"), "{errors}");
    }
}

#[test]
fn the_nearest_name_is_proposed() {
    let m = ModuleBuilder::new("nearest");
    let state = m.state_machine("state", &["Idle", "Running"]);
    state.goto("Runing");
    m.output("a_o", bit()).set(state.is("Idle"));
    let errors = m.finish().unwrap_err().to_string();
    assert!(errors.contains("`Running` would do"), "{errors}");
}
